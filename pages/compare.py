"""Compare: whether the family paid, and whether it is more than luck."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from pages.components import view_state
from pages.components.inputs import current_view
from pages.components.job_cards import FINETUNING, running_jobs
from pages.components.loading import Pool, before_the_change, known_gains, known_signs
from pages.components.navigation import FINETUNE_PAGE, page_link
from pages.components.plain import plain
from pages.components.pool_similarity import end_k_at_zeros
from pages.components.results import results
from pages.components.states import pool_or_stop
from pages.views.compare import figures, groups, tables, translations
from pages.views.compare import runs as run_table
from pseudofam_core import jobs
from pseudofam_core.errors import CorpusError, ScoringError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import (
    Arm,
    FinetuneRun,
    open_texts,
    refuse_lacking,
    runs_of,
    shipped_runs,
    tuned_workspace,
    without_draw,
)
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.outcomes.arm_names import arm_families, arms_found
from pseudofam_core.outcomes.results import Comparison
from pseudofam_core.outcomes.run_settings import comparable
from pseudofam_core.outcomes.testing import compare_arms
from pseudofam_core.scoring.protocols import Protocol
from pseudofam_core.similarity import pools
from pseudofam_core.tasks.translation import TRANSLATION
from pseudofam_core.transfer.arms import families_told

_PROTOCOLS = {
    Protocol.DETOKENISED: "Detokenised, all sentences",
    Protocol.TOKENISED_FILTERED: "Tokenised and filtered, after the paper's scripts",
}
_Families = Mapping[LanguagePair, Mapping[str, Sequence[LanguagePair]]]


@st.cache_data(max_entries=64, ttl=60, show_spinner=False)
def tested_with(estimated: Workspace, corpus: str) -> Workspace:
    """The workspace of the test text."""
    return tuned_workspace(estimated, corpus)


@st.cache_data(max_entries=64, ttl=60, show_spinner=False)
def digest_of_test(workspace: Workspace, target: LanguagePair) -> str | None:
    """Digest of the target's present test text; None where it has none."""
    try:
        return open_texts(workspace, target).test.digest
    except CorpusError:
        return None


def finished_runs(workspace: Workspace) -> list[FinetuneRun]:
    """Finished runs of this model on the corpus's test sentences."""
    return _on_its_test_text(workspace, runs_of(results(), model_revision=resolve_model(workspace.model).revision))


def sample_runs(workspace: Workspace) -> list[FinetuneRun]:
    """The runs that ship with the sample; none for another workspace."""
    return _on_its_test_text(workspace, shipped_runs(model_revision=resolve_model(workspace.model).revision))


def _on_its_test_text(workspace: Workspace, runs: Sequence[FinetuneRun]) -> list[FinetuneRun]:
    return [run for run in runs if run.test_digest == digest_of_test(workspace, run.target)]


def runs_before_the_change(workspace: Workspace) -> list[FinetuneRun]:
    """Finished runs of what model and corpus of these names were once."""
    placed = jobs.placed(workspace)
    names = {"model": placed.model, "corpus": placed.corpus}
    runs = runs_of(results())
    return [run for run in runs if all(getattr(run.workspace, name) == names[name] for name in names)]


def outdated_note(workspace: Workspace, runs: Sequence[FinetuneRun]) -> None:
    """Say what has changed since these runs."""
    revision = resolve_model(workspace.model).revision
    changed = []
    if any(run.model_revision != revision for run in runs):
        changed.append("the model has changed")
    if any(run.test_digest != digest_of_test(workspace, run.target) for run in runs):
        changed.append("the test text has changed")
    st.warning(
        f"**Out of date:** {plain(' and '.join(changed))}. What was found before is still shown. "
        "Train again to compare what is now.",
        icon=":material/update:",
    )
    page_link(FINETUNE_PAGE, "Train again")


