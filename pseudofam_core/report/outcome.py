"""What training has shown: runs with their intervals and controls, and what single auxiliaries gained or may gain."""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np

from pseudofam_core.charts.outcomes import difference_figure
from pseudofam_core.finetuning import FORESEEN
from pseudofam_core.languages import LanguagePair
from pseudofam_core.outcomes.results import Comparison, Outcome
from pseudofam_core.report.material import Material
from pseudofam_core.report.part import Part, Table
from pseudofam_core.report.trained import Trained
from pseudofam_core.report.words import as_sentence, counted, gain_words, joined, listed, score_words, unbroken
from pseudofam_core.scoring.significance import Verdict
from pseudofam_core.signals import SIGNALS
from pseudofam_core.transfer import TransferMatrix
from pseudofam_core.transfer.arms import USUAL_SIZE, gains_of, largest

_TITLE, _GAINS = "What fine-tuning showed", "What single auxiliaries gained"
_MOST_ROWS = 20
_NOTHING = (
    "No model has been fine-tuned for this target yet: whether the family pays is not known. The run that would tell "
    "stands below."
)


def results_part(material: Material) -> Part:
    """The arms of the target, each against the pinned one and against random families."""
    done = material.trained
    if done is None:
        return Part("results", _TITLE, (_NOTHING,))
    if isinstance(done, str):
        return Part("results", _TITLE, (f"Not known. {done}",))
    comparison = done.comparison
    (target,) = comparison.targets
    names = comparison.same_runs(target)
    outcomes = [outcome for first in names if (outcome := comparison.of(target, first))]
    of_family = done.of(material.family)
    return Part(
        "results",
        _TITLE,
        tuple(_sentences(material, done, of_family)),
        table=_table(comparison, outcomes, of_family),
        figure=difference_figure(comparison) if any(outcome.verdict for outcome in outcomes) else None,
        alt=f"{comparison.task.tested.label} of each arm minus that of {comparison.pinned}, with intervals",
        notes=_notes(comparison, target),
    )


def _sentences(material: Material, done: Trained, of_family: Outcome | None) -> list[str]:
    comparison = done.comparison
    told = []
    if of_family is None:
        told.append(f"This very family ({listed(material.family.members)}) has not been fine-tuned. What has been:")
    else:
        told.append(as_sentence(family_words(comparison, of_family)))
        told.append(as_sentence(control_words(comparison, of_family)))
    if done.are_shipped:
        told.append("These runs ship with the sample; the first that is trained here takes their place.")
    if done.n_other_runs:
        told.append(
            f"{counted(done.n_other_runs, 'finished run')} of other settings can't be compared with these, and are left out."
        )
    return told


def family_words(comparison: Comparison, outcome: Outcome, *, briefly: bool = False) -> str:
    """What came of the family, against the pinned arm, without a full stop.

    Args:
        comparison: Of its target.
        outcome: The family's.
        briefly: Whether p and caveats are left out; the verdict heeds them.
    """
    tested = comparison.task.tested
    score = f"fine-tuned with this family: {tested.label} {score_words(outcome.scores[tested.name], tested)}"
    if outcome.verdict is None:
        return score
    return f"{score}, against {_pinned(comparison)} {_difference(comparison, outcome.verdict, briefly=briefly)}"


def control_words(comparison: Comparison, outcome: Outcome, *, briefly: bool = False) -> str:
    """The same against random families of its size; or that there were none."""
    if outcome.control is None:
        return "no random family of its size was trained beside it, so that more text of any kind may have done as well"
    told = _difference(comparison, outcome.control, briefly=briefly)
    return f"against random families of the same size {told}"


def _difference(comparison: Comparison, verdict: Verdict, *, briefly: bool) -> str:
    """``+0.4 (−0.2 to +0.9), tie (p = …)``."""
    told = verdict.word if briefly else verdict.words
    return f"{score_words(verdict.delta, comparison.task.tested, signed=True)}, {told}"


def _pinned(comparison: Comparison) -> str:
    return "the target alone" if comparison.pinned == "single" else f"the arm {comparison.pinned}"


