"""The one door to torch: makes the evidence that signals are computed from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch

from pseudofam_core.corpora import Bitext, token_batches
from pseudofam_core.corpora.held_out import folded
from pseudofam_core.estimates.computing import compute, compute_gradient, open_model
from pseudofam_core.models.loading import TranslationModel
from pseudofam_core.models.plain_text import encode_plain
from pseudofam_core.models.tokenization import EncodedPair, ModelFamily, check_coverage
from pseudofam_core.progress import Meter, Report, ShouldStop, never, silent
from pseudofam_core.signals.evidence import Evidence, EvidenceSpec
from pseudofam_core.signals.states import EncoderStates
from pseudofam_core.signals.texts import TextProfile, profile

__all__ = ["compute", "compute_gradient", "make_evidence"]
T = TypeVar("T", TextProfile, EncoderStates)
BATCH_TOKENS = 1024


def make_evidence(
    kind: type[T], spec: EvidenceSpec, bitext: Bitext, *, report: Report = silent, should_stop: ShouldStop = never
) -> T:
    """The evidence of `spec` from its text; nothing is kept.

    Raises:
        ModelError: The model can't be loaded, or lacks a language.
        JobCancelled: `should_stop` said so.
    """
    model = open_model(spec.workspace)
    check_coverage(model.tokenizer, model.family, spec.pair)
    meter = Meter(report, should_stop, phase=_PHASES[kind], total=len(bitext))
    made: T = _MAKERS[kind](model, bitext, spec.max_length, meter)
    return made


def text_profile(model: TranslationModel, bitext: Bitext, max_length: int, meter: Meter) -> TextProfile:
    """Count the source side, its subwords by the model's tokenizer."""
    options: dict[str, Any] = {"add_special_tokens": False, "truncation": True, "max_length": max_length}
    subwords = encode_plain(model.tokenizer, bitext.sources, **options)
    meter.advance(len(bitext))
    return profile(bitext.sources, subwords)


@torch.inference_mode()
def encoder_states(model: TranslationModel, bitext: Bitext, max_length: int, meter: Meter) -> EncoderStates:
    """The last layer's output, averaged over each sentence's subwords; language codes and sentence ends do not count."""
    encoded = model.encode(bitext, max_length=max_length)
    marks = torch.tensor(sorted(_marks(model.tokenizer)), device=model.device)
    states = np.empty((len(encoded), model.module.config.hidden_size), np.float32)
    for batch in token_batches([model.n_tokens(sentence) for sentence in encoded], max_tokens=BATCH_TOKENS):
        some = [encoded[i] for i in batch]
        states[batch] = _means(model, model.collate(some), some, marks).float().cpu().numpy()
        meter.advance(len(batch))
    return EncoderStates(states, np.array([_meaning(target) for target in bitext.targets], np.int64))


def _means(
    model: TranslationModel, inputs: Mapping[str, torch.Tensor], batch: Sequence[EncodedPair], marks: torch.Tensor
) -> torch.Tensor:
    """(B, d) mean state of each sentence's subwords; of all its tokens where there is none."""
    ids = inputs["input_ids"]
    lengths = torch.tensor([len(sentence.source) for sentence in batch], device=ids.device)[:, None]
    inside = torch.arange(ids.shape[1], device=ids.device) < lengths
    words = inside & ~torch.isin(ids, marks)
    counted = torch.where(words.any(1, keepdim=True), words, inside)[..., None]
    hidden = _last_layer(model, ids, inputs["attention_mask"])
    return (hidden * counted).sum(1) / counted.sum(1).clamp(min=1)


def _last_layer(model: TranslationModel, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(B, T, d): the encoder's, or, of a model without one, the last layer's."""
    if model.family in (ModelFamily.CAUSAL, ModelFamily.CLASSIFIER):
        given = model.module(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        last: torch.Tensor = given.hidden_states[-1]
    else:
        last = model.module.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state
    return last


def _marks(tokenizer: Any) -> set[int]:
    """Ids that no word of a text has: sentence ends, language codes."""
    return {*tokenizer.all_special_ids, *getattr(tokenizer, "lang_token_to_id", {}).values()} - {tokenizer.unk_token_id}


def _meaning(sentence: str) -> int:
    digest = hashlib.sha256(folded(sentence).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


_MAKERS: Mapping[type[Evidence], Callable[..., Any]] = {TextProfile: text_profile, EncoderStates: encoder_states}
_PHASES = {TextProfile: "counting text", EncoderStates: "reading states"}
