"""Transfer: what each target gains by each single auxiliary, beside what was to be expected."""

from collections.abc import Sequence

import streamlit as st

from pages.components.inputs import View, current_view
from pages.components.job_cards import TRANSFERRING, job_cards, running_jobs
from pages.components.loading import Pool, trained_on
from pages.components.plain import plain
from pages.components.results import cache_root, results
from pages.components.states import pool_or_stop
from pages.views import transfer as views
from pages.views import transfer_form as form
from pseudofam_core import jobs
from pseudofam_core.errors import JobError, PseudoFamError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import TIMING_TASK, FinetuneTexts, TextCut, texts_of_targets
from pseudofam_core.languages import LanguagePair
from pseudofam_core.signals import SignalMatrix, find_signal_matrices
from pseudofam_core.store.stages import Stage
from pseudofam_core.transfer import (
    MatrixCost,
    TransferMatrix,
    TransferRequest,
    kept_requests,
    matrix_cost,
    score_matrices,
    transfer_matrix,
)

Keys = tuple[str, ...]


@st.cache_resource(max_entries=4, ttl=60, show_spinner="Reading the texts …")
def opened_texts(
    workspace: Workspace, targets: tuple[LanguagePair, ...], cut: TextCut
) -> dict[LanguagePair, FinetuneTexts]:
    """The text of every target, which is read as it is asked for."""
    return texts_of_targets(workspace, targets, cut)


@st.cache_data(max_entries=16, ttl=60, show_spinner="Looking up the runs …")
def kept_matrices(workspace: Workspace, root: str, keys: Keys) -> list[tuple[TransferRequest, list[TransferMatrix]]]:
    """What the cache holds runs of, by settings: gains in dev loss, then by the metrics that runs were scored by."""
    kept = []
    for request in kept_requests(workspace, results()):
        texts = opened_texts(request.workspace, request.targets, request.cut)
        matrices = [transfer_matrix(request, results(), texts=texts)]
        matrices += score_matrices(request, results(), texts=texts).values()
        if filled := [matrix for matrix in matrices if matrix.n_missing < matrix.n_cells]:
            kept.append((request, filled))
    return kept


@st.cache_data(max_entries=16, ttl=60, show_spinner="Looking up the runs …")
def cost_of(request: TransferRequest, root: str, keys: Keys) -> MatrixCost:
    """What is still to be done of a request."""
    texts = opened_texts(request.workspace, request.targets, request.cut)
    return matrix_cost(request, texts, results())


@st.cache_data(max_entries=16, ttl=60, show_spinner="Looking up the signals …")
def kept_signals(workspace: Workspace, root: str, keys: Keys) -> dict[str, SignalMatrix]:
    """What is known of the pool before anything is trained."""
    return find_signal_matrices(workspace, results())


def keys_of(*stages: Stage) -> Keys:
    """What the cache holds at present: of what is remembered, all is asked for anew when it changes."""
    return tuple(sorted(key for stage in stages for key in results().keys(stage)))


def start(request: TransferRequest, tasks: Sequence[str], title: str) -> None:
    """Hand the request to a worker; where that fails, say why."""
    try:
        with st.spinner("Starting the worker …"):
            jobs.submit(cache_root(), "transfer", request.payload(), tasks, title)
    except (JobError, ValueError) as error:
        st.error(plain(error), icon=":material/error:")
    else:
        st.rerun()


def results_view(view: View, workspace: Workspace) -> None:
    """What happened, beside what a signal says, and a button for what is missing; where nothing has, what will stand here."""
    keys = keys_of(Stage.TRANSFER, Stage.FINETUNE)
    kept = kept_matrices(workspace, str(cache_root()), keys) if keys else []
    if not kept:
        views.nothing_yet()
        return
    request, matrices = kept[views.kept_input([request for request, _ in kept])]
    if views.missing_button(matrices[0]) and not running_jobs(TRANSFERRING):
        start(request, request.tasks, request.title)
    signals = kept_signals(view.workspace, str(cache_root()), keys_of(*Stage))
    views.gains_beside(matrices, signals, usual=view.measure.value, looked_up=view.looked_up)


def asked(workspace: Workspace, pool: Pool) -> None:
    """The form, what it costs, and the button that starts it.

    Raises:
        PseudoFamError: The text can't be read.
        ValueError: What was asked for makes no sense; the message says why.
    """
    request = form.request_input(workspace, pool.pairs)
    kept = keys_of(Stage.TRANSFER, Stage.FINETUNE, Stage.FINETUNE_TIMING)
    expected = cost_of(request, str(cache_root()), kept)
    left = expected.n_runs - expected.n_kept
    if not left:
        st.success(f"Nothing is left to do: what was asked for is kept ({expected.n_runs}).", icon=":material/check:")
        return
    if any(job.payload == request.payload() for job in running_jobs(TRANSFERRING)):
        st.info("These runs are under way: the card below tells how far.", icon=":material/hourglass_top:")
        return
    form.cost_cards(expected)
    with st.container(horizontal=True, vertical_alignment="center"):
        words = f"Start {left:,} run{'s' if left > 1 else ''}"
        if st.button(words, type="primary", icon=":material/play_arrow:", key="start"):
            start(request, request.tasks, request.title)
        if expected.seconds is None and st.button(
            "Measure the time first", icon=":material/timer:", help="Trains a few updates and keeps only their pace."
        ):
            start(request, [TIMING_TASK], "Measure the pace for transfer")


view = current_view()
st.title("Transfer")
st.markdown(
    "Which language really helps? Here every target is trained alone and with each single auxiliary, each time on the same "
    "target sentences, as often. What the auxiliary takes off the target's loss on dev is its **gain**: the truth that "
    "similarity is to foresee."
)
pool = pool_or_stop(view.workspace)
if running_jobs(TRANSFERRING):
    st.markdown(":blue-badge[:material/play_arrow: training] [See how far it is](#jobs)")
try:
    workspace = jobs.placed(trained_on(view.workspace, view.tuning_corpus))
    results_view(view, workspace)
    st.subheader("Train a matrix")
    asked(workspace, pool)
except (PseudoFamError, ValueError) as error:
    st.error(plain(error), icon=":material/error:")
st.subheader("Jobs", anchor="jobs")
job_cards(TRANSFERRING)
