"""What Fine-tune asks for and tells: arms and their members, budget, settings, costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from pages.components import view_state
from pages.components.job_cards import duration
from pseudofam_core.charts import pair_labels
from pseudofam_core.exchange import read_families_csv
from pseudofam_core.finetuning import (
    ARM_NAMES,
    DEFAULT_ARMS,
    DEV_METRICS,
    PRECISIONS,
    PRESETS,
    Arm,
    BudgetMode,
    Cost,
    FinetuneSpec,
    Lora,
    Recipe,
    distinct_members,
)
from pseudofam_core.finetuning.costs import expected_updates
from pseudofam_core.finetuning.texts import FinetuneTexts
from pseudofam_core.hub import SAMPLE
from pseudofam_core.languages import LanguagePair
from pseudofam_core.specs import Measure

Finished = Callable[[FinetuneSpec], bool]
_MEMBERS = "members"
_UPLOAD = "families_csv"
_MOST_NAMED = 8
ARM_COLUMNS = {
    "Arm": st.column_config.TextColumn(width=170, pinned=True),
    "What it is": st.column_config.TextColumn(width=200),
    "Auxiliaries": st.column_config.TextColumn(width=330),
    "How many": st.column_config.NumberColumn(width=60, help="Auxiliaries."),
    "Updates": st.column_config.NumberColumn(
        format="localized", width=60, help="Of one run; at most, if it stops early."
    ),
    "State": st.column_config.TextColumn(width=80),
}
"""How `arm_table` is shown."""
_MODES = {
    BudgetMode.EARLY_STOPPING: (
        "Early stopping",
        "Each arm trains until it stops improving on dev, and its best weights are scored: the paper's way.",
        "Updates at most",
    ),
    BudgetMode.EQUAL_UPDATES: (
        "Equal updates",
        "Every arm gets as many updates, which its pairs share: with three auxiliaries the target gets a quarter.",
        "Updates",
    ),
    BudgetMode.EQUAL_TARGET_TOKENS: (
        "Equal target tokens",
        "Every arm sees the target equally often, and its auxiliaries on top: larger families train longer.",
        "Updates of the target alone",
    ),
}


@dataclass(frozen=True)
class Amounts:
    """How much is trained.

    Attributes:
        updates: See `Budget`.
        n_seeds: Runs of each arm.
        n_draws: Random families of each size.
        target_sentences: Most sentences of the target, or None for all.
    """

    updates: int
    n_seeds: int
    n_draws: int
    target_sentences: int | None


@dataclass(frozen=True)
class Settings:
    """How is trained, beside the budget.

    Attributes:
        recipe: Rate, batches, dropout and so on.
        patience: None where training does not stop early.
        beams: Of the search on test and dev.
        auxiliary_sentences: Most sentences of each auxiliary, or None for all.
        keep_weights: Whether the scored weights are kept.
    """

    recipe: Recipe
    patience: int | None
    beams: int
    auxiliary_sentences: int | None
    keep_weights: bool


def target_input(pairs: Sequence[LanguagePair]) -> LanguagePair:
    """Ask for the pair that is adapted to. Belarusian is the sample's example of a language with little text."""
    labels = dict(zip(pairs, pair_labels(pairs), strict=True))
    by_label = sorted(pairs, key=labels.__getitem__)
    usual = next((one for one in by_label if str(one) == "be-en"), by_label[0])
    target: LanguagePair = st.selectbox(
        "Target",
        by_label,
        format_func=labels.__getitem__,
        help="The pair that the model is to translate well.",
        **view_state.choice("target", by_label, usual),
    )
    return target


def arms_input() -> list[str]:
    """Ask which arms are compared."""
    names: list[str] = st.pills(
        "Arms",
        ARM_NAMES,
        selection_mode="multi",
        wrap=True,
        help="What is compared: each arm is the target with other auxiliaries. The table below says which.",
        **view_state.control(
            "arms",
            list(DEFAULT_ARMS),
            read=lambda text: [one for one in _split(text) if one in ARM_NAMES],
            write=",".join,
            start=lambda names: {"default": names},
        ),
    )
    return [one for one in ARM_NAMES if one in names]


