"""Score a model's outputs for one test set by a task's metrics, each with its signature. Knows nothing of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sacrebleu.metrics.base import Metric as SacreMetric

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.languages import LanguagePair
from pseudofam_core.scoring.metrics import TextMetric
from pseudofam_core.scoring.protocols import Protocol, as_scored, kept_rows, require_protocol


@dataclass(frozen=True)
class ScoreReport:
    """How good a model's outputs are for one pair's split.

    Attributes:
        pair: The direction.
        split: The split scored.
        n_sentences: Sentences scored.
        metrics: What scored, in order.
        scores: By name of the metric.
        signatures: How each was computed, by name of the metric.
        hypotheses: The outputs, in the order of the split.
    """

    pair: LanguagePair
    split: str
    n_sentences: int
    metrics: tuple[TextMetric, ...]
    scores: Mapping[str, float]
    signatures: Mapping[str, str]
    hypotheses: tuple[str, ...] = field(repr=False, default=())

    @property
    def stored(self) -> dict[str, Any]:
        """As the manifest of a run holds it: ``n_sentences``, and each metric with its signature."""
        signatures = {metric.signature_name: self.signatures[metric.name] for metric in self.metrics}
        return {"n_sentences": self.n_sentences, **self.scores, **signatures}


@dataclass(frozen=True)
class Scorer:
    """Scores outputs for one test set by one protocol. The references are read once.

    Args:
        bitext: Sources and references.
        metrics: A task's; see `Task.scorer`.
        protocol: What text is scored.

    Raises:
        ValueError: The bitext has no sentence to score, or its target language can't be tokenised as in the paper.
        ScoringError: A metric can't score its target language.
    """

    bitext: Bitext
    metrics: tuple[TextMetric, ...]
    protocol: Protocol = Protocol.DETOKENISED

    def __post_init__(self) -> None:
        """Refuse what can't be scored."""
        require_protocol(self.protocol, self.bitext)
        if not self.kept:
            raise ValueError(f"bitext must have a sentence to score by {self.protocol}. Got {len(self.bitext)}.")

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """Positions of the sentences that are scored."""
        return kept_rows(self.protocol, self.bitext)

    @cached_property
    def made(self) -> Mapping[str, SacreMetric]:
        """What scores by each metric's name, the references inside."""
        references, target = self.prepared(self.bitext.targets), self.bitext.pair.target
        return {metric.name: metric.made(references, target=target, protocol=self.protocol) for metric in self.metrics}

    @property
    def signatures(self) -> Mapping[str, str]:
        """Each metric's signature, by its name; with what speaks against it where that means nothing for the target."""
        doubts = {metric.name: metric.doubt(self.bitext.pair.target) for metric in self.metrics}
        signatures = {name: str(metric.get_signature()) for name, metric in self.made.items()}
        return {
            name: f"{signature} ({doubts[name]})" if doubts[name] else signature
            for name, signature in signatures.items()
        }

    def prepared(self, lines: Sequence[str]) -> list[str]:
        """The lines that are scored, as the metrics take them.

        Raises:
            ValueError: Not one line per sentence of the bitext.
        """
        if len(lines) != len(self.bitext):
            raise ValueError(f"hypotheses must be one per sentence, {len(self.bitext)} in all. Got {len(lines)}.")
        return as_scored(self.protocol, [lines[i] for i in self.kept], self.bitext.pair.target)

    def statistics(self, hypotheses: Sequence[str], metric: str) -> npt.NDArray[np.float64]:
        """Sufficient statistics of each sentence, (sentences, counts): their sum gives the score of any selection."""
        counts = self.made[metric]._extract_corpus_statistics(self.prepared(hypotheses), None)
        return np.array(counts, dtype=np.float64)

    def score(self, hypotheses: Sequence[str]) -> ScoreReport:
        """The outputs' scores by every metric, with their signatures."""
        prepared = self.prepared(hypotheses)
        return ScoreReport(
            pair=self.bitext.pair,
            split=self.bitext.split,
            n_sentences=len(self.kept),
            metrics=self.metrics,
            scores={name: metric.corpus_score(prepared, None).score for name, metric in self.made.items()},
            signatures=self.signatures,
            hypotheses=tuple(hypotheses),
        )
