"""A comparison as a table: CSV with its provenance, safe to open in a spreadsheet, and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import pandas as pd

from pseudofam_core.exchange.tables import comments, escaped
from pseudofam_core.outcomes.results import Average, Comparison, Outcome
from pseudofam_core.outcomes.run_settings import settings_of
from pseudofam_core.scoring.metrics import Beside, meaningful_first
from pseudofam_core.scoring.power import visible_gain
from pseudofam_core.scoring.protocols import Protocol
from pseudofam_core.scoring.significance import Interval, Verdict
from pseudofam_core.tasks.task import Task

_LATEX_COLUMNS = {
    "p": "p (Holm)",
    "verdict": "verdict",
    "control_difference": "against random",
    "control_verdict": "verdict on random",
    "runs": "runs",
    "updates": "updates",
    "target_tokens": "target tokens",
    "auxiliary_tokens": "auxiliary tokens",
}

_LATEX_WORDS = ("target", "arm", "verdict", "control_verdict")


def comparison_frame(comparison: Comparison) -> pd.DataFrame:
    """One row per target and arm, then the averages over targets.

    A column per metric, by its label. ``difference`` is the tested metric minus the pinned arm's.
    """
    rows = [_outcome_row(outcome, comparison) for outcome in comparison.outcomes]
    rows += [_average_row(average, comparison) for average in comparison.averages]
    return pd.DataFrame(rows)


def comparison_csv(comparison: Comparison) -> str:
    """The table in full precision, after ``#`` lines that say how it was made and what the paper claims."""
    table = comparison_frame(comparison).map(escaped)
    return "".join(comments(provenance(comparison))) + table.to_csv(index=False, lineterminator="\n")


def comparison_latex(comparison: Comparison) -> str:
    """The table for a paper: a plain ``tabular`` that needs no package, after ``%`` lines that say how it was made."""
    full, metrics = comparison_frame(comparison), comparison.task.metrics
    words = {"target": "target", "arm": "arm", **{metric.label: metric.label for metric in metrics}}
    words |= {"difference": f"{comparison.task.tested.label} difference", **_LATEX_COLUMNS}
    columns = {name: label for name, label in words.items() if name in full}
    decimals = dict.fromkeys(columns, comparison.task.tested.decimals) | {
        metric.label: metric.decimals for metric in metrics
    }
    rows = full.to_dict("records")
    shown = pd.DataFrame({name: [_cell(row, name, decimals[name]) for row in rows] for name in columns})
    style = shown.style.hide(axis="index").format(escape="latex").relabel_index(list(columns.values()), axis=1)
    aligned = "".join("l" if name in _LATEX_WORDS else "r" for name in columns)
    lines = style.to_latex(column_format=aligned).splitlines()
    ruled = [lines[0], r"\hline", lines[1], r"\hline", *lines[2:-1], r"\hline", lines[-1]]
    notes = [f"% {line[2:]}" for line in "".join(comments(provenance(comparison))).splitlines()]
    return "\n".join([*notes, *ruled]) + "\n"


def comet_csv(comparison: Comparison, scores: Mapping[str, Sequence[float]], *, signature: str) -> str:
    """COMET of each arm: the mean over its runs, and its difference from the pinned arm's. Nothing is tested.

    Args:
        comparison: The arms and their runs.
        scores: COMET of each test sentence, by key of the run.
        signature: Model and version.
    """
    means = {
        (outcome.target, outcome.arm): fmean(fmean(scores[run.key]) for draw in outcome.runs for run in draw)
        for outcome in comparison.outcomes
    }
    rows = [
        {
            "target": str(outcome.target),
            "arm": outcome.arm,
            "COMET": means[outcome.target, outcome.arm],
            "difference": means[outcome.target, outcome.arm] - means[outcome.target, comparison.pinned],
            "runs": sum(map(len, outcome.runs)),
        }
        for outcome in comparison.outcomes
    ]
    made = {"COMET": signature, "sentences": "all of the test set, detokenised", "tested": "no"}
    made |= {name: value for name, value in provenance(comparison).items() if name in ("pinned", "runs")}
    return "".join(comments(made)) + pd.DataFrame(rows).map(escaped).to_csv(index=False, lineterminator="\n")


def provenance(comparison: Comparison) -> Mapping[str, Any]:
    """What a table or picture of the comparison must carry: protocol, signatures, settings, runs, and the claim."""
    runs = [run for outcome in comparison.outcomes for draw in outcome.runs for run in draw]
    settings = {name: value for run in runs for name, value in settings_of(run).items()}
    held = dict.fromkeys(setting for run in runs for setting in run.generation)
    circumstances = {f"differs: {name}": " or ".join(values) for name, values in comparison.circumstances.items()}
    return {
        "protocol": comparison.protocol.label,
        **comparison.signatures,
        **{metric.label: _signature_beside(metric, comparison) for metric in comparison.task.beside},
        "sentences": ", ".join(f"{target} {n}" for target, n in comparison.n_sentences.items()),
        "pinned": comparison.pinned,
        "level": f"{comparison.level:g}; intervals at {1 - comparison.level:.0%}",
        "correction": "Holm, over all arms and targets; over all arms for the averages; control_p apart",
        "p": "of the pinned arm scoring as well, two-sided and corrected; control_p: of random families of the same size doing so",
        "control": "against random families of the same size, over the targets that have some",
        **settings,
        "search": comparison.task.search,
        "held of the model's generation settings": "; ".join(held) or "none",
        **circumstances,
        "runs": " ".join(dict.fromkeys(run.key for run in runs)),
        **({"claim": comparison.task.claim.words} if comparison.task.claim else {}),
    }