def own_input(target: LanguagePair, pool: Sequence[LanguagePair]) -> list[LanguagePair]:
    """Ask for the user's own auxiliaries: named one by one, or read from a CSV of families."""
    labels = dict(zip(pool, pair_labels(pool), strict=True))
    others = sorted((one for one in pool if one != target), key=labels.__getitem__)
    by_code = {str(one): one for one in others}
    said = view_state.text_of(_MEMBERS) or ""
    with st.expander("Your own list of auxiliaries", icon=":material/playlist_add:", expanded=bool(said)):
        nobody: list[LanguagePair] = []
        own: list[LanguagePair] = st.multiselect(
            "Auxiliaries of the arm `own`",
            others,
            format_func=lambda one: labels.get(one, str(one)),
            placeholder="None: there is no such arm",
            **view_state.control(
                _MEMBERS,
                nobody,
                read=lambda text: [by_code[one] for one in dict.fromkeys(_split(text)) if one in by_code],
                write=lambda chosen: ",".join(map(str, chosen)),
                start=lambda chosen: {"default": chosen},
            ),
        )
        if missing := [one for one in _split(said) if one not in by_code]:
            st.warning(f"Not in this pool, and left out: {', '.join(missing)}.", icon=":material/rule:")
        st.file_uploader(
            "Or a CSV of families",
            type="csv",
            key=_UPLOAD,
            on_change=_take_upload,
            args=(target,),
            help="What Families exports, or two columns: target,member. The rows of the target above are taken.",
        )
        if error := st.session_state.get(f"{_UPLOAD}_error"):
            st.error(error, icon=":material/error:")
    return own


def amounts_input(mode: BudgetMode, model: str) -> Amounts:
    """Ask how much is trained: updates, seeds, random families, text of the target."""
    with st.container(horizontal=True):
        updates = _count(
            _MODES[mode][2],
            "updates",
            PRESETS[_chosen_preset(model)][1].updates,
            "An update reads a batch of text and changes the weights once.",
        )
        target_sentences = st.number_input(
            "Target sentences",
            1,
            step=50,
            placeholder="all",
            help="Train on so many sentences of the target. With less text of its own, auxiliaries matter more. Empty: all.",
            **view_state.optional_number("target_sentences", int, low=1),
        )
    with st.container(horizontal=True):
        n_seeds = _count(
            "Seeds", "seeds", 1, "Runs of each arm. One can't tell luck of training from gain; three or more can."
        )
        n_draws = _count(
            "Random draws", "draws", 1, "Random families of each size that the other arms have: the control."
        )
    return Amounts(updates, n_seeds, n_draws, target_sentences)


def mode_input() -> BudgetMode:
    """Ask what the arms have in common, which decides much of the answer."""
    mode: BudgetMode = st.radio(
        "Budget",
        list(_MODES),
        format_func=lambda one: _MODES[one][0],
        captions=[words for _, words, _ in _MODES.values()],
        help="Results of different budgets are never compared with one another.",
        **view_state.choice("budget", list(_MODES), code=lambda one: one.value),
    )
    return mode


