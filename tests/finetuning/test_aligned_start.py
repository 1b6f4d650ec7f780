"""First embeddings in which subwords that translate one another are near."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration

from pseudofam_core.finetuning.aligned_start import align, translation_embeddings
from pseudofam_core.models.tokenization import EncodedPair

N_WORDS = 12
N_TOKENS = 2 * N_WORDS + 6


def dictionary_text(seed, n=400, noise=0.0):
    """Sentences of three words; source word 6 + w is translated as 6 + N_WORDS + w, but for noise; 5 stands everywhere."""
    rng = random.Random(seed)
    drawn = [rng.sample(range(N_WORDS), 3) for _ in range(n)]

    def translated(word):
        return 6 + N_WORDS + (rng.randrange(N_WORDS) if rng.random() < noise else word)

    return [EncodedPair([5, *(6 + w for w in ws)], [5, *map(translated, ws)]) for ws in drawn]


def twin(sentences, n_tokens, dimensions):
    """By loops and a dense decomposition, as far as it is defined: rows up to a rotation, zeros for what has no information."""
    matrix = np.zeros((n_tokens, n_tokens))
    for s in range(n_tokens):
        for t in range(n_tokens):
            n_s = sum(s in one.source for one in sentences)
            n_t = sum(t in one.target for one in sentences)
            n = sum(s in one.source and t in one.target for one in sentences)
            if n:
                matrix[s, t] = max(0.0, np.log(n * len(sentences) / (n_s * n_t)))
    values, vectors = np.linalg.eigh(matrix + matrix.T)
    return vectors[:, -dimensions:] * np.sqrt(np.clip(values[-dimensions:], 0, None))


def test_it_is_the_decomposition_of_mutual_information():
    sentences = dictionary_text(1, n=60, noise=0.5)
    found = translation_embeddings(sentences, n_tokens=N_TOKENS, dimensions=8, seed=1)
    slow = twin(sentences, N_TOKENS, 8)
    lengths = np.linalg.norm(slow, axis=1)
    known = lengths > 1e-6
    assert set(np.flatnonzero(~known)) == {0, 1, 2, 3, 4, 5}
    cosines = (slow @ slow.T)[np.ix_(known, known)] / np.outer(lengths[known], lengths[known])
    np.testing.assert_allclose((found @ found.T)[np.ix_(known, known)], cosines, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)


def test_a_word_is_nearest_to_its_translation():
    found = translation_embeddings(dictionary_text(2), n_tokens=N_TOKENS, dimensions=N_WORDS, seed=1)
    sources, targets = found[6 : 6 + N_WORDS], found[6 + N_WORDS :]
    assert (np.argmax(sources @ targets.T, axis=1) == np.arange(N_WORDS)).all()


def test_the_seed_is_of_what_is_random_alone():
    one, again, other = (
        translation_embeddings(dictionary_text(3, noise=0.5), n_tokens=N_TOKENS, dimensions=4, seed=seed)
        for seed in (1, 1, 2)
    )
    assert (one == again).all()
    assert np.abs(one[:6] @ other[:6].T).max() < 0.999
    np.testing.assert_allclose(one[6:] @ one[6:].T, other[6:] @ other[6:].T, atol=1e-4)


@pytest.fixture
def model():
    torch.manual_seed(1)
    config = M2M100Config(vocab_size=N_TOKENS, d_model=12, encoder_layers=1, decoder_layers=2, pad_token_id=1)
    for name in ("encoder_attention_heads", "decoder_attention_heads"):
        setattr(config, name, 2)
    return M2M100ForConditionalGeneration(config)


def test_a_model_begins_with_the_mean_of_the_source_and_nothing_else_is_changed(model):
    before = {name: one.detach().clone() for name, one in model.named_parameters()}
    align(model, dictionary_text(4), seed=1)
    changed = {name for name, one in model.named_parameters() if not torch.equal(one, before[name])}
    layers = [f"model.decoder.layers.{i}.encoder_attn.{name}.weight" for i in (0, 1) for name in ("v_proj", "out_proj")]
    assert changed == {"model.shared.weight", *layers}
    assert not model.model.shared.weight[1].any()
    assert model.lm_head.weight is model.model.shared.weight
    through = [model.get_parameter(layers[i + 1]) @ model.get_parameter(layers[i]) for i in (0, 2)]
    torch.testing.assert_close(sum(through), torch.eye(12))
