"""What Fine-tune asks for and tells: target, arms and their members, costs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from pages.components import view_state
from pages.components.job_cards import duration
from pages.components.plain import plain
from pseudofam_core.exchange.tables import read_families_csv
from pseudofam_core.finetuning import (
    ARM_NAMES,
    DEFAULT_ARMS,
    FORESEEN,
    MEASURED,
    OWN,
    WEIGHTED,
    Arm,
    Cost,
    FinetuneSpec,
    FinetuneTexts,
    distinct_arms,
    expected_updates,
    is_random,
    with_weights,
)
from pseudofam_core.jobs import State
from pseudofam_core.languages import LanguagePair, pair_labels
from pseudofam_core.scoring.power import Design
from pseudofam_core.signals import SIGNALS
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.tasks.task import Task
from pseudofam_core.transfer.arms import USUAL_SIZE, WEIGHT_SOURCES
from pseudofam_core.transfer.outlook import Outlook

Finished = Callable[[FinetuneSpec], bool]
_MEMBERS = "members"
_UPLOAD = "families_csv"
_MOST_NAMED = 5
_MOST_WITH_CODES = 3  # more are read whole only without their codes
ARM_COLUMNS = {
    "Arm": st.column_config.TextColumn(width=260, pinned=True),
    "What it is": st.column_config.TextColumn(width=215),
    "Auxiliaries": st.column_config.TextColumn(width=290),
    "How many": st.column_config.NumberColumn(width=75, help="Auxiliaries."),
    "Updates": st.column_config.NumberColumn(
        format="localized", width=60, help="Of one run; at most, if it stops early."
    ),
    "State": st.column_config.TextColumn(width=80),
}
"""How `arm_table` is shown."""


def arms_input(measured: Iterable[str]) -> list[str]:
    """Ask which arms are compared, of the usual ones, of those that `measured` gains can make, and weights."""
    offered = (*ARM_NAMES, *measured, WEIGHTED)
    names: list[str] = st.pills(
        "Arms",
        offered,
        selection_mode="multi",
        wrap=True,
        help="What is compared: each arm is the target with other auxiliaries. The table below says which.",
        **view_state.control(
            "arms",
            list(DEFAULT_ARMS),
            read=lambda text: [name for name in dict.fromkeys(_split(text)) if name in offered],
            write=",".join,
            start=lambda names: {"default": names},
        ),
    )
    return [arm for arm in offered if arm in names]


def size_input(names: Sequence[str], most: int) -> int:
    """Ask how many auxiliaries the arms of measured gains have, where one is named."""
    if not {FORESEEN, MEASURED} & set(names):
        return USUAL_SIZE
    size: int = st.number_input(
        "Auxiliaries by measured gains",
        1,
        most,
        help=f"How many `{FORESEEN}` and `{MEASURED}` take: those with the largest gain in dev loss, each tried alone.",
        width=240,
        **view_state.number("size", min(USUAL_SIZE, most), low=1, high=most),
    )
    return size


def weights_input(known: Iterable[str]) -> list[str]:
    """Ask what weighs the auxiliaries, of the sources that say something.

    Raises:
        ValueError: None does.
    """
    sources = [source for source in WEIGHT_SOURCES if source in set(known)]
    if not sources:
        raise ValueError(
            f"Nothing says yet how to weigh the auxiliaries of `{WEIGHTED}`. Let Transfer measure some gains, run `pseudofam "
            "signals`, or leave the arm out."
        )
    chosen: list[str] = st.multiselect(
        "Weights from",
        sources,
        format_func=_source_label,
        placeholder=_source_label(sources[0]),
        help="An auxiliary is drawn in proportion to what is expected of it; one that is expected to harm is left out. An arm for "
        "each that you choose.",
        width=480,
        **view_state.several("weights", sources),
    )
    return chosen or sources[:1]


def own_input(target: LanguagePair, pool: Sequence[LanguagePair]) -> list[LanguagePair]:
    """Ask for the user's own auxiliaries: named one by one, or read from a CSV of families."""
    labels = dict(zip(pool, pair_labels(pool), strict=True))
    others = sorted((pair for pair in pool if pair != target), key=labels.__getitem__)
    by_code = {str(pair): pair for pair in others}
    said = view_state.text_of(_MEMBERS) or ""
    with st.expander("Your own list of auxiliaries", icon=":material/playlist_add:", expanded=bool(said)):
        nobody: list[LanguagePair] = []
        members: list[LanguagePair] = st.multiselect(
            "Auxiliaries of the arm `own`",
            others,
            format_func=lambda pair: labels.get(pair, str(pair)),
            placeholder="None: there is no such arm",
            help="The target is trained with just these, as one more arm.",
            **view_state.control(
                _MEMBERS,
                nobody,
                read=lambda text: [by_code[code] for code in dict.fromkeys(_split(text)) if code in by_code],
                write=lambda chosen: ",".join(map(str, chosen)),
                start=lambda chosen: {"default": chosen},
            ),
        )
        if missing := [code for code in _split(said) if code not in by_code]:
            st.warning(f"Not in this pool, and left out: {plain(', '.join(missing))}.", icon=":material/rule:")
        st.file_uploader(
            "Or a CSV of families",
            type="csv",
            key=_UPLOAD,
            on_change=_take_upload,
            args=(target,),
            help="What Families exports, or two columns: target,member. The rows of the target above are taken.",
        )
        if error := st.session_state.get(f"{_UPLOAD}_error"):
            st.error(plain(error), icon=":material/error:")
    return members