def _outcome_row(outcome: Outcome, comparison: Comparison) -> dict[str, Any]:
    return {
        "target": str(outcome.target),
        "arm": outcome.arm,
        "members": " | ".join(_members(members) for members in outcome.members),
        **({"weights": " ".join(f"{weight:g}" for weight in outcome.weights)} if outcome.weights else {}),
        **_score_cells(outcome, comparison),
        **_verdict_cells(outcome.verdict),
        **_control_cells(outcome.control),
        **(_cells_beside(outcome, comparison.task) if comparison.protocol is Protocol.DETOKENISED else {}),
        **_delta_cells(outcome, comparison.task),
        "draws": outcome.n_draws,
        "runs": sum(map(len, outcome.runs)),
        "seeds": " ".join(map(str, outcome.seeds)),
        "spread": outcome.spread,
        "sentences": comparison.n_sentences[outcome.target],
        "updates": outcome.updates,
        "target_tokens": outcome.target_tokens,
        "auxiliary_tokens": outcome.auxiliary_tokens,
        "budget": comparison.budget or "none",
    }


def _average_row(average: Average, comparison: Comparison) -> dict[str, Any]:
    return {
        "target": f"mean of {len(average.targets)}",
        "arm": average.arm,
        "members": "",
        **_score_cells(average, comparison),
        **_verdict_cells(average.verdict),
        **_average_control_cells(average),
        "budget": comparison.budget or "none",
    }


def _score_cells(scored: Outcome | Average, comparison: Comparison) -> dict[str, float]:
    return {
        name: value
        for metric in meaningful_first(comparison.task.metrics, [target.target for target in comparison.targets])
        for name, value in _numbers(metric.label, scored.scores[metric.name]).items()
    }


def _delta_cells(outcome: Outcome, task: Task) -> dict[str, float | None]:
    """The metrics that are not tested, minus the pinned arm's."""
    deltas = {metric.label: outcome.deltas.get(metric.name) for metric in task.others}
    return {f"{label}_difference": None if delta is None else delta.value for label, delta in deltas.items()}


def _cells_beside(outcome: Outcome, task: Task) -> dict[str, float]:
    """Metrics of all sentences, detokenised, mean over runs; those that can't be computed here are left out."""
    scored = {metric.label: _beside(metric, outcome) for metric in task.beside}
    return {label: fmean(value for value, _ in runs) for label, runs in scored.items() if runs}


def _signature_beside(metric: Beside, comparison: Comparison) -> str:
    """How it was computed, or why it was not."""
    scored = (_beside(metric, outcome) for outcome in comparison.outcomes)
    return next((runs[0][1] for runs in scored if runs), metric.missing)


def _beside(metric: Beside, outcome: Outcome) -> list[tuple[float, str]]:
    """Value and signature of each run; empty where they can't be computed here."""
    texts = (run.outputs["test"] for draw in outcome.runs for run in draw)
    scored = [metric.score(text["hypotheses"], text["references"]) for text in texts]
    return [score for score in scored if score]


def _members(members: Any) -> str:
    return "zero-shot" if members is None else " ".join(map(str, members)) or "target alone"


def _numbers(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _verdict_cells(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {"verdict": "pinned"}
    return {
        **_numbers("difference", verdict.delta),
        "p_uncorrected": verdict.p,
        "p": verdict.p_holm,
        "p_bootstrap": verdict.p_bootstrap,
        "visible_gain": visible_gain(verdict),
        "verdict": str(verdict.word),
        "test": verdict.test,
        "caveat": verdict.caveat,
    }


def _control_cells(control: Verdict | None) -> dict[str, Any]:
    """Against random families of the same size; nothing where there are none."""
    if control is None:
        return {}
    return {
        **_numbers("control_difference", control.delta),
        "control_p_uncorrected": control.p,
        "control_p": control.p_holm,
        "control_verdict": str(control.word),
        "control_test": control.test,
        "control_caveat": control.caveat,
    }


def _average_control_cells(average: Average) -> dict[str, Any]:
    """Likewise, and over which targets: where these are fewer than the arm's, its caveat says so."""
    if average.control is None:
        return {}
    cells, named = _control_cells(average.control), " ".join(map(str, average.controlled))
    if len(average.controlled) < len(average.targets):
        cells["control_caveat"] = "; ".join(filter(None, [f"over {named} only", cells["control_caveat"]]))
    return cells | {"control_targets": named}


def _cell(row: Mapping[Any, Any], name: str, n: int) -> str:
    """A cell as a paper prints it: scores with `n` decimals and their interval."""
    value = row[name]
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return ""
    if f"{name}_low" in row:
        sign = "+" if name.endswith("difference") else ""
        return f"{value:{sign}.{n}f} [{row[f'{name}_low']:{sign}.{n}f}, {row[f'{name}_high']:{sign}.{n}f}]"
    return f"{value:.3f}" if name == "p" else f"{value:,.0f}"
