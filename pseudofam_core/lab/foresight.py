"""Does similarity foresee gain? The paper's open question 9, by the kept transfer matrix of the workspace's model.

Nothing is trained here: `pseudofam transfer` trains every target alone and with each single auxiliary, and keeps the gains in dev
loss. Signals are made of the workspace (`pseudofam_core.signals`), which may be another text than the one that was trained on,
and judged target by target (`pseudofam_core.transfer.judge`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.lab.experiment import Experiment, Material
from pseudofam_core.lab.finding import Chart, Finding, Look
from pseudofam_core.lab.gains import runs
from pseudofam_core.lab.ready import Texts
from pseudofam_core.lab.running import seen_on
from pseudofam_core.signals import SIGNALS, signal_matrices
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.store.cache import Cache
from pseudofam_core.transfer import transfer_matrix
from pseudofam_core.transfer.forecast import standardised
from pseudofam_core.transfer.foresight import Foresight, foresight_of
from pseudofam_core.transfer.judge import Standing
from pseudofam_core.transfer.kept import kept_request
from pseudofam_core.transfer.learned import ELSEWHERE, LEARNED
from pseudofam_core.transfer.request import TransferRequest

_SIGNAL, _CELL = "signal", "target and auxiliary"
_OF_GAINS = (ELSEWHERE, LEARNED)  # what only measured gains tell
_COLUMNS = {
    "row": "What the row is of",
    "name": "Signal, or target ← auxiliary",
    "rho": "Rank correlation of signal and gain within a target's row (mean over targets)",
    "low": "Lower end of its 95 % interval over targets",
    "high": "Upper end",
    "p": "Its p against blind choice, corrected for the number of signals",
    "regret": "Gain lost by the signal's first three against the three best, nats a token",
    "signal": "Best signal, standard deviations within the target's row",
    "gain": "Gain in dev loss by the auxiliary, nats a token",
}


def finding(material: Material) -> Finding:
    """The judge's table of all signals, and gain over the best of them.

    Raises:
        ValueError: The kept gains are of too few targets to be judged, or no longer kept.
    """
    request = _kept(material.workspace, material.cache)
    measured = transfer_matrix(request, material.cache)
    signals = signal_matrices(
        material.workspace, material.cache, report=material.report, should_stop=material.should_stop
    )
    foresight = foresight_of(measured, signals)
    n_gains = measured.n_cells - measured.n_missing
    n_seeds = len(measured.seeds)
    seen = f"{n_gains} gains of {len(measured.targets)} targets, {n_seeds} seed{'s' if n_seeds != 1 else ''}"
    return replace(
        told(foresight),
        seen_on=f"{seen_on(material.workspace, material.pool)}; {seen}, {request.updates} updates of the target alone",
        settings={"updates": request.updates, "n_runs_missing": measured.n_missing},
    )


def ready(workspace: Workspace, texts: Texts, cache: Cache) -> None:
    """Refuse a model of which no gains are kept.

    Raises:
        ValueError: There are none.
    """
    _kept(workspace, cache)


def _kept(workspace: Workspace, cache: Cache) -> TransferRequest:
    request = kept_request(workspace, cache)
    if request is None:
        raise ValueError(
            "A transfer matrix of this model and pool must be kept. There is none. Train one on the page Transfer, or by "
            "`pseudofam transfer` with the same --model and the corpus to be trained on."
        )
    return request


def told(foresight: Foresight) -> Finding:
    """The judge's table, the cells, and what they say."""
    best = foresight.best_signal
    return Finding(
        answer=_answer(foresight),
        seen_on="",
        columns=_COLUMNS,
        rows=(*(_row(standing) for standing in foresight.judgement.standings), *_cells(foresight)),
        chart=Chart(
            Look.POINTS,
            x="signal",
            y="gain",
            label="name",
            chance=0.0,
            only=("row", _CELL),
            words=f"A point for each target and auxiliary: what the best signal, {_label(best)}, said of it, and what it "
            "gained. The "
            "dotted line is no gain.",
        ),
        limits="One model, one text, one budget; a gain in dev loss is no gain in translations. The best of many signals is the "
        "best by luck as well.",
    )


def _label(name: str) -> str:
    return SIGNALS[name].label if name in SIGNALS else name


def _row(standing: Standing) -> dict[str, Any]:
    rho = standing.spearman
    told = {
        "row": _SIGNAL,
        "name": _label(standing.signal),
        "rho": rho.value,
        "low": rho.low,
        "high": rho.high,
    }
    return {**told, "p": rho.p, "regret": standing.regret[3].value}


def _cells(foresight: Foresight) -> list[dict[str, Any]]:
    """A row for each gain that is known."""
    gains, signal = foresight.mean, foresight.signals[foresight.best_signal]
    scaled = np.array([standardised(row) for row in signal])
    return [
        {
            "row": _CELL,
            "name": f"{target.language.code} ← {auxiliary.language.code}",
            "signal": float(scaled[i, j]),
            "gain": float(gains[i, j]),
        }
        for i, target in enumerate(foresight.targets)
        for j, auxiliary in enumerate(foresight.auxiliaries)
        if np.isfinite(gains[i, j]) and np.isfinite(scaled[i, j])
    ]


def _answer(foresight: Foresight) -> str:
    judgement = foresight.judgement
    by_name = {standing.signal: standing.spearman for standing in judgement.standings}
    told = []
    for name in dict.fromkeys((foresight.best_signal, Measure.OVERLAP.value, "kinship")):
        if (rho := by_name.get(name)) is not None:
            told.append(f"{_label(name)} ρ = {rho.value:.2f} ({rho.low:.2f} to {rho.high:.2f}, p = {rho.p:.3f})")
    ceiling = "" if judgement.ceiling is None else f", another seed's gains with {judgement.ceiling:.2f}"
    helped = float((foresight.mean[np.isfinite(foresight.mean)] > 0).mean())
    n_untrained = len(judgement.standings) - len(_OF_GAINS)
    return (
        f"Over {judgement.n_targets} targets, of {n_untrained} signals that need no training, the gain by a single auxiliary is "
        f"foreseen best by {'; by '.join(told)}. What it gained for other targets foresees it with ρ = "
        f"{by_name[ELSEWHERE].value:.2f}{ceiling}; {helped:.0%} of the gains are above zero."
    )


EXPERIMENT = Experiment(
    name="foresight",
    title="Does it foresee gain",
    question="Does similarity foresee which auxiliary helps, and better than kinship, script or amount of text?",
    expected="That Fisher similarity ranks auxiliaries above chance, and no better than the best cheap signal. An interval "
    "of Overlap's ρ "
    "that holds zero would refute the first, one above the best cheap signal the second.",
    needs="A kept transfer matrix of the workspace's model (`pseudofam transfer`), and the workspace's estimates.",
    ready=ready,
    finding=finding,
    runs=runs,
    seconds=lambda n_pairs: 10.0 + 2 * n_pairs,
)
