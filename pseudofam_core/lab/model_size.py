"""Do families settle as models grow, or as they are trained? The paper's open question 1.

Every further model that is named reads the workspace's text. Models should differ in one thing, size or training, and stand in
that order; each is held against the workspace's own and against the one named before it, and says how its own similarities
follow kinship.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pseudofam_core.estimates import summarise
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.lab.agreement import COLUMNS, TOP_FRACTION, agreement, common, matrix
from pseudofam_core.lab.experiment import Experiment, Material
from pseudofam_core.lab.finding import Chart, Finding, Look
from pseudofam_core.lab.ready import with_relatives
from pseudofam_core.lab.running import seen_on
from pseudofam_core.lab.uncertainty import over_targets
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.structure.kinship import relatives, relatives_before_others

MEASURES = (Measure.OVERLAP, Measure.KL_NORMALISED, Measure.MSE)
_COLUMNS = {
    "model": "Model",
    "measure": "Measure",
    "parameters": "Parameters compared",
    "loss": "Mean loss, nats a token",
    "kinship": "A relative stands before another language (share of cases; chance is 0.5)",
    "low": "Lower end of the 95 % interval over targets",
    "high": "Upper end",
    **{name: f"{words}: against the workspace's model" for name, words in COLUMNS.items() if name != "kinship"},
    **{f"{name}_before": f"{COLUMNS[name]}: against the model named before it" for name in ("rho", "shared")},
}


def arms(workspace: Workspace, others: tuple[str, ...]) -> dict[str, Workspace]:
    """The workspace's text read by each model, in the order in which they are named; the workspace's own first.

    Raises:
        ValueError: No other model is named, or two of one name.
    """
    if not others:
        raise ValueError(
            "models must name at least one beside the workspace's own. Got none. Name folders or hub names."
        )
    workspaces = {_name(workspace.model): workspace}
    for model in others:
        if _name(model) in workspaces:
            raise ValueError(f"models must differ in name. Got {_name(model)} twice. Rename a folder.")
        workspaces[_name(model)] = replace(workspace, model=model)
    return workspaces


def finding(material: Material) -> Finding:
    """Kinship by every model, and how far its similarities and families are those of the workspace's model."""
    pools = common(dict(material.pools))
    kin = relatives(tuple(next(iter(pools.values()))))
    rows = []
    for measure in MEASURES:
        similarities = [matrix(pool, measure, material.cache) for pool in pools.values()]
        before = [None, *similarities]
        for (name, pool), similarity, previous in zip(pools.items(), similarities, before, strict=False):
            summaries = [summarise(estimate) for estimate in pool.values()]
            kinship = over_targets(relatives_before_others(similarity.ordering_distances(), kin))
            row: dict[str, Any] = {"model": name, "measure": measure.label, **agreement(similarities[0], similarity)}
            row |= {"kinship": kinship.value, "low": kinship.low, "high": kinship.high}
            row |= {"parameters": summaries[0].n_parameters}
            row |= {"loss": float(np.mean([summary.mean_loss for summary in summaries]))}
            held = {} if previous is None else agreement(previous, similarity)
            rows.append({**row, **{f"{column}_before": held.get(column) for column in ("rho", "shared")}})
    return Finding(
        answer=_answer(rows),
        seen_on=f"{seen_on(material.workspace, material.pool)}; models {', '.join(pools)}",
        columns=_COLUMNS,
        rows=tuple(rows),
        chart=Chart(
            Look.BARS,
            x="model",
            y="kinship",
            series="measure",
            low="low",
            high="high",
            chance=0.5,
            words="Bars for each model, in the order in which they were named: how often a relative stands nearer to a "
            "target than "
            "another language does.",
        ),
        limits="Models that differ in more than size or training, such as in their text or vocabulary, differ for those "
        "reasons too.",
        settings={"top_fraction": TOP_FRACTION},
    )


def _answer(rows: list[dict[str, Any]]) -> str:
    usual = [row for row in rows if row["measure"] == MEASURES[0].label]
    kinship = "; ".join(
        f"{row['model']} ({row['parameters'] / 1e6:.1f} million parameters compared, loss {row['loss']:.2f}) "
        f"{row['kinship']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
        for row in usual
    )
    against = "; ".join(
        f"{row['model']} ρ = {row['rho']:.2f} ({row['rho_low']:.2f} to {row['rho_high']:.2f}), {row['shared']:.0%} of the "
        "members"
        for row in usual[1:]
    )
    return (
        f"A relative stands before another language by {MEASURES[0].label} in these shares of cases (95 % over targets): "
        f"{kinship}. "
        f"Against {usual[0]['model']}: {against}.{_before(usual[1:])}"
    )


def _before(rows: list[dict[str, Any]]) -> str:
    """How far each agrees with the one named before it; nothing where that is the workspace's own alone."""
    if len(rows) < 2:
        return ""
    told = ", ".join(
        f"{row['model']} ρ = {row['rho_before']:.2f} and {row['shared_before']:.0%} of the members" for row in rows[1:]
    )
    return f" Against the one named before it: {told}."


def _name(model: str) -> str:
    return Path(model).name or model


EXPERIMENT = Experiment(
    name="models",
    version=2,
    title="Size and training",
    question="Do families settle as models grow, or as they are trained for longer?",
    expected="That larger and longer trained models agree more with one another, and follow kinship more by measures free of "
    "scale. "
    "Agreement that falls with size or training would refute it.",
    needs="Further models of the same recipe, of other sizes or stages of training, that know the workspace's languages.",
    arms=arms,
    ready=with_relatives,
    finding=finding,
    others="models",
    seconds=lambda n_pairs: 0.5 * n_pairs,
)