def _table(comparison: Comparison, outcomes: list[Outcome], of_family: Outcome | None) -> Table:
    metrics, pinned = comparison.task.metrics, f"Against {comparison.pinned}"
    (target,) = comparison.targets
    names = comparison.same_runs(target)
    columns = (
        "Arm",
        "Auxiliaries",
        *(metric.label for metric in metrics),
        pinned,
        "Against random",
        "Target tokens",
        "Seeds",
    )
    rows = [
        (
            " = ".join(names[outcome.arm]),
            " | ".join(_codes(members) for members in outcome.members),
            *(score_words(outcome.scores[metric.name], metric) for metric in metrics),
            _short(comparison, outcome.verdict),
            _short(comparison, outcome.control),
            f"{outcome.target_tokens:,.0f}",
            str(len(outcome.seeds)) if outcome.seeds else "–",
        )
        for outcome in outcomes
    ]
    marked = tuple(place for place, outcome in enumerate(outcomes) if of_family and outcome.runs == of_family.runs)
    return Table(columns, tuple(rows), numbers=("Target tokens", "Seeds"), marked=marked)


def _short(comparison: Comparison, verdict: Verdict | None) -> str:
    if verdict is None:
        return "–"
    return f"{score_words(verdict.delta, comparison.task.tested, signed=True)}: {verdict.word}"


def _codes(members: tuple[LanguagePair, ...] | None) -> str:
    return " ".join(member.language.code for member in members or ()) or "–"


def _notes(comparison: Comparison, target: LanguagePair) -> tuple[str, ...]:
    kept = (
        f"{comparison.protocol.label} {comparison.n_sentences[target]:,} test sentences. Intervals at {1 - comparison.level:.0%}; "
        "p corrected by Holm; the verdict is the test's, not the interval's. Target tokens: what an arm read of the target, up "
        "to the scored weights; one that read less had less to learn it from.",
    )
    doubts = tuple(f"{doubt}." for metric in comparison.task.metrics if (doubt := metric.doubt(target.target)))
    differing = tuple(
        f"The runs differ in {name}: {' or '.join(values)}." for name, values in comparison.circumstances.items()
    )
    return kept + doubts + differing


def gains_part(material: Material) -> Part:
    """What each auxiliary alone took off a target's dev loss: measured for this one, in the mean of others, and foreseen."""
    measured, target = material.measured, material.target
    if measured is None:
        nothing = "No gain of a single auxiliary is measured with this model and text yet."
        return Part("gains", _GAINS, (nothing,))
    if isinstance(measured, str):
        return Part("gains", _GAINS, (f"Not known. {measured}",))
    seeds = counted(len(measured.seeds), "seed")
    shape = f"{counted(len(measured.targets), 'target')} × {counted(len(measured.auxiliaries), 'auxiliary')}"
    return Part(
        "gains",
        _GAINS,
        tuple(_gain_sentences(material, measured)),
        table=_gain_table(material, measured),
        notes=(
            f"Measured: {shape}, {seeds}, {measured.n_cells - measured.n_missing:,} of {measured.n_cells:,} gains. A gain is "
            f"what one auxiliary, alone, took off the dev loss of {target.language.name} or of others, in nats a token; positive "
            "helps. Intervals at 95%, not corrected for their number. What a family of several gains is another matter.",
        ),
    )


def _gain_sentences(material: Material, measured: TransferMatrix) -> list[str]:
    target, members = material.target, material.family.members
    known = gains_of(measured, target)
    told = [_own_words(material, measured)]
    if elsewhere := known.get(FORESEEN, {}):
        best = largest(elsewhere, min(USUAL_SIZE, len(elsewhere)))
        n_in = sum(auxiliary in members for auxiliary in best)
        helped = joined([f"{auxiliary.label} ({gain_words(elsewhere[auxiliary])})" for auxiliary in best])
        verb = "is" if n_in == 1 else "are"
        told.append(
            f"Other targets were helped most by {helped}, in the mean; {n_in} of these {len(best)} {verb} in the family."
        )
    if (outlook := material.outlook) is not None:
        told.append(
            f"Foreseen by {SIGNALS[outlook.signal].label}, the signal that foresaw {outlook.forecast.n_targets} other targets "
            f"best, {outlook.forecast.reach}."
        )
    return told


