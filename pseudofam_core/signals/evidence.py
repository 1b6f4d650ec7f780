"""What signals are computed from, pair by pair: specs, keys, and what of it is kept. Nothing is computed here.

Text is counted whole, as fine-tuning reads it; a model passes over the sentences that estimates read
(`Workspace.max_sentences`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

import numpy as np
from safetensors.numpy import load_file, save_file

from pseudofam_core.corpora import Bitext
from pseudofam_core.corpora.held_out import HeldOut
from pseudofam_core.errors import MalformedValue
from pseudofam_core.estimates import drawn_text
from pseudofam_core.estimates.spec import Precision, Workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.signals.states import EncoderStates
from pseudofam_core.signals.texts import TextProfile
from pseudofam_core.store.cache import Artifact, Cache, readable
from pseudofam_core.store.stages import Stage

EVIDENCE_FILE = "evidence.safetensors"
Evidence = TextProfile | EncoderStates
T = TypeVar("T", TextProfile, EncoderStates)
_STAGES: Mapping[type[Evidence], Stage] = {TextProfile: Stage.TEXT_PROFILE, EncoderStates: Stage.ENCODER_STATES}


@dataclass(frozen=True)
class EvidenceSpec:
    """One pair's evidence: what its value depends on.

    Attributes:
        model_revision: Digest of the model's files, or the hub's commit: its tokenizer counts, or it reads.
        text_digest: Digest of the sentences that are read.
        pair: The direction.
        max_length: Tokens of a side beyond which a sentence is cut.
        precision: Number format of weights and activations; None where no model reads.
        workspace: Where to find model and text. Not part of the key.
    """

    model_revision: str
    text_digest: str
    pair: LanguagePair
    max_length: int
    precision: Precision | None
    workspace: Workspace = field(compare=False, metadata={"key": False})


def text_of(kind: type[Evidence], workspace: Workspace, pair: LanguagePair, *, held: HeldOut | None = None) -> Bitext:
    """The sentences that a kind of evidence is made of.

    Raises:
        CorpusError: The text can't be read.
    """
    read = replace(workspace, max_sentences=None) if kind is TextProfile else workspace
    return drawn_text(read, pair, held=held)[0]


def evidence_spec(kind: type[Evidence], workspace: Workspace, bitext: Bitext, *, revision: str) -> EvidenceSpec:
    """What the evidence of a text by a model depends on."""
    return EvidenceSpec(
        model_revision=revision,
        text_digest=bitext.digest,
        pair=bitext.pair,
        max_length=workspace.max_length,
        precision=None if kind is TextProfile else workspace.precision,
        workspace=replace(workspace, pairs=None),
    )


def find_evidence(kind: type[T], spec: EvidenceSpec, cache: Cache) -> T | None:
    """The kept evidence of `spec`, or None."""
    stage = _STAGES[kind]
    return readable(cache.find(stage, stage.key(spec), spec=spec), lambda kept: _read(kind, kept))


def keep_evidence(evidence: T, spec: EvidenceSpec, cache: Cache) -> T:
    """Keep evidence, and give it as it was kept.

    Raises:
        CacheError: It can't be written.
    """
    stage = _STAGES[type(evidence)]
    arrays = {name: np.ascontiguousarray(array) for name, array in vars(evidence).items()}
    cache.store(
        stage, stage.key(spec), spec=spec, summary={}, write=lambda folder: save_file(arrays, folder / EVIDENCE_FILE)
    )
    return evidence


def _read(kind: type[T], artifact: Artifact) -> T:
    arrays = load_file(artifact.file(EVIDENCE_FILE))
    if lacking := {member.name for member in fields(kind)} - set(arrays):
        raise MalformedValue(f"The evidence {artifact.key[:8]} lacks {', '.join(sorted(lacking))}.")
    return kind(**arrays)
