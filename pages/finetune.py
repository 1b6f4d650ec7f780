"""Fine-tune: train the model on a target and its family, beside controls."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st

from pages.components.inputs import View, current_view, target_input
from pages.components.job_cards import FINETUNING, job_cards, running_jobs
from pages.components.loading import Pool, known_gains, known_signs, trained_on
from pages.components.navigation import COMPARE_PAGE, page_link
from pages.components.plain import plain
from pages.components.pool_similarity import end_k_at_zeros, similarity_or_stop
from pages.components.results import cache_root, results
from pages.components.states import absent_note, comparable_or_stop
from pages.views import finetune as views
from pages.views import finetune_form as form
from pseudofam_core import jobs
from pseudofam_core.errors import JobError, MalformedValue, PseudoFamError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.families.selection import paper_family
from pseudofam_core.finetuning import (
    OWN,
    TIMING_TASK,
    WEIGHTED,
    Arm,
    Budget,
    FinetuneRequest,
    FinetuneSpec,
    FinetuneTexts,
    Members,
    TextCut,
    cost,
    find_pace,
    finished_run,
    named_arms,
    open_texts,
    refuse_seen,
    runs_of,
    specs_of,
    task_of,
)
from pseudofam_core.jobs import State
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import PoolSimilarity
from pseudofam_core.transfer.arms import Known, further_arms, spelled_out
from pseudofam_core.transfer.outlook import Outlook, kept_outlook


@st.cache_resource(max_entries=16, ttl=60, show_spinner="Reading the texts …")
def opened_texts(workspace: Workspace, target: LanguagePair, cut: TextCut) -> FinetuneTexts:
    """The target's text, which is read as it is asked for."""
    return open_texts(workspace, target, cut)


@st.cache_data(max_entries=16, ttl=60, show_spinner="Reading the texts …")
def runs_asked_for(request: FinetuneRequest, _texts: FinetuneTexts) -> dict[tuple[str, int | None], FinetuneSpec]:
    """The run of every arm and seed."""
    return specs_of(request, _texts)


def under_way(request: FinetuneRequest) -> dict[FinetuneSpec, State]:
    """Runs of the target that jobs have queued or in hand, and how they stand."""
    states: dict[FinetuneSpec, State] = {}
    for job in running_jobs(FINETUNING):
        try:
            other = FinetuneRequest.from_payload(job.payload)
        except MalformedValue:  # of another version
            continue
        if (other.workspace, other.target, other.cut) != (request.workspace, request.target, request.cut):
            continue
        tasks = {task.name: task.state for task in job.tasks}
        specs = runs_asked_for(other, opened_texts(other.workspace, other.target, other.cut))
        # A run of several arms is the task of the first alone.
        known = [(spec, tasks.get(task_of(*run))) for run, spec in specs.items()]
        states |= {spec: state for spec, state in known if state and state.is_active}
    return states


@st.cache_data(max_entries=64, ttl=60, show_spinner="Reading the texts …")
def seen_nothing(estimated: Workspace, pairs: tuple[LanguagePair, ...], tuned: Workspace, target: LanguagePair) -> None:
    """See that the estimates have read nothing that will choose or score a model.

    Raises:
        CorpusError: They have.
    """
    refuse_seen(estimated, pairs, open_texts(tuned, target))


@st.cache_resource(max_entries=64, ttl=60, show_spinner=False)
def expected_gains(workspace: Workspace, target: LanguagePair) -> Outlook | None:
    """What kept transfer runs let the target expect."""
    return kept_outlook(workspace, target, results())


def arms_of(
    names: Sequence[str],
    further: Mapping[str, Callable[[], Members]],
    target: LanguagePair,
    pool: Sequence[LanguagePair],
    family_of: Callable[[Measure], Sequence[LanguagePair]],
    *,
    n_draws: int,
    seed: int,
) -> tuple[Arm, ...]:
    """The arms that were named.

    Raises:
        ValueError: None is named, or a family can't be told.
    """
    if not names:
        raise ValueError("No arm is named. Choose one above, or name your own auxiliaries.")
    return named_arms(names, target, pool, family_of=family_of, further=further, n_draws=n_draws, seed=seed)


def pseudo_family(
    similarities: PoolSimilarity, view: View, tuned: Workspace, target: LanguagePair, measure: Measure
) -> Sequence[LanguagePair]:
    """The target's family by the paper's rule.

    Raises:
        CorpusError: The estimates have read what will choose or score a model.
        ValueError: The measure is not defined for the pool.
    """
    seen_nothing(view.workspace, similarities.spec.pairs, tuned, target)
    return paper_family(similarities.matrix(measure, view.top_fraction), target)


def signs_of(workspace: Workspace, pool: Sequence[LanguagePair], target: LanguagePair) -> Known:
    """What the signals say that tell help from harm.

    Raises:
        CorpusError: Their text is what will choose or score a model.
    """
    seen_nothing(workspace, tuple(pool), workspace, target)
    return known_signs(workspace, target)


