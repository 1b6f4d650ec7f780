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
    rows = [_outcome_row(one, comparison) for one in comparison.outcomes]
    rows += [_average_row(one, comparison) for one in comparison.averages]
    return pd.DataFrame(rows)


def comparison_csv(comparison: Comparison) -> str:
    """The table in full precision, after ``#`` lines that say how it was made and what the paper claims."""
    table = comparison_frame(comparison).map(escaped)
    return "".join(comments(provenance(comparison))) + table.to_csv(index=False, lineterminator="\n")


def comparison_latex(comparison: Comparison) -> str:
    """The table for a paper: a plain ``tabular`` that needs no package, after ``%`` lines that say how it was made."""
    full, metrics = comparison_frame(comparison), comparison.task.metrics
    words = {"target": "target", "arm": "arm", **{one.label: one.label for one in metrics}}
    words |= {"difference": f"{comparison.task.tested.label} difference", **_LATEX_COLUMNS}
    columns = {name: label for name, label in words.items() if name in full}
    decimals = dict.fromkeys(columns, comparison.task.tested.decimals) | {one.label: one.decimals for one in metrics}
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
        (one.target, one.arm): fmean(fmean(scores[run.key]) for draw in one.runs for run in draw)
        for one in comparison.outcomes
    }
    rows = [
        {
            "target": str(one.target),
            "arm": one.arm,
            "COMET": means[one.target, one.arm],
            "difference": means[one.target, one.arm] - means[one.target, comparison.pinned],
            "runs": sum(map(len, one.runs)),
        }
        for one in comparison.outcomes
    ]
    made = {"COMET": signature, "sentences": "all of the test set, detokenised", "tested": "no"}
    made |= {name: value for name, value in provenance(comparison).items() if name in ("pinned", "runs")}
    return "".join(comments(made)) + pd.DataFrame(rows).map(escaped).to_csv(index=False, lineterminator="\n")


def provenance(comparison: Comparison) -> Mapping[str, Any]:
    """What a table or picture of the comparison must carry: protocol, signatures, settings, runs, and the claim."""
    runs = [run for one in comparison.outcomes for draw in one.runs for run in draw]
    settings = {name: value for run in runs for name, value in settings_of(run).items()}
    held = dict.fromkeys(one for run in runs for one in run.generation)
    circumstances = {f"differs: {name}": " or ".join(values) for name, values in comparison.circumstances.items()}
    return {
        "protocol": comparison.protocol.label,
        **comparison.signatures,
        **{one.label: _signature_beside(one, comparison) for one in comparison.task.beside},
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


def _outcome_row(one: Outcome, comparison: Comparison) -> dict[str, Any]:
    return {
        "target": str(one.target),
        "arm": one.arm,
        "members": " | ".join(_members(own) for own in one.members),
        **({"weights": " ".join(f"{weight:g}" for weight in one.weights)} if one.weights else {}),
        **_score_cells(one, comparison),
        **_verdict_cells(one.verdict),
        **_control_cells(one.control),
        **(_cells_beside(one, comparison.task) if comparison.protocol is Protocol.DETOKENISED else {}),
        **_delta_cells(one, comparison.task),
        "draws": one.n_draws,
        "runs": sum(map(len, one.runs)),
        "seeds": " ".join(map(str, one.seeds)),
        "spread": one.spread,
        "sentences": comparison.n_sentences[one.target],
        "updates": one.updates,
        "target_tokens": one.target_tokens,
        "auxiliary_tokens": one.auxiliary_tokens,
        "budget": comparison.budget or "none",
    }


def _average_row(one: Average, comparison: Comparison) -> dict[str, Any]:
    return {
        "target": f"mean of {len(one.targets)}",
        "arm": one.arm,
        "members": "",
        **_score_cells(one, comparison),
        **_verdict_cells(one.verdict),
        **_average_control_cells(one),
        "budget": comparison.budget or "none",
    }


def _score_cells(one: Outcome | Average, comparison: Comparison) -> dict[str, float]:
    return {
        name: value
        for metric in meaningful_first(comparison.task.metrics, [target.target for target in comparison.targets])
        for name, value in _numbers(metric.label, one.scores[metric.name]).items()
    }


def _delta_cells(one: Outcome, task: Task) -> dict[str, float | None]:
    """The metrics that are not tested, minus the pinned arm's."""
    deltas = {metric.label: one.deltas.get(metric.name) for metric in task.others}
    return {f"{label}_difference": None if delta is None else delta.value for label, delta in deltas.items()}


def _cells_beside(one: Outcome, task: Task) -> dict[str, float]:
    """Metrics of all sentences, detokenised, mean over runs; those that can't be computed here are left out."""
    scored = {metric.label: _beside(metric, one) for metric in task.beside}
    return {label: fmean(value for value, _ in found) for label, found in scored.items() if found}


def _signature_beside(metric: Beside, comparison: Comparison) -> str:
    """How it was computed, or why it was not."""
    scored = (_beside(metric, one) for one in comparison.outcomes)
    return next((found[0][1] for found in scored if found), metric.missing)


def _beside(metric: Beside, one: Outcome) -> list[tuple[float, str]]:
    """Value and signature of each run; empty where they can't be computed here."""
    texts = (run.outputs["test"] for draw in one.runs for run in draw)
    scored = [metric.score(text["hypotheses"], text["references"]) for text in texts]
    return [found for found in scored if found]


def _members(members: Any) -> str:
    return "zero-shot" if members is None else " ".join(map(str, members)) or "target alone"


def _numbers(name: str, one: Interval) -> dict[str, float]:
    return {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}


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


def _average_control_cells(one: Average) -> dict[str, Any]:
    """Likewise, and over which targets: where these are fewer than the arm's, its caveat says so."""
    if one.control is None:
        return {}
    cells, named = _control_cells(one.control), " ".join(map(str, one.controlled))
    if len(one.controlled) < len(one.targets):
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