def _own_words(material: Material, measured: TransferMatrix) -> str:
    target, members = material.target, material.family.members
    gains = _own_gains(measured, target)
    tried = [auxiliary for auxiliary in members if auxiliary in gains]
    if not tried:
        return f"No gain of {target.label} by a member of its family is measured."
    helped = [auxiliary for auxiliary in tried if gains[auxiliary][0] > 0]
    surely = [auxiliary for auxiliary in tried if gains[auxiliary][1] > 0]
    best = max(gains, key=lambda auxiliary: gains[auxiliary][0])
    return (
        f"For {target.label} {len(helped)} of {len(tried)} members that were tried helped, {len(surely)} with an interval above 0; "
        f"of all {len(gains)} tried auxiliaries {best.label} helped most ({gain_words(gains[best][0])}), which luck flatters."
    )


def _own_gains(measured: TransferMatrix, target: LanguagePair) -> dict[LanguagePair, tuple[float, float, float]]:
    """The target's own gains that are measured: mean over seeds, and the ends of its interval."""
    if target not in measured.targets:
        return {}
    row = measured.targets.index(target)
    three = zip(measured.mean[row].tolist(), measured.low[row].tolist(), measured.high[row].tolist(), strict=True)
    return {
        auxiliary: ends for auxiliary, ends in zip(measured.auxiliaries, three, strict=True) if np.isfinite(ends[0])
    }


def _gain_table(material: Material, measured: TransferMatrix) -> Table:
    target, members = material.target, material.family.members
    for_target, elsewhere = _own_gains(measured, target), gains_of(measured, target).get(FORESEEN, {})
    foreseen = _foreseen(material)
    shown = _ranked(for_target, elsewhere, foreseen, {target})
    shown = [auxiliary for place, auxiliary in enumerate(shown) if place < _MOST_ROWS or auxiliary in members]
    rows = [
        (
            unbroken(auxiliary),
            "in" if auxiliary in members else "–",
            _interval(for_target[auxiliary]) if auxiliary in for_target else "–",
            gain_words(elsewhere[auxiliary]) if auxiliary in elsewhere else "–",
            foreseen.get(auxiliary, "–"),
        )
        for auxiliary in shown
    ]
    columns = ("Auxiliary", "In", f"Gain for {target.language.name}", "Gain for others, mean", "Foreseen")
    marked = tuple(place for place, auxiliary in enumerate(shown) if auxiliary in members)
    return Table(columns, tuple(rows), numbers=columns[2:], marked=marked)


def _ranked(
    for_target: Mapping[LanguagePair, tuple[float, float, float]],
    elsewhere: Mapping[LanguagePair, float],
    foreseen: Mapping[LanguagePair, str],
    without: Set[LanguagePair],
) -> list[LanguagePair]:
    """The auxiliaries of which anything is known, the largest gain first: for the target, then for others."""

    def place(auxiliary: LanguagePair) -> tuple[float, float, LanguagePair]:
        gain = for_target[auxiliary][0] if auxiliary in for_target else 0.0
        return -gain, -elsewhere.get(auxiliary, 0.0), auxiliary

    return sorted({*for_target, *elsewhere, *foreseen} - without, key=place)


def _interval(ends: tuple[float, float, float]) -> str:
    value, low, high = map(gain_words, ends)
    return f"{value} ({low} to {high})"


def _foreseen(material: Material) -> dict[LanguagePair, str]:
    """What each auxiliary may be expected to gain, where that can be told."""
    if (outlook := material.outlook) is None:
        return {}
    expected = dict(zip(outlook.auxiliaries, outlook.expected.tolist(), strict=True))
    return {auxiliary: gain_words(gain) for auxiliary, gain in expected.items() if np.isfinite(gain)}
