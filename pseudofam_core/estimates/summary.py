"""What a finished estimate tells without its tensors being opened: the manifest, typed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pseudofam_core.estimates.spec import Estimator, FisherSpec, Workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.store.cache import Artifact
from pseudofam_core.store.restoring import known_of, restored

# What a spec of before these fields existed stood for.
_EARLIER: Mapping[str, Any] = {"precision": "float32", "shards": 1, "seed": None, "mini_batches": None}
_MOST = 1e30  # of any count, sum or time
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Convergence:
    """How the estimate settled as shards of the sentences were added.

    Attributes:
        counts: Sentences (gradients) read so far.
        distance: Of the estimate so far from the final one, as a share of the final one's length.
        split_half_correlation: Of the estimates of two halves; None where there are too few sentences.
    """

    counts: tuple[int, ...]
    distance: tuple[float | None, ...]
    split_half_correlation: float | None


@dataclass(frozen=True, kw_only=True)
class FisherRecord:
    """What the estimator writes into the manifest. None stands for what estimates of earlier versions did not record.

    Attributes:
        workspace: What was asked for, without its pool.
        version: Of this package.
        libraries: Versions by name.
        device: What computed.
        n_sentences: Sentences read.
        n_source_tokens: Tokens of the source side, special tokens included.
        n_target_tokens: Tokens of the target side, special tokens included.
        n_gradients: Gradients squared: sentences, or the updates of `Estimator.PER_BATCH`.
        n_parameters: Numbers in the diagonal.
        loss: Negative log-likelihood of all target tokens, nats.
        total: Sum of the diagonal, nats².
        layer_mass: Share of `total` by parameter tensor name; sums to 1 where `total` is positive.
        layer_zeros: Parameters whose value is exactly zero, by tensor name.
        layer_sizes: All parameters, by tensor name.
        lorenz: Share of `total` in the largest 0%, 1%, … 100% of the parameters.
        top_percent_share: That of 1%.
        convergence: See there.
        seconds: Computing time.
        predicted_bytes: Memory that was expected to be needed.
    """

    workspace: Workspace
    version: str = ""
    libraries: Mapping[str, str] = field(default_factory=dict)
    device: str | None = None
    n_sentences: int
    n_source_tokens: int
    n_target_tokens: int
    n_gradients: int | None = None
    n_parameters: int
    loss: float
    total: float
    layer_mass: Mapping[str, float]
    layer_zeros: Mapping[str, int] | None = None
    layer_sizes: Mapping[str, int] | None = None
    lorenz: tuple[float, ...] | None = None
    top_percent_share: float | None = None
    convergence: Convergence | None = None
    seconds: float
    predicted_bytes: int | None = None

    def __post_init__(self) -> None:
        """Refuse an estimate of nothing, which no mean can be taken of, and numbers that no estimator writes."""
        for name in ("n_sentences", "n_target_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1. Got {getattr(self, name)}.")
        for name in ("loss", "total"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be finite. Got {getattr(self, name)}.")
        for name, value in _numbers(self):
            if not 0 <= value < _MOST:  # said so that NaN is refused
                raise ValueError(f"{name} must be in [0, {_MOST:g}). Got {value}.")
        halves = None if self.convergence is None else self.convergence.split_half_correlation
        if halves is not None and not abs(halves) <= 1 + _ROUNDING:
            raise ValueError(f"split_half_correlation must be in [-1, 1]. Got {halves}.")


def _numbers(record: FisherRecord) -> Iterator[tuple[str, float]]:
    """All numbers of a record that can't be negative, each with the name of its field."""
    for member in fields(record):
        value = getattr(record, member.name)
        values = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else (value,)
        yield from ((member.name, number) for number in values if isinstance(number, int | float))
    if record.convergence is not None:
        for name in ("counts", "distance"):
            yield from ((name, number) for number in getattr(record.convergence, name) if number is not None)


@dataclass(frozen=True, kw_only=True)
class FisherSummary(FisherRecord):
    """What a page may know of a finished estimate.

    Attributes:
        key: The artifact's key.
        spec: What was computed.
        created: ISO 8601, UTC.
        estimated: The same of an imported one where it was computed; `created` is then when it was imported.
    """

    key: str
    spec: FisherSpec
    created: str
    estimated: str | None = None

    @property
    def imported(self) -> bool:
        """Whether it was computed elsewhere, by who knows whom, and came in as a file."""
        return self.estimated is not None

    @property
    def pair(self) -> LanguagePair:
        """The direction."""
        return self.spec.pair

    @property
    def mean_loss(self) -> float:
        """Mean negative log-likelihood per target token, nats."""
        return self.loss / self.n_target_tokens


def imported_pairs(estimates: Mapping[LanguagePair, Artifact]) -> tuple[LanguagePair, ...]:
    """Those that were computed elsewhere and came in as a file, sorted: nobody here can vouch for their numbers."""
    return tuple(sorted(pair for pair, estimate in estimates.items() if summarise(estimate).imported))


def summarise(artifact: Artifact) -> FisherSummary:
    """What the manifest of an estimate tells.

    Raises:
        MalformedValue: It is not that of an estimate.
    """
    place = f"manifest of estimate {artifact.key[:8]}"
    known = known_of(FisherSummary, {**artifact.manifest, "key": artifact.key})
    spec = restored(dict[str, Any], known.get("spec"), place=f"{place}.spec")
    known["spec"] = {**_EARLIER, **spec, "workspace": known.get("workspace")}
    summary = restored(FisherSummary, known, place=place)
    if summary.n_gradients is None and summary.spec.estimator is not Estimator.PER_BATCH:
        return replace(summary, n_gradients=summary.n_sentences)  # earlier versions did not count them
    return summary