def sample_note(runs: Sequence[FinetuneRun]) -> None:
    """Say that these runs were made elsewhere, and how to have one's own in their place."""
    targets = ", ".join(sorted({run.target.label for run in runs}))
    st.info(
        f"**Shown are {len(runs)} runs that ship with the sample** ({targets}). The first that you train yourself takes their "
        "place.",
        icon=":material/inventory_2:",
    )
    page_link(FINETUNE_PAGE, "Train your own")


def nothing_yet(workspace: Workspace, n_under_way: int) -> None:
    """Say what will stand here, and the way to it; where the corpus can't be trained on, why."""
    try:
        refuse_lacking(workspace)
    except CorpusError as error:
        st.error(plain(error), icon=":material/error:")
        return
    st.info("No fine-tuned model has been scored yet.", icon=":material/hourglass_empty:")
    if n_under_way:
        st.markdown("Runs are under way; their results appear here as they finish.")
    st.markdown(
        "Once a target has been trained with two families or more, you will see here:\n"
        "- the score of each, target by target, and its distance from the one that you pin, with intervals;\n"
        "- which are better or worse by a test, and which only look so;\n"
        "- what each pair contributed, and how single sentences are translated;\n"
        "- tables as CSV and LaTeX, figures as SVG."
    )
    page_link(FINETUNE_PAGE, "See the runs in Fine-tune" if n_under_way else "Go to Fine-tune")


def targets_input(runs: Sequence[FinetuneRun]) -> list[LanguagePair]:
    """Ask which targets are shown, of those that have been trained."""
    trained = [run for run in runs if not run.is_zero_shot] or runs
    targets = sorted({run.target for run in trained}, key=lambda pair: pair.label)
    chosen = st.multiselect(
        "Targets",
        targets,
        format_func=lambda pair: pair.label,
        placeholder=targets[0].label if len(targets) == 1 else f"All ({len(targets)})",
        help="Whose runs are compared. None named: all that have some.",
        **view_state.several("target", targets),
    )
    return chosen or targets


def pseudo_families(pool: Pool, targets: Sequence[LanguagePair], top_fraction: float) -> _Families:
    """The targets' pseudo families by arm name, where the pool is compared already: names are not worth a long wait."""
    if len(pool.estimates) < 2:
        return {}
    comparison = pools.find_pool_similarity(pool.estimates, cache=results())
    if comparison is None:
        return {}
    end_k_at_zeros(comparison.curve)
    return {target: arm_families(comparison, target, top_fraction) for target in targets}


def named(
    pool: Pool, tuned: Workspace, runs: Sequence[FinetuneRun], targets: Sequence[LanguagePair], top_fraction: float
) -> dict[LanguagePair, tuple[Arm, ...]]:
    """The arms of each target that have finished runs."""
    families = pseudo_families(pool, targets, top_fraction)
    arms = {}
    for target in targets:
        gains, signs = known_gains(tuned, target), partial(known_signs, tuned, target)
        of_target = {**families.get(target, {}), **families_told(runs, target, gains, signs)}
        arms[target] = arms_found(runs, target, pool.pairs, families=of_target, seed=pool.workspace.seed)
    return arms


def pinned_input(arms: Mapping[LanguagePair, Sequence[Arm]]) -> str | None:
    """Ask which arm the others are held against: one that every target has."""
    shown = [[without_draw(arm.name) for arm in target_arms] for target_arms in arms.values()]
    common = [name for name in dict.fromkeys(shown[0]) if all(name in names for names in shown)]
    if not common:
        return None
    usual = next((name for name in ("single", "traditional", "zero-shot") if name in common), common[0])
    pinned: str = st.selectbox(
        "Pinned arm",
        common,
        help="All differences are taken from it. Pin `traditional` to ask what the paper asks; a random family, to ask "
        "whether the right languages matter or any would do.",
        **view_state.choice("pinned", common, usual),
    )
    return pinned


@st.cache_resource(
    max_entries=16, show_spinner="Scoring and testing: the first time, about a second for each arm of a target …"
)
def compared(
    keys: tuple[str, ...],
    arms: tuple[tuple[str, tuple[Arm, ...]], ...],
    pinned: str,
    protocol: Protocol,
    _runs: Sequence[FinetuneRun],
    _arms: Mapping[LanguagePair, Sequence[Arm]],
) -> Comparison:
    """The comparison, kept by the runs' keys."""
    return compare_arms(_runs, _arms, pinned=pinned, protocol=protocol)


