"""How much do families depend on K and on the first radius? The paper's open question 3.

For every K, in steps of 2 %, and every target the family by the paper's rule is held against that at K = 40 %. K ends where one
pair has no parameters left that differ from zero, for zeros are in no mask. The first radius needs no steps: a family changes
at one value of it at most (`families.selection.first_step`), and how far the paper's own lies above that value says how much
room there is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pseudofam_core.families.selection import first_step
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.families.stability import members_of
from pseudofam_core.lab.experiment import Experiment, Material
from pseudofam_core.lab.finding import Chart, Finding, Look
from pseudofam_core.lab.gains import GAIN_COLUMN, family_gains, measured_gains, runs
from pseudofam_core.lab.ready import with_relatives
from pseudofam_core.lab.running import seen_on
from pseudofam_core.lab.uncertainty import Mean, over_targets
from pseudofam_core.similarity.pools import pool_similarity
from pseudofam_core.similarity.results import FloatMatrix, OverlapCurve, PairwiseMatrix
from pseudofam_core.structure.kinship import relatives, relatives_before_others

PAPER_K = 0.4
_STEP = 0.02
_NEAR = (0.3, 0.5)
_COLUMNS = {
    "target": "Target",
    "k": "K, the share of parameters in a mask",
    "kept": "Members shared with the family at K = 40 %, of those in either (1: the same family)",
    "members": "Members of the family",
    "radius_room": "The paper's first radius over the one value at which the family would change",
    "kinship": "A relative stands before another language (share of cases; chance is 0.5)",
    "gain": GAIN_COLUMN,
}


def finding(material: Material) -> Finding:
    """Every target's family at every K, held against that at K = 40 %.

    Raises:
        ValueError: A pair whose zeros leave no K of 40 %.
    """
    curve = pool_similarity(material.pool, cache=material.cache).curve
    steps = top_fractions(curve)
    matrices = {k: curve.matrix(k) for k in steps}
    families = {k: members_of(matrix, SelectionSpec()) for k, matrix in matrices.items()}
    kin = relatives(curve.pairs)
    kinship = {k: relatives_before_others(matrix.ordering_distances(), kin) for k, matrix in matrices.items()}
    kept = {k: shared(families[k], families[PAPER_K]) for k in steps}
    room = {k: radius_room(matrix) for k, matrix in matrices.items()}
    gains = measured_gains(material, curve.pairs)
    gained = {} if gains is None else {k: family_gains(families[k], gains) for k in steps}
    rows = [
        {
            "target": pair.label,
            "k": k,
            "kept": float(kept[k][i]),
            "members": int(families[k][i].sum()),
            "radius_room": _or_none(room[k][i]),
            "kinship": _or_none(kinship[k][i]),
            "gain": _or_none(gained[k][i]) if gained else None,
        }
        for i, pair in enumerate(curve.pairs)
        for k in steps
    ]
    return Finding(
        answer=_answer(families, kept, kinship, room) + _gained(gained),
        seen_on=seen_on(material.workspace, material.pool),
        columns=_COLUMNS,
        rows=tuple(rows),
        chart=Chart(
            Look.HEAT,
            x="k",
            y="target",
            value="kept",
            mark=PAPER_K,
            words="A row for each target, a column for each K: yellow where the family is the one at K = 40 %, dark where no "
            "member is.",
        ),
        limits=f"K ends at {steps[-1]:.0%}, where {curve.fewest_nonzero.label} has no parameters left that differ from zero. "
        "Kinship is "
        "a stand-in for what a family gains; the best of many K is the best by luck as well.",
        settings={"paper_k": PAPER_K, "step": _STEP, "measure": "overlap"},
    )


def top_fractions(curve: OverlapCurve) -> list[float]:
    """The values of K that are looked at: those of the grid at which all masks are full.

    Raises:
        ValueError: 40 % is none of them.
    """
    grid = [round(_STEP * place, 3) for place in range(1, round(1 / _STEP))]
    steps = [k for k in grid if k <= curve.last_full_step]
    if PAPER_K not in steps:
        raise ValueError(
            f"Every pair must have {PAPER_K:.0%} of its parameters different from zero. {curve.fewest_nonzero.label} has "
            f"{min(curve.nonzero):.1%}. Read more sentences, or leave it out of the pool."
        )
    return steps


def shared(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> FloatMatrix:
    """(n,) members in both families over those in either."""
    kept: FloatMatrix = (first & second).sum(axis=1) / (first | second).sum(axis=1)
    return kept


def radius_room(matrix: PairwiseMatrix) -> FloatMatrix:
    """(n,) the paper's first radius, 1 − w₁, over the step that it is held against; NaN where there is no such step."""
    n = len(matrix.pairs)
    away = matrix.distances + np.diag(np.full(n, np.inf))
    steps = [first_step(matrix, pair, selection=SelectionSpec()) for pair in matrix.pairs]
    return np.array([first / step if step else np.nan for first, step in zip(away.min(axis=1), steps, strict=True)])


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _answer(
    families: dict[float, npt.NDArray[np.bool_]],
    kept: dict[float, FloatMatrix],
    kinship: dict[float, FloatMatrix],
    room: dict[float, FloatMatrix],
) -> str:
    low, high = _NEAR
    between = [k for k in kept if low <= k <= high]
    n = len(kept[PAPER_K])
    changed = sum(any(not np.array_equal(families[k][i], families[PAPER_K][i]) for k in between) for i in range(n))
    near = over_targets(np.concatenate([kept[low], kept[high]]).reshape(2, -1).mean(axis=0))
    return (
        f"Between K = {low:.0%} and {high:.0%} {changed} of {n} families change at least once; at either end a family shares "
        f"{near.value:.0%} of its members with that at 40 % (95 % over targets {near.low:.0%} to {near.high:.0%}). "
        f"{_plateau(kinship)} "
        f"{_radius(room[PAPER_K])}"
    )