def settings_input(model: str, mode: BudgetMode) -> Settings:
    """Ask how is trained, beginning from a preset."""
    presets = list(PRESETS)
    preset = st.radio(
        "Preset",
        presets,
        horizontal=True,
        format_func={"paper": "As in the paper", "small": "Small model"}.__getitem__,
        captions=[
            "For models like m2m100_418M: up to 40,000 updates, hours on a GPU.",
            "For some ten million parameters on a CPU, such as the sample: minutes.",
        ],
        **view_state.choice("preset", presets, _usual_preset(model)),
    )
    recipe, budget = PRESETS[preset]
    columns = st.columns(3)
    with columns[0]:
        recipe = _pace_inputs(recipe)
    with columns[1]:
        recipe = _batch_inputs(recipe)
    with columns[2]:
        patience = _count("Patience", "patience", budget.patience or 1, "Evaluations without gain that end a run.")
        recipe = replace(
            recipe,
            dev_metric=st.selectbox(
                "Best weights by",
                DEV_METRICS,
                help="On dev: loss is quick, BLEU translates dev at each evaluation.",
                **view_state.choice("dev", DEV_METRICS, recipe.dev_metric),
            ),
            lora=_lora_input(),
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        beams = _count("Beams", "beams", 5, "Width of the search that translates the test set.")
        auxiliary_sentences = st.number_input(
            "Sentences per auxiliary",
            1,
            step=50,
            placeholder="all",
            help="Most sentences of each auxiliary. Empty: all.",
            **view_state.optional_number("auxiliary_sentences", int, low=1),
        )
        keep = st.checkbox("Keep the trained weights", help="One copy per run.", **view_state.switch("keep"))
    return Settings(recipe, patience if mode is BudgetMode.EARLY_STOPPING else None, beams, auxiliary_sentences, keep)


def arm_table(
    arms: Sequence[Arm],
    specs: Mapping[tuple[str, int | None], FinetuneSpec],
    texts: FinetuneTexts,
    is_finished: Finished,
) -> pd.DataFrame:
    """A row per distinct run: names, auxiliaries, updates to expect, and how far it is."""
    rows = []
    for members, names in distinct_members(arms).items():
        own = [spec for (arm, _), spec in specs.items() if arm == names[0]]
        n_finished = sum(map(is_finished, own))
        rows.append(
            {
                "Arm": " = ".join(names),
                "What it is": arm_words(names[0], texts.target),
                "Auxiliaries": _listed(members),
                "How many": None if members is None else len(members),
                "Updates": expected_updates(own[0], texts) or None,
                "State": _state(n_finished, len(own)),
            }
        )
    return pd.DataFrame(rows)


def arm_words(name: str, target: LanguagePair) -> str:
    """What an arm is, in plain words."""
    if name.startswith("random-"):
        return "drawn blindly: what any languages would give"
    fixed = {
        "zero-shot": "the model as it is",
        "single": "the target alone",
        "traditional": f"its traditional family, {target.language.traditional_family}",
        "all": "every other pair of the pool",
        "own": "your own list",
    }
    return fixed.get(name) or f"its pseudo family by {Measure(name).label}"


def cost_cards(cost: Cost) -> None:
    """What is still to be done: runs, updates, time, disk."""
    left = cost.n_runs - cost.n_finished
    most = "≤ " if cost.is_limit else ""
    time = "–" if cost.seconds is None else f"{most}{duration(cost.seconds)}"
    disk = "–" if cost.disk_bytes is None else f"{cost.disk_bytes / 1e6:,.0f} MB"
    runs, updates, seconds, room = st.columns(4)
    runs.metric(
        "Runs", left, help=f"{cost.n_runs} asked for, arms of the same members once; {cost.n_finished} finished."
    )
    updates.metric("Updates", f"{most}{cost.updates:,}", help="Of all runs together.")
    seconds.metric("Time", time, help="One run after the other, translation included, at the pace last measured.")
    room.metric("Disk", disk, help="Most room taken at a time. Checkpoints go again when a run is done.")
    if cost.seconds is None:
        st.caption("Time and disk are told once a run, or a short timing, has shown this machine's pace.")


def _pace_inputs(recipe: Recipe) -> Recipe:
    rate = st.number_input(
        "Learning rate",
        0.0,
        step=1e-5,
        format="%.1e",
        help="Peak of Adam's rate.",
        **view_state.number("rate", recipe.learning_rate, low=0.0),
    )
    warmup = _count("Warm-up updates", "warmup", recipe.warmup_updates, "The rate rises so long.", low=0)
    every = _count("Updates between evaluations", "every", recipe.eval_every, "Dev is scored, a checkpoint is written.")
    return replace(recipe, learning_rate=rate, warmup_updates=warmup, eval_every=every)


def _batch_inputs(recipe: Recipe) -> Recipe:
    tokens = _count("Tokens per batch", "batch", recipe.batch_tokens, "Padded, of the longer side.")
    batches = _count("Batches per update", "batches", recipe.accumulation, "Gradients added up before an update.")
    precision = st.selectbox(
        "Number format",
        PRECISIONS,
        help="bf16 is faster where the machine computes in it; fp16 needs a GPU.",
        **view_state.choice("precision", PRECISIONS, recipe.precision),
    )
    temperature = st.number_input(
        "Sampling temperature",
        0.0,
        step=1.0,
        placeholder="all pairs alike",
        help="A pair of n sentences is drawn in proportion to n^(1/T). Empty: all alike, as in the paper.",
        **view_state.optional_number("temperature", float, low=0.0),
    )
    return replace(recipe, batch_tokens=tokens, accumulation=batches, precision=precision, temperature=temperature)


def _lora_input() -> Lora | None:
    rank = st.number_input(
        "LoRA rank",
        1,
        step=8,
        placeholder="off: all weights",
        help="Train low-rank adapters instead of all weights; the package peft does it. Empty: all weights.",
        **view_state.optional_number("lora", int, low=1),
    )
    return None if rank is None else Lora(rank=rank, alpha=2 * rank)


def _count(label: str, name: str, default: int, words: str, *, low: int = 1) -> int:
    n: int = st.number_input(label, low, step=1, help=words, **view_state.number(name, default, low=low))
    return n


def _chosen_preset(model: str) -> str:
    """The preset of the address: updates stand above its control and begin from it."""
    said = view_state.text_of("preset")
    return said if said is not None and said in PRESETS else _usual_preset(model)


def _usual_preset(model: str) -> str:
    return "small" if model == SAMPLE else "paper"


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


def _split(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _listed(members: tuple[LanguagePair, ...] | None) -> str:
    names = [one.label for one in members or ()]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more or "–"


def _state(n_finished: int, n: int) -> str:
    if n_finished == n:
        return "finished"
    return "to do" if not n_finished else f"{n_finished} of {n} finished"