def comparison_of(
    group: Sequence[FinetuneRun],
    arms: Mapping[LanguagePair, Sequence[Arm]],
    pinned: str | None,
    protocol: Protocol,
) -> Comparison | None:
    """The comparison that is asked for; where there is none, say why."""
    if pinned is None:
        st.warning("These targets have no arm in common that the others could be held against. Choose one of them.")
        return None
    keys = tuple((str(target), tuple(target_arms)) for target, target_arms in arms.items())
    try:
        return compared(tuple(run.key for run in group), keys, pinned, protocol, group, arms)
    except (ScoringError, ValueError) as error:
        st.error(plain(error), icon=":material/error:")
        return None


def outcome_view(comparison: Comparison) -> None:
    """Scores, differences and what may be said of them."""
    st.subheader("Scores")
    figures.score_view(comparison)
    st.subheader(f"Against {plain(comparison.pinned)}")
    figures.difference_view(comparison)
    figures.no_gain_view(comparison)
    figures.claim_view(comparison)
    st.subheader("Against random families of the same size")
    figures.control_view(comparison)
    st.subheader("Table")
    tables.outcome_table(comparison)


def closer_view(comparison: Comparison, targets: Sequence[LanguagePair]) -> None:
    """Translations, contributions and settings."""
    st.subheader("A closer look")
    target = targets[0]
    if len(targets) > 1:
        target = st.selectbox(
            "Target", targets, format_func=lambda pair: pair.label, **view_state.choice("of", targets)
        )
    tabs = ("Translations", "Contributions", "Settings")
    translated, contributed, set_by = st.tabs(tabs, **view_state.choice("show", tabs, start="default"))
    if translated.open:
        with translated:
            translations.translation_view(comparison, target)
    if contributed.open:
        with contributed:
            tables.contribution_table(comparison, target)
    if set_by.open:
        with set_by:
            tables.settings_view(comparison)


view = current_view()
st.title("Compare")
st.markdown(
    f"Whether a family paid: {TRANSLATION.quality} ({TRANSLATION.metric_labels}) of the same target trained with different "
    "languages, with intervals, so that luck can be told from gain."
)
pool = pool_or_stop(view.workspace)
under_way = running_jobs(FINETUNING)
tuned = tested_with(view.workspace, view.tuning_corpus)
runs = finished_runs(tuned)
if not runs and (runs := runs_before_the_change(tuned)):
    outdated_note(tuned, runs)
    pool = before_the_change(pool) or pool
if not runs and (runs := sample_runs(tuned)):
    sample_note(runs)
if not runs:
    nothing_yet(tuned, len(under_way))
    st.stop()
if under_way:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(":blue-badge[:material/play_arrow: more runs under way]", width="content")
        page_link(FINETUNE_PAGE, "See how far they are")

with st.container(border=True):
    group = groups.group_input(comparable(runs))
    targets = targets_input(group)
    against, how = st.columns(2)
    arms = named(pool, tuned, group, targets, view.top_fraction)
    with against:
        pinned = pinned_input(arms)
    with how:
        protocol = st.selectbox(
            "Scored text",
            list(_PROTOCOLS),
            format_func=_PROTOCOLS.__getitem__,
            help="The paper scores tokenised text on a filtered test set. The two can't be held against each other.",
            **view_state.choice("protocol", list(_PROTOCOLS), code=lambda protocol: protocol.value),
        )
st.caption(f"Runs, to filter and to group: [{len(runs)} in the table below](#runs).")
if comparison := comparison_of(group, arms, pinned, protocol):
    outcome_view(comparison)
    closer_view(comparison, targets)
st.subheader("Runs", anchor="runs")
everyone = sorted({run.target for run in runs})
run_table.runs_view(run_table.named_rows(runs, named(pool, tuned, runs, everyone, view.top_fraction)), TRANSLATION)
