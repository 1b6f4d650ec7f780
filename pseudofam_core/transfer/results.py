"""The transfer matrix: what each target gains by each single auxiliary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import numpy.typing as npt

from pseudofam_core.corpora import Bitext
from pseudofam_core.finetuning import FinetuneRun, FinetuneTexts, find_run, specs_of, texts_of_targets
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.scoring.metrics import LOSS, Metric
from pseudofam_core.scoring.significance import Interval, Replicates, estimate, pooled_spread, sentence_weights
from pseudofam_core.scoring.significance import replicates as replicated
from pseudofam_core.signals import is_itself
from pseudofam_core.store.cache import Cache
from pseudofam_core.tasks.translation import TRANSLATION
from pseudofam_core.transfer.judge import seed_mean
from pseudofam_core.transfer.request import ALONE, TransferRequest, specs_of_target
from pseudofam_core.transfer.runs import TransferRun, find_transfer

FloatArray = npt.NDArray[np.float64]
Texts = Mapping[LanguagePair, FinetuneTexts]


@dataclass(frozen=True, eq=False)
class Scored:
    """The score of a run.

    Attributes:
        key: Of the run.
        observed: On the target's sentences.
        resampled: (resamples,) on resamples of them, the same ones for all runs of a target.
        n_sentences: Sentences.
    """

    key: str
    observed: float
    resampled: FloatArray
    n_sentences: int


Row = Mapping[LanguagePair | None, Mapping[int, Scored]]
"""A target's runs that are there, by auxiliary (None: the target alone) and seed."""


@dataclass(frozen=True, eq=False)
class TransferMatrix:
    """Gains of targets (rows) by single auxiliaries (columns), by seed.

    Attributes:
        targets: The rows.
        auxiliaries: The columns.
        seeds: Of the runs.
        gains: (seeds, targets, auxiliaries) score of the target alone against that with the auxiliary, by the same seed:
            positive helps. Dev loss in nats a token, or points of another metric. NaN: not run, or the auxiliary is the
            target.
        low: (targets, auxiliaries) lower end of the 95 % interval of the mean gain, over sentences and seeds: see `interval`.
        high: (targets, auxiliaries) its upper end.
        metric: What is gained.
        keys: Of the runs behind it.
        provenance: Model, corpus, recipe, for exports.
    """

    targets: tuple[LanguagePair, ...]
    auxiliaries: tuple[LanguagePair, ...]
    seeds: tuple[int, ...]
    gains: FloatArray
    low: FloatArray
    high: FloatArray
    metric: Metric = LOSS
    keys: tuple[str, ...] = ()
    provenance: Mapping[str, object] = field(default_factory=dict)

    @property
    def mean(self) -> FloatArray:
        """(targets, auxiliaries) mean gain over the seeds that are there; NaN where there is none."""
        return seed_mean(self.gains)

    @property
    def is_cell(self) -> npt.NDArray[np.bool_]:
        """(targets, auxiliaries) whether a gain can stand there: a target is no auxiliary of its own."""
        return ~is_itself(self.targets, self.auxiliaries)

    @property
    def n_cells(self) -> int:
        """Gains that were asked for, seeds counted apart."""
        return len(self.seeds) * int(self.is_cell.sum())

    @property
    def n_missing(self) -> int:
        """Those of `n_cells` that are not there yet."""
        return self.n_cells - int(np.isfinite(self.gains).sum())


def transfer_matrix(request: TransferRequest, cache: Cache, *, texts: Texts | None = None) -> TransferMatrix:
    """The gains in dev loss of the runs that are kept; those that are not are NaN.

    Args:
        request: What was asked for.
        cache: Where runs are kept.
        texts: Of every target, where it is open already.

    Raises:
        ModelError: There is no such model.
        CorpusError: The text can't be read: keys are made from it.
    """
    texts = texts or texts_of_targets(request.workspace, request.targets, request.cut)
    return matrix_of(request, {target: loss_row(request, texts[target], cache) for target in request.targets}, LOSS)


def score_matrices(request: TransferRequest, cache: Cache, *, texts: Texts | None = None) -> dict[str, TransferMatrix]:
    """The gains on test by each metric of translations, by its name, of the runs that are kept: see `transfer_matrix`."""
    texts = texts or texts_of_targets(request.workspace, request.targets, request.cut)
    rows = {target: _score_rows(request, texts[target], cache) for target in request.targets}
    return {
        metric.name: matrix_of(request, {target: by_metric[metric.name] for target, by_metric in rows.items()}, metric)
        for metric in TRANSLATION.metrics
    }


