"""Squared per-sentence gradients of models beyond translation, and of modules that no reading is known for."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MT5Config,
    MT5ForConditionalGeneration,
    OPTConfig,
    OPTForCausalLM,
)
from transformers.modeling_outputs import CausalLMOutput

from pseudofam_core.estimates.fisher import SquaredGradients

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 50}
N_LABELS = 3


def _gpt2():
    return GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=50, n_positions=32, eos_token_id=1))


def _llama():
    return LlamaForCausalLM(LlamaConfig(num_key_value_heads=1, intermediate_size=24, **SIZES))


def _opt():
    return OPTForCausalLM(OPTConfig(ffn_dim=24, word_embed_proj_dim=16, max_position_embeddings=32, **SIZES))


def _bert():
    return BertForSequenceClassification(BertConfig(intermediate_size=24, num_labels=N_LABELS, **SIZES))


def _mt5():
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2, "vocab_size": 50}
    return MT5ForConditionalGeneration(MT5Config(decoder_start_token_id=0, **sizes))


class Routed(nn.Module):
    """Experts that see only some tokens of all sentences; a matrix used without Linear; a table of positions looked up
    in pairs; a scale that no torch function is seen to read; parameters without a use."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 8)
        self.experts = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
        self.mixing = nn.Parameter(torch.randn(8, 8))
        self.head = nn.Linear(8, 50)
        self.pairs = nn.Embedding(40, 8)
        self.unseen = nn.Parameter(torch.randn(8))
        self.idle = nn.Linear(8, 8)

    def forward(self, input_ids, attention_mask, labels, use_cache):
        hidden = self.embedding(input_ids)
        places = torch.arange(hidden.shape[1])
        hidden = hidden + self.pairs(places[:, None] - places + 20).sum(0)
        with torch._C.DisableTorchFunction():
            hidden = hidden * self.unseen
        mixed = torch.zeros_like(hidden)
        for i, expert in enumerate(self.experts):
            chosen = input_ids % 3 == i
            mixed[chosen] = expert(hidden[chosen])
        logits = self.head(torch.tanh(mixed @ self.mixing) * attention_mask[..., None])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)
        return CausalLMOutput(loss=loss)


MODELS = {"gpt2": _gpt2, "llama": _llama, "opt": _opt, "bert": _bert, "mt5": _mt5, "routed": Routed}


def _inputs(name, n_sentences, n_tokens):
    ids = torch.randint(3, 50, (n_sentences, n_tokens), generator=torch.Generator().manual_seed(n_sentences))
    mask = torch.ones_like(ids)
    for sentence in range(n_sentences):
        mask[sentence, n_tokens - sentence % 3 :] = 0
    labels = ids.masked_fill(mask == 0, -100)
    labels[:, 0] = -100
    return {"input_ids": ids, "attention_mask": mask, "labels": ids[:, 0] % N_LABELS if name == "bert" else labels}


def _twin(module, inputs):
    """One backward pass per sentence."""
    totals = {name: torch.zeros_like(one) for name, one in module.named_parameters()}
    module.requires_grad_(True)
    for i in range(len(inputs["labels"])):
        one = {key: value[i : i + 1] for key, value in inputs.items()}
        module.zero_grad(set_to_none=True)
        (module(**one, use_cache=False).loss * (one["labels"] != -100).sum()).backward()
        for name, parameter in module.named_parameters():
            if parameter.grad is not None:
                totals[name] += parameter.grad**2
    module.zero_grad(set_to_none=True)
    return totals


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    torch.manual_seed(0)
    module = MODELS[request.param]().double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return request.param, module


# As many sentences as tokens, or as an expert has tokens, must not be taken for one another.
@pytest.mark.parametrize(("n_sentences", "n_tokens"), [(5, 9), (4, 4), (1, 6)])
def test_every_parameter_agrees_with_one_sentence_at_a_time(model, n_sentences, n_tokens):
    name, module = model
    inputs = _inputs(name, n_sentences, n_tokens)
    expected = _twin(module, inputs)
    squares = SquaredGradients(module, list(expected))
    squares.add(_inputs(name, 2, 2))
    for total in squares.totals.values():
        total.zero_()
    squares.add(inputs)
    for parameter, value in expected.items():
        if "k_proj.bias" in parameter or "self.key.bias" in parameter:
            continue  # mathematically zero
        assert (squares.totals[parameter] - value).abs().max() <= 1e-12 * value.abs().max() + 1e-30, parameter


def test_one_pass_suffices_where_every_use_is_known(model):
    name, module = model
    squares = SquaredGradients(module, [parameter for parameter, _ in module.named_parameters()])
    squares.add(_inputs(name, 3, 5))
    passes = []
    handle = module.register_forward_hook(lambda *_: passes.append(1))
    squares.add(_inputs(name, 5, 9))
    handle.remove()
    # OPT's layers flatten the sentences into a new tensor, so that theirs go the slow way, as the routed model's do.
    assert len(passes) == (1 + 5 if name in ("opt", "routed") else 1)


def test_tokens_of_any_sentences_are_not_taken_for_a_batch():
    """The first expert meets one token of the first sentence, two of the second and none of the third: three in all."""
    module = Routed().double().eval()
    ids = torch.tensor([[3, 4, 5, 7, 8], [3, 6, 4, 5, 7], [4, 5, 7, 8, 10]])
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids}
    expected = _twin(module, inputs)
    squares = SquaredGradients(module, list(expected))
    squares.add(inputs)
    for parameter, value in expected.items():
        torch.testing.assert_close(squares.totals[parameter], value, rtol=1e-10, atol=1e-14)