def arm_table(
    arms: Sequence[Arm],
    specs: Mapping[tuple[str, int | None], FinetuneSpec],
    texts: FinetuneTexts,
    is_finished: Finished,
    under_way: Mapping[FinetuneSpec, State],
) -> pd.DataFrame:
    """A row per distinct run: names, auxiliaries, updates to expect, and how far it is."""
    rows = []
    for arm, names in distinct_arms(arms).items():
        arm_specs = [spec for (name, _), spec in specs.items() if name == names[0]]
        n_finished = sum(map(is_finished, arm_specs))
        rows.append(
            {
                "Arm": " = ".join(names),
                "What it is": arm_words(arm, texts.target),
                "Auxiliaries": _listed(arm),
                "How many": None if arm.members is None else len(arm.members),
                "Updates": expected_updates(arm_specs[0], texts) or None,
                "State": _state(
                    n_finished, len(arm_specs), [under_way[spec] for spec in arm_specs if spec in under_way]
                ),
            }
        )
    return pd.DataFrame(rows)


def arm_words(arm: Arm, target: LanguagePair) -> str:
    """What an arm is, in plain words; of random families, how many are relatives of the target by chance."""
    name, family = arm.name, target.language.traditional_family
    if is_random(name):
        n = sum(pair.language.traditional_family == family for pair in arm.members or ())
        return f"drawn blindly, {n} {family}"
    kind, _, by = name.partition("-")
    if kind == WEIGHTED:
        return f"weighed by {_source_label(by)}"
    fixed = {
        FORESEEN: "gained most for other targets",
        MEASURED: "gained most for this target",
        "zero-shot": "the model as it is",
        "single": "the target alone",
        "traditional": f"its traditional family, {family}",
        "all": "every other pair of the pool",
        OWN: "your own list",
    }
    return fixed.get(name) or fixed.get(kind) or f"its pseudo family by {Measure(name).label}"


def cost_cards(cost: Cost) -> None:
    """What is still to be done: runs, updates, time, disk."""
    left = cost.n_runs - cost.n_finished
    most = "≤ " if cost.is_limit else ""
    time = "–" if cost.seconds is None else f"{'≈ ' if cost.is_guess else most}{duration(cost.seconds)}"
    disk = "–" if cost.disk_bytes is None else f"{cost.disk_bytes / 1e6:,.0f} MB"
    runs, updates, seconds, room = st.columns(4)
    runs.metric(
        "Runs", left, help=f"{cost.n_runs} asked for, arms of the same members once; {cost.n_finished} finished."
    )
    updates.metric("Updates", f"{most}{cost.updates:,}", help="Of all runs together.")
    seconds.metric("Time", time, help="One run after the other, translation included, at the pace last measured.")
    room.metric(
        "Disk", disk, help=f"Most room taken at a time. Checkpoints go again when a run is done.{_kept_words(cost)}"
    )
    if cost.seconds is None:
        st.caption("Time and disk are told once a run, or a short timing, has shown this machine's pace.")
    if cost.is_guess:
        st.caption(
            "The time is a guess: runs so far chose their best weights in another way, or translated with another number "
            "of beams. A short timing tells it."
        )


def visible_words(arms: Sequence[Arm], task: Task, *, n_seeds: int, n_sentences: int) -> str:
    """What the test will be able to tell of the arms, as far as that is known before; empty for a single arm."""
    n_arms = sum(arm.members is not None for arm in distinct_arms(arms))
    if n_arms < 2:
        return ""
    if n_seeds == 1:
        return (
            "**What it can show**: with one seed no arm is called better or worse, whatever comes out, for another seed might turn "
            "it round. Take two or more, better three."
        )
    spread = task.tested.usual_run_spread(n_sentences)
    if spread is None:
        return ""
    gain = f"{Design(1, n_arms, n_seeds).smallest_visible_gain(spread):.{task.tested.decimals}f} {task.tested.label}"
    return (
        f"**What it can show**: a true gain of about {gain} over another arm, four times in five, after correction for "
        f"{n_arms - 1} tests. A guess, from how far apart runs of one arm usually are on {n_sentences:,} test sentences. "
        "With more seeds, more sentences or fewer arms smaller ones can be seen."
    )