def matrix_of(request: TransferRequest, rows: Mapping[LanguagePair, Row], metric: Metric) -> TransferMatrix:
    """The matrix of a request from the scores that are there."""
    shape = (len(request.targets), len(request.auxiliaries))
    gains = np.full((len(request.seeds), *shape), np.nan)
    low, high = np.full(shape, np.nan), np.full(shape, np.nan)
    for i, target in enumerate(request.targets):
        for j, auxiliary in enumerate(request.auxiliaries):
            for seed, gain in _gains(rows[target], auxiliary, metric).items():
                gains[request.seeds.index(seed), i, j] = gain
            if ends := interval(rows[target], auxiliary, metric):
                low[i, j], high[i, j] = ends.low, ends.high
    return TransferMatrix(
        targets=request.targets,
        auxiliaries=request.auxiliaries,
        seeds=request.seeds,
        gains=gains,
        low=low,
        high=high,
        metric=metric,
        keys=tuple(score.key for row in rows.values() for runs in row.values() for score in runs.values()),
        provenance=_provenance(request, metric),
    )


def interval(row: Row, auxiliary: LanguagePair, metric: Metric) -> Interval | None:
    """The mean gain over the seeds that both runs have, with its interval; None where there is no such seed.

    As in comparisons of arms (`pseudofam_core.scoring.significance`): the paired bootstrap of the sentences, and the variance
    between seeds, pooled over the runs of the target. With one seed it speaks of other sentences and of no other seed.
    """
    seeds = list(_gains(row, auxiliary, metric))
    if not seeds:
        return None
    arms = {member: _replicates(runs, list(runs)) for member, runs in row.items() if runs}
    spread = pooled_spread(list(arms.values()))
    sign = 1 if metric.higher_is_better else -1
    both = [replace(_replicates(row[member], seeds), spread=spread) for member in (auxiliary, None)]
    return estimate([(sign, both[0]), (-sign, both[1])])


def loss_row(request: TransferRequest, texts: FinetuneTexts, cache: Cache) -> Row:
    """Dev losses, nats a token, of a target's kept runs."""
    weights: FloatArray | None = None
    row: dict[LanguagePair | None, dict[int, Scored]] = {member: {} for member in request.members(texts.target)}
    for (member, seed), spec in specs_of_target(request, texts.target, texts).items():
        if run := find_transfer(spec, cache):
            weights = sentence_weights(len(run.after)) if weights is None else weights
            row[member][seed] = _loss(run, weights)
    return row


def _loss(run: TransferRun, weights: FloatArray) -> Scored:
    resampled = (weights @ run.after) / (weights @ run.n_tokens)
    return Scored(run.key, float(run.after.sum() / run.n_tokens.sum()), resampled, len(run.after))


def _score_rows(request: TransferRequest, texts: FinetuneTexts, cache: Cache) -> dict[str, Row]:
    """By metric, the test scores of a target's kept runs."""
    members = {ALONE if member is None else str(member): member for member in request.members(texts.target)}
    rows: dict[str, dict[LanguagePair | None, dict[int, Scored]]] = {
        metric.name: {member: {} for member in members.values()} for metric in TRANSLATION.metrics
    }
    for (arm, seed), spec in specs_of(request.arms_of(texts.target), texts).items():
        if seed is not None and (run := find_run(spec, cache)):
            for name, scored in _test_scores(run).items():
                rows[name][members[arm]][seed] = scored
    return dict(rows)


def _test_scores(run: FinetuneRun) -> dict[str, Scored]:
    lines = run.outputs["test"]
    scorer = run.task.scorer(Bitext(run.target, "test", lines["sources"], lines["references"]))
    weights = sentence_weights(len(scorer.kept))
    scored = {}
    for name, metric in scorer.made.items():
        replicates = replicated(metric, [[scorer.statistics(lines["hypotheses"], name)]], weights)
        scored[name] = Scored(
            run.key, float(replicates.observed[0]), replicates.resampled[:, 0], replicates.n_sentences
        )
    return scored


def _gains(row: Row, auxiliary: LanguagePair, metric: Metric) -> dict[int, float]:
    """The gain by each seed that both runs have."""
    alone, helped = row.get(None, {}), row.get(auxiliary, {})
    sign = 1 if metric.higher_is_better else -1
    return {seed: sign * (score.observed - alone[seed].observed) for seed, score in helped.items() if seed in alone}


def _replicates(runs: Mapping[int, Scored], seeds: list[int]) -> Replicates:
    observed = np.array([runs[seed].observed for seed in seeds])
    resampled = np.stack([runs[seed].resampled for seed in seeds], axis=1)
    return Replicates(observed, resampled, runs[seeds[0]].n_sentences)


def _provenance(request: TransferRequest, metric: Metric) -> dict[str, object]:
    workspace = request.workspace
    return {
        "gain": f"{metric.label} of the target alone against that with the auxiliary, by the same seed; positive helps",
        "unit": "nats a token, dev" if metric is LOSS else "points, test",
        "model": workspace.model,
        "model revision": resolve_model(workspace.model).revision,
        "corpus": workspace.corpus,
        "budget": f"{request.budget.mode}, {request.updates} updates of the target alone",
        **{name: value for name, value in asdict(request.recipe).items() if value is not None},
        **{name.replace("_", " "): "all" if n is None else n for name, n in asdict(request.cut).items()},
        "intervals": "95 %; paired bootstrap of the sentences, and the variance between seeds, pooled over a target's runs",
    }
