"""How far does similarity follow how well the model knows a language, rather than the language?

Row by row: a target's distances to its auxiliaries are held against how far they are related (0 to 3 steps up the family tree),
how well the model knows them (loss per token on the text that was read), and, where it is known, how much text of theirs it was
trained on. A partial correlation takes the others out. Losses stand twice among what is taken out: an auxiliary's own, and how
far it is from the target's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pseudofam_core.estimates import summarise
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.lab.experiment import Experiment, Material
from pseudofam_core.lab.finding import Chart, Finding, Look
from pseudofam_core.lab.running import seen_on
from pseudofam_core.lab.uncertainty import Mean, over_targets
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import SAMPLE
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import pool_similarity
from pseudofam_core.similarity.results import FloatMatrix
from pseudofam_core.structure.partial import partial_spearman
from pseudofam_core.structure.yardsticks import genealogical

FREE_OF_SCALE = (Measure.OVERLAP, Measure.HELLINGER, Measure.KL_NORMALISED, Measure.COSINE)
SCALED = (Measure.MSE, Measure.KL)
TOP_FRACTION = 0.4
# As the README of the sample model has it.
_SAMPLE_TEXT = Path(__file__).parents[1] / "sample" / "training_text.json"
_COLUMNS = {
    "measure": "Measure",
    "free_of_scale": "Whether it takes no account of how large the values are",
    "with": "Held against",
    "rho": "Rank correlation of distance within a target's row",
    "low": "Lower end of the 95 % interval over targets",
    "high": "Upper end",
}
_KIN, _KIN_GIVEN = "kinship", "kinship, loss and text taken out"
_LOSS_GIVEN = "the auxiliary's loss, kinship taken out"
_GAP_GIVEN = "how unlike the losses are, kinship taken out"


def finding(material: Material) -> Finding:
    """Correlations of every measure's distances with kinship and with loss, plain and partial."""
    similarities = pool_similarity(material.pool, cache=material.cache)
    pairs = similarities.spec.pairs
    losses = np.array([summarise(material.pool[pair]).mean_loss for pair in pairs])
    text = training_text(material.workspace, pairs)
    means: dict[tuple[Measure, str], Mean] = {}
    for measure in (*FREE_OF_SCALE, *SCALED):
        distances = similarities.matrix(measure, TOP_FRACTION).ordering_distances()
        for name, values in correlations(distances, genealogical(pairs).distances, losses, text).items():
            means[measure, name] = over_targets(values)
    rows = [_row(measure, name, mean) for (measure, name), mean in means.items()]
    return Finding(
        answer=_answer(means, text is not None),
        seen_on=seen_on(material.workspace, material.pool),
        columns=_COLUMNS,
        rows=tuple(rows),
        chart=Chart(
            Look.BARS,
            x="measure",
            y="rho",
            series="with",
            low="low",
            high="high",
            chance=0.0,
            words="Four bars for each measure: how far distance goes with kinship and with the auxiliary's loss, plain and "
            "with the "
            "other taken out. Above 0: relatives, or languages that the model knows well, are near.",
        ),
        limits="A correlation over one model's languages: those that it knows well are not spread evenly over families."
        + (
            ""
            if text is not None
            else " How much text of each the model was trained on is not known here, so loss alone is taken out."
        ),
        settings={"top_fraction": TOP_FRACTION, "training_text_known": text is not None},
    )


def training_text(workspace: Workspace, pairs: Sequence[LanguagePair]) -> FloatMatrix | None:
    """(n,) sentence pairs that the model was trained on, where that is known: of the sample."""
    if workspace.model != SAMPLE:
        return None
    counts = json.loads(_SAMPLE_TEXT.read_text(encoding="utf-8"))
    return (
        np.array([counts[str(pair)] for pair in pairs], dtype=np.float64)
        if {*map(str, pairs)} <= counts.keys()
        else None
    )


def correlations(
    distances: FloatMatrix, kinship: FloatMatrix, losses: FloatMatrix, text: FloatMatrix | None
) -> dict[str, FloatMatrix]:
    """(n,) correlations within each target's row, by what they are held against; NaN where there is none.

    Args:
        distances: (n, n), rows targets.
        kinship: (n, n) steps up the family tree.
        losses: (n,) per token.
        text: (n,) sentence pairs, or None.
    """
    n = len(distances)
    rhos = {name: np.full(n, np.nan) for name in (_KIN, _KIN_GIVEN, _LOSS_GIVEN, _GAP_GIVEN)}
    for target in range(n):
        others = np.arange(n) != target
        row, kin, loss = distances[target, others], kinship[target, others], losses[others]
        gap = np.abs(loss - losses[target])
        known = [loss, gap] + ([] if text is None else [text[others]])
        rho = {
            _KIN: partial_spearman(row, kin, []),
            _KIN_GIVEN: partial_spearman(row, kin, known),
            _LOSS_GIVEN: partial_spearman(row, loss, [kin]),
            _GAP_GIVEN: partial_spearman(row, gap, [kin]),
        }
        for name, value in rho.items():
            rhos[name][target] = np.nan if value is None else value
    return rhos


def _row(measure: Measure, name: str, mean: Mean) -> dict[str, Any]:
    return {
        "measure": measure.label,
        "free_of_scale": measure in FREE_OF_SCALE,
        "with": name,
        "rho": mean.value,
        "low": mean.low,
        "high": mean.high,
    }


def _answer(means: dict[tuple[Measure, str], Mean], text: bool) -> str:
    usual, scaled = FREE_OF_SCALE[0], SCALED[0]
    taken = "loss and amount of text" if text else "loss"
    return (
        f"By {usual.label} distance goes with kinship at ρ = {means[usual, _KIN].words()}, and with {taken} taken out at "
        f"{means[usual, _KIN_GIVEN].words()}; by {scaled.label} at {means[scaled, _KIN].words()} and "
        f"{means[scaled, _KIN_GIVEN].words()}. "
        f"Kinship taken out, {scaled.label} goes with the auxiliary's loss at {means[scaled, _LOSS_GIVEN].words()} and "
        f"{usual.label} at {means[usual, _LOSS_GIVEN].words()}; with how unlike the two losses are, {scaled.label} at "
        f"{means[scaled, _GAP_GIVEN].words()} and {usual.label} at {means[usual, _GAP_GIVEN].words()} (means over "
        f"{means[usual, _KIN].n} targets, 95 %)."
    )


EXPERIMENT = Experiment(
    name="competence",
    title="Language or competence",
    question="How far does similarity follow how well the model knows a language, rather than the language itself?",
    expected="That MSE and KL follow the loss, that measures free of scale follow kinship, and that they still do once loss "
    "and amount of "
    "text are taken out. A partial correlation with kinship whose interval holds zero would refute the last.",
    needs="The workspace's estimates; how much text the model was trained on is known of the sample.",
    finding=finding,
    seconds=lambda n_pairs: 1 + 0.01 * n_pairs,
)
