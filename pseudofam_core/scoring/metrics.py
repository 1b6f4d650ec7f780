"""What a metric is: a name, how it is shown, which way is better, and what computes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sacrebleu.metrics.base import Metric as SacreMetric

from pseudofam_core.scoring.protocols import Protocol as TextProtocol


@dataclass(frozen=True)
class Metric:
    """A number that tells how good a model is.

    Attributes:
        name: Under which results hold it.
        label: What people call it.
        higher_is_better: The direction.
        decimals: As it is shown in tables.
    """

    name: str
    label: str
    higher_is_better: bool = True
    decimals: int = 1

    @property
    def signature_name(self) -> str:
        """Under which results hold how it was computed."""
        return f"{self.name}_signature"


LOSS = Metric("loss", "loss", higher_is_better=False, decimals=3)
"""Nats a token, not smoothed."""


class Maker(Protocol):
    """Makes what scores, as sacreBLEU has it: with sufficient statistics that add up over sentences, and a signature."""

    def __call__(self, references: Sequence[str] | None, *, target: str, protocol: TextProtocol) -> SacreMetric:
        """The metric for outputs in the language `target`, with its references inside where they are given."""


@dataclass(frozen=True)
class TextMetric(Metric):
    """A metric of outputs against references.

    Attributes:
        made: Makes what scores.
        doubt: Why its numbers mean nothing for text in the language of a code, or None where they mean something.
        run_spread: By how much runs of one arm are usually apart, a standard deviation, times the root of the test
            sentences; None where nobody has looked.
    """

    made: Maker = field(kw_only=True)
    doubt: Callable[[str], str | None] = field(kw_only=True, default=lambda code: None)
    run_spread: float | None = field(kw_only=True, default=None)

    def usual_run_spread(self, n_sentences: int) -> float | None:
        """A guess, before anything is run, of how far runs of one arm will be apart: a standard deviation."""
        return None if self.run_spread is None else self.run_spread / n_sentences**0.5


def meaningful_first(metrics: Sequence[TextMetric], targets: Iterable[str]) -> tuple[TextMetric, ...]:
    """The metrics in their order, but those last whose numbers mean nothing for one of these languages."""
    codes = list(targets)
    return tuple(sorted(metrics, key=lambda metric: any(metric.doubt(code) for code in codes)))


@dataclass(frozen=True)
class Beside:
    """A metric that is shown beside the others where what it takes is on this machine: it is not kept with a run, nor tested.

    Attributes:
        label: What people call it.
        score: Value and signature of hypotheses for references, of all sentences; None where it can't be computed here.
        missing: Why not, for a person.
        decimals: As it is shown.
    """

    label: str
    score: Callable[[Sequence[str], Sequence[str]], tuple[float, str] | None]
    missing: str
    decimals: int = 1