def asked(view: View, workspace: Workspace, pool: Pool, similarities: PoolSimilarity) -> FinetuneRequest:
    """The form.

    Raises:
        CorpusError: The text can't be read, or the families must not be told from these estimates.
        ValueError: What was asked for makes no sense; the message says why.
    """
    with st.container(border=True):
        with st.container(horizontal=True):  # side by side where there is room for both
            with st.container(width=240):
                target = target_input(similarities.spec.pairs)
            with st.container(width=480):
                gains = known_gains(workspace, target)
                names = views.arms_input(gains)
        with st.container(horizontal=True):
            size = views.size_input(names, max(map(len, gains.values()), default=1))
            signs = partial(signs_of, workspace, pool.pairs, target)
            sources = views.weights_input({**gains, **signs()}) if WEIGHTED in names else []
        by_hand = views.own_input(target, pool.pairs)
        left, right = st.columns([3, 2])
        with left:
            mode = form.mode_input()
        with right:
            amounts = form.amounts_input(mode, view.workspace.model)
        with st.expander("Settings of training", icon=":material/tune:"):
            settings = form.settings_input(view.workspace.model)
    if by_hand:  # it may be a family that the same estimates have told
        seen_nothing(view.workspace, similarities.spec.pairs, workspace, target)
    family_of = partial(pseudo_family, similarities, view, workspace, target)
    named = [*spelled_out(names, size=size, weights_from=sources), *([OWN] if by_hand else [])]
    further = {**further_arms(target, lambda: gains, signs, size=size), OWN: lambda: by_hand}
    return FinetuneRequest(
        workspace=jobs.placed(workspace),
        target=target,
        arms=arms_of(named, further, target, pool.pairs, family_of, n_draws=amounts.n_draws, seed=workspace.seed),
        budget=Budget.of(mode, amounts.updates, settings.patience),
        recipe=settings.recipe,
        seeds=tuple(range(1, amounts.n_seeds + 1)),
        cut=TextCut(amounts.target_sentences, settings.auxiliary_sentences),
        beams=settings.beams,
        keep_weights=settings.keep_weights,
    )


def start(request: FinetuneRequest, tasks: Sequence[str], title: str) -> None:
    """Hand the request to a worker; where that fails, say why."""
    try:
        with st.spinner("Starting the worker …"):
            jobs.submit(cache_root(), "finetune", request.payload(), tasks, title)
    except (JobError, ValueError) as error:
        st.error(plain(error), icon=":material/error:")
    else:
        st.rerun()


def preview(request: FinetuneRequest, top_fraction: float) -> None:
    """What would be trained and what it costs, and the button that starts it.

    Raises:
        PseudoFamError: The text can't be read.
    """
    cache = results()
    texts = opened_texts(request.workspace, request.target, request.cut)
    specs = runs_asked_for(request, texts)
    revision = next(iter(specs.values())).model_revision
    pace = find_pace(cache, model_revision=revision, recipe=request.recipe, beams=request.beams)
    keep_weights = request.keep_weights
    at_work = under_way(request)
    expected = cost(
        [spec for spec in specs.values() if spec not in at_work], texts, cache, pace=pace, keep_weights=keep_weights
    )
    st.dataframe(
        views.arm_table(
            request.arms,
            specs,
            texts,
            lambda spec: finished_run(spec, cache, keep_weights=keep_weights) is not None,
            at_work,
        ),
        hide_index=True,
        placeholder="–",
        column_config=views.ARM_COLUMNS,
        alt=f"Arms of {request.target.label} with their auxiliaries",
    )
    st.caption(
        f"Pseudo families by the paper's rule, K = {top_fraction:.0%}. Arms of the same members are one run. "
        f"{len(texts.train(request.target)):,} sentences of {request.target.label} to train on, {len(texts.dev):,} for dev, "
        f"{len(texts.test):,} for the test, which training never sees."
    )
    if not at_work and expected.n_finished == expected.n_runs:
        st.success(
            f"Nothing is left to do: what was asked for is finished ({expected.n_runs}).", icon=":material/check:"
        )
        page_link(COMPARE_PAGE, "See them in Compare", target=str(request.target))
        return
    if expected.n_finished == expected.n_runs:
        st.info(
            "All of these runs are finished or under way: the card below tells how far.",
            icon=":material/hourglass_top:",
        )
        finished_note(request.target, revision)
        return
    views.cost_cards(expected)
    views.finished_captions(expected)
    if told := views.visible_words(request.arms, request.task, n_seeds=len(request.seeds), n_sentences=len(texts.test)):
        st.markdown(told)
    views.outlook_view(expected_gains(request.workspace, request.target))
    left = expected.n_runs - expected.n_finished
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            f"Start {left} run{'s' if left > 1 else ''}", type="primary", icon=":material/play_arrow:", key="start"
        ):
            runs = {task_of(*run): spec for run, spec in specs.items()}
            start(request, [task for task in request.tasks if runs[task] not in at_work], request.title)
        if (expected.seconds is None or expected.is_guess) and st.button(
            "Measure the time first", icon=":material/timer:", help="Trains a few updates and keeps only their pace."
        ):
            start(request, [TIMING_TASK], f"Measure the pace for {request.target.label}")
    finished_note(request.target, revision)


def finished_note(target: LanguagePair, model_revision: str) -> None:
    """The way to what has been trained for the target before; nothing where nothing has."""
    runs = runs_of(results(), target=target, model_revision=model_revision)
    if runs:
        n = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
        page_link(COMPARE_PAGE, f"{n} of {target.label} so far, in Compare", target=str(target))


view = current_view()
st.title("Fine-tune")
st.markdown(
    "A family that looks right need not help. Here the model is trained on your target with its pseudo family and, as "
    "controls, on the target alone, with its traditional family, and with random languages. Each result is scored on the "
    "same test sentences; **Compare** then tells gain from luck."
)
pool = comparable_or_stop(view.workspace)
similarities = similarity_or_stop(pool)
end_k_at_zeros(similarities.curve)
if running_jobs(FINETUNING):
    st.markdown(":blue-badge[:material/play_arrow: training] [See how far it is](#jobs)")
absent_note(pool, "target")

try:
    request = asked(view, trained_on(view.workspace, view.tuning_corpus), pool, similarities)
    preview(request, view.top_fraction)
except (PseudoFamError, ValueError) as error:
    st.error(plain(error), icon=":material/error:")

st.subheader("Jobs", anchor="jobs")
job_cards(FINETUNING)