def _plateau(kinship: dict[float, FloatMatrix]) -> str:
    """Whether another K orders relatives better than the paper's."""
    best = max(kinship, key=lambda k: np.nanmean(kinship[k]))
    at = over_targets(kinship[PAPER_K])
    gain: Mean = over_targets(kinship[best] - kinship[PAPER_K])
    lead = f"{gain.value:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})"
    told = f"Kinship at 40 % is {at.words()}, at the best of {len(kinship)} values of K, {best:.0%}, {lead}: "
    if gain.low <= 0:
        return told + "a plateau as far as this pool can tell."
    return told + "40 % is not the best, though a best that is looked for afterwards is flattered."


def _gained(gained: dict[float, FloatMatrix]) -> str:
    """What families gained at the paper's K, and the range of the means over all K."""
    if not gained:
        return ""
    means = {k: float(np.nanmean(values)) for k, values in gained.items()}
    worst, best = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    return (
        f" Members at 40 % gained {over_targets(gained[PAPER_K]).words('+.3f')} nats a token over a blind choice, one by one; "
        f"over all K the mean runs from {means[worst]:+.3f} (at {worst:.0%}) to {means[best]:+.3f} (at {best:.0%})."
    )


def _radius(room: FloatMatrix) -> str:
    known = room[np.isfinite(room)]
    if not len(known):
        return "The first radius changes no family."
    return (
        f"The paper's first radius is {np.median(known):.0f} times (least {known.min():.0f}) what would change a family: it "
        "hardly "
        "matters."
        if known.min() > 1
        else f"The paper's first radius itself ends {int((known <= 1).sum())} of {len(room)} families."
    )


EXPERIMENT = Experiment(
    name="sensitivity",
    version=3,
    title="K and radius",
    question="How much do families depend on K and on the first radius, and is K = 40 % a plateau or a peak?",
    expected="A plateau: near 40 % most families keep most members, and no other K orders relatives clearly better. Families "
    "that lose "
    "half of their members by ten points of K, or a better K with an interval above zero, would refute it.",
    needs="The workspace's estimates; where a transfer matrix of its model is kept, its gains as well.",
    ready=with_relatives,
    finding=finding,
    runs=runs,
    seconds=lambda n_pairs: 1 + 0.002 * n_pairs**2,
)