def outlook_view(outlook: Outlook | None) -> None:
    """What each auxiliary alone may be expected to gain, where other targets' gains were measured; else the way to that."""
    if outlook is None:
        st.caption(
            "**Train, or don't?** Nothing is known yet: once Transfer has measured three other targets or more, and the signals "
            "are computed, you will see here what to expect."
        )
        return
    forecast, n = outlook.forecast, outlook.forecast.n_targets
    width = forecast.half_width if forecast.has_interval else np.nan
    with st.expander(f"What to expect of each auxiliary, from {n} other targets", icon=":material/insights:"):
        table = pd.DataFrame(
            {
                "Auxiliary": [pair.label for pair in outlook.auxiliaries],
                "Expected": outlook.expected,
                "From": outlook.expected - width,
                "To": outlook.expected + width,
                "Measured": outlook.measured,
                "Advice": [forecast.words(gain) if np.isfinite(gain) else None for gain in outlook.expected],
            }
        )
        is_target = [pair == outlook.target for pair in outlook.auxiliaries]
        table = table[~np.array(is_target)].sort_values("Expected", ascending=False)
        signed = st.column_config.NumberColumn(format="%+.3f")
        st.dataframe(
            table,
            hide_index=True,
            placeholder="–",
            column_config=dict.fromkeys(("Expected", "From", "To", "Measured"), signed),
            alt=f"Expected gain of each auxiliary for {outlook.target.label}",
        )
        st.caption(
            f"Gain in dev loss, nats a token, of each auxiliary alone, foreseen by `{outlook.signal}`, the signal that foresaw the "
            f"other targets best, {forecast.reach}. What a family of several gains is not foreseen. A measured gain counts more "
            "than an expected one."
        )


def finished_captions(cost: Cost) -> None:
    """Which runs are finished, and which of them are trained all the same."""
    if cost.n_finished:
        st.caption(f"Finished already, and not run again: {cost.n_finished} of {cost.n_runs} runs.")
    if cost.n_again:
        st.caption(
            f"Finished, but without their weights: {cost.n_again} of {cost.n_runs} runs. Such runs are trained again, and their "
            "scores replaced. Untick *Keep the trained weights* to leave them as they are."
        )


def _take_upload(target: LanguagePair) -> None:
    """Make an uploaded family the own list, or remember why it can't be."""
    st.session_state[f"{_UPLOAD}_error"] = None
    if (upload := st.session_state[_UPLOAD]) is None:
        return
    try:
        families = read_families_csv(upload.getvalue().decode("utf-8"))
        if target not in families:
            raise ValueError(f"The list has no family of {target.label}. It has: {', '.join(map(str, families))}.")
        view_state.set_value(_MEMBERS, ",".join(map(str, families[target])))
    except UnicodeDecodeError:
        st.session_state[f"{_UPLOAD}_error"] = "The file is not UTF-8 text. Save it as CSV UTF-8, and choose it again."
    except ValueError as error:
        st.session_state[f"{_UPLOAD}_error"] = str(error)


def _kept_words(cost: Cost) -> str:
    if cost.kept_bytes is None:
        return " The weights that are kept come on top."
    return f" {cost.kept_bytes / 1e6:,.0f} MB of it are kept weights, which stay." if cost.kept_bytes else ""


def _source_label(source: str) -> str:
    gains = {FORESEEN: "Gains elsewhere", MEASURED: "Gains of its own"}
    return gains.get(source) or SIGNALS[source].label


def _split(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _listed(arm: Arm) -> str:
    members = arm.members or ()
    few = len(members) <= _MOST_WITH_CODES and not arm.weights
    names = with_weights([pair.label if few else pair.language.name for pair in members], arm.weights)
    if len(names) > _MOST_NAMED:
        return f"{', '.join(names[: _MOST_NAMED - 1])} and {len(names) - _MOST_NAMED + 1} more"
    return ", ".join(names) or "–"


def _state(n_finished: int, n: int, under_way: Collection[State]) -> str:
    """How far the runs of an arm are, in words."""
    if n_finished == n:
        return "finished"
    told = [f"{n_finished} of {n} finished"] if n_finished else []
    told += dict.fromkeys(map(str, under_way))
    return ", ".join(told) or "to do"
