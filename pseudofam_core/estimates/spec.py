"""What to compute: frozen plain values, from which keys are made.

A `Workspace` is what a person chooses. The pipeline resolves it, with the bytes of the model and the
sentences that were really drawn, into a `FisherSpec` per pair and a `SimilaritySpec`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pseudofam_core.corpora.cleaning import Cleaning
from pseudofam_core.languages import LanguagePair
from pseudofam_core.store.keys import canonical


class Estimator(StrEnum):
    """How the Fisher diagonal is estimated.

    PER_SENTENCE squares the gradient of each sentence: the formula's own, whatever the batches. PER_BATCH squares
    those of training batches, as the paper's scripts do (`MiniBatches`). SAMPLED squares those of sentences whose
    target tokens are drawn from the model: a Monte-Carlo estimate of the true Fisher (Kunstner et al., 2019).
    """

    PER_SENTENCE = "per-sentence"
    PER_BATCH = "per-batch"
    SAMPLED = "sampled"


class Precision(StrEnum):
    """Number format of weights and activations. Squares are added in float32 by either.

    On the sample model BFLOAT16 changes a diagonal by 4% of its length (‖F' − F‖₂ / ‖F‖₂), 0.03% of its sum and 0.3% of its top
    40%; two languages differ by 108% and 14%.
    """

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True)
class MiniBatches:
    """The training batches whose gradients `Estimator.PER_BATCH` squares.

    The defaults are those that the paper trains with. Its script for Fisher takes 4,800 tokens × 2 batches × 2 GPUs: with
    `tokens` 4800 and `accumulation` 4 the same goes into a gradient. An update is one gradient: a text that fills only one
    gives F as the square of one gradient, which says little of any other text.

    Layers that the model's configuration drops as a whole in training are dropped.

    Attributes:
        tokens: Padded tokens of a batch on its longer side.
        accumulation: Batches whose gradients are added up before they are squared.
        label_smoothing: Share of the target's probability that is spread over the whole vocabulary.
        dropout: Share of activations dropped, or None for what the model's configuration says.
        attention_dropout: Share of attention weights dropped, or None for what the model's configuration says.
    """

    tokens: int = 4096
    accumulation: int = 2
    label_smoothing: float = 0.2
    dropout: float | None = 0.3
    attention_dropout: float | None = 0.1

    def __post_init__(self) -> None:
        """Refuse counts and shares that mean nothing."""
        for name in ("tokens", "accumulation"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} of a mini-batch must be at least 1. Got {getattr(self, name)}.")
        for name in ("label_smoothing", "dropout", "attention_dropout"):
            share = getattr(self, name)
            if share is not None and not 0 <= share < 1:
                raise ValueError(f"{name} must be in [0, 1). Got {share}.")


@dataclass(frozen=True)
class Workspace:
    """Model x corpus x estimator: everything that decides a pool's Fisher diagonals.

    Attributes:
        model: ``sample``, a local Hugging Face folder or a hub name.
        corpus: ``sample``, a folder or file, or ``hf:NAME``.
        pairs: The pool, or None for every pair of the corpus.
        split: The split that sentences are drawn from. Never the one that will be scored.
        parameters: A name of `PARAMETER_GROUPS` or a regular expression over parameter names.
        estimator: How the diagonal is estimated.
        max_sentences: Sentences drawn of each pair, or None for all.
        max_length: Tokens of a side beyond which a sentence is cut.
        cleaning: Steps applied before drawing.
        seed: Of the draw of sentences, and of what an estimator draws: labels, dropout.
        precision: Number format of weights and activations.
        shards: Disjoint random shards of the sentences whose own Fisher is kept for a subset of the parameters, so
            that uncertainty can be told without another pass. Fewer where there are fewer sentences.
        mini_batches: Settings of `Estimator.PER_BATCH`, None for the defaults; None with any other estimator.
    """

    model: str = "sample"
    corpus: str = "sample"
    pairs: tuple[LanguagePair, ...] | None = None
    split: str = "train"
    parameters: str = "ffn"
    estimator: Estimator = Estimator.PER_SENTENCE
    max_sentences: int | None = 200
    max_length: int = 256
    cleaning: Cleaning = field(default_factory=Cleaning)
    seed: int = 1
    precision: Precision = Precision.FLOAT32
    shards: int = 8
    mini_batches: MiniBatches | None = None

    def __post_init__(self) -> None:
        """Refuse counts that mean nothing."""
        if self.max_sentences is not None and self.max_sentences < 1:
            raise ValueError(f"max_sentences must be at least 1, or None for all. Got {self.max_sentences}.")
        if self.max_length < 8:
            raise ValueError(f"max_length must be at least 8 tokens. Got {self.max_length}.")
        if self.pairs is not None and len(set(self.pairs)) != len(self.pairs):
            raise ValueError(f"pairs must differ from one another. Got {', '.join(map(str, self.pairs))}.")
        if self.shards < 1:
            raise ValueError(f"shards must be at least 1. Got {self.shards}.")
        if self.mini_batches is not None and self.estimator is not Estimator.PER_BATCH:
            raise ValueError(f"mini_batches are for per-batch only. Leave them out for {self.estimator}.")

    def payload(self) -> dict[str, Any]:
        """The workspace as plain JSON values, for a job: pairs are written ``be-en``."""
        return {**canonical(self), "pairs": self.pairs and [str(pair) for pair in self.pairs]}


@dataclass(frozen=True)
class FisherSpec:
    """One pair's Fisher diagonal: what its value depends on, and names for labels.

    Attributes:
        model_revision: Digest of the model's files, or the hub's commit.
        text_digest: Digest of the sentences that are read, after cleaning and drawing.
        pair: The direction.
        parameters: See `Workspace`.
        estimator: See `Workspace`.
        max_length: See `Workspace`.
        precision: See `Workspace`.
        shards: See `Workspace`.
        seed: Of drawn labels and dropout; None for an estimator that draws nothing.
        mini_batches: Settings of `Estimator.PER_BATCH`; None with any other.
        workspace: The request it was resolved from: where to find model and text. Not part of the key.
    """

    model_revision: str
    text_digest: str
    pair: LanguagePair
    parameters: str
    estimator: Estimator
    max_length: int
    precision: Precision
    shards: int
    seed: int | None
    mini_batches: MiniBatches | None
    workspace: Workspace = field(compare=False, metadata={"key": False})
