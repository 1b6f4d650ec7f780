"""Jobs as cards that follow their progress while something runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from pages.components.job_curves import TOKENS_PER_S, curves, curves_together
from pages.components.notes import note_popover
from pages.components.plain import plain
from pages.components.results import cache_root, results
from pseudofam_core import jobs
from pseudofam_core.errors import CacheError, JobError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import TIMING_TASK, BudgetMode
from pseudofam_core.jobs import JobView, State, TaskView
from pseudofam_core.jobs.differences import set_apart
from pseudofam_core.jobs.limits import is_read_only
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.store.notes import Noted, remove_note

_BADGES = {
    State.QUEUED: ":gray-badge[:material/hourglass_empty: queued]",
    State.RUNNING: ":blue-badge[:material/play_arrow: running]",
    State.STALLED: ":orange-badge[:material/pending: no sign of life]",
    State.CANCELLING: ":orange-badge[:material/pause: stopping]",
    State.CANCELLED: ":gray-badge[:material/stop: cancelled]",
    State.FAILED: ":red-badge[:material/error: failed]",
    State.CRASHED: ":red-badge[:material/power_off: worker lost]",
    State.DAMAGED: ":red-badge[:material/heart_broken: damaged]",
    State.DONE: ":green-badge[:material/check: done]",
}
_RESUMED = (State.CANCELLED, State.FAILED, State.CRASHED, State.DAMAGED)
_SHOWN = 2


# Which page shows which jobs.
ESTIMATING, FINETUNING = ("estimate", "compare"), ("finetune",)
TRANSFERRING, EXPERIMENTS = ("transfer",), ("lab",)
ALL_KINDS = (*ESTIMATING, *FINETUNING, *TRANSFERRING, *EXPERIMENTS)


def running_jobs(kinds: Sequence[str] = ALL_KINDS) -> list[JobView]:
    """Jobs in which something is still going to happen."""
    return _active(_jobs(kinds))


def _active(listed: Sequence[JobView]) -> list[JobView]:
    return [job for job in listed if job.state.is_active]


def _jobs(kinds: Sequence[str]) -> list[JobView]:
    return [job for job in jobs.list_jobs(cache_root()) if job.kind in kinds]


def _listed(kinds: Sequence[str]) -> list[JobView]:
    """Jobs of these kinds, and those that can't be read, of whatever kind they were."""
    return [job for job in jobs.list_jobs(cache_root()) if job.kind in kinds or job.damage is not None]


def pairs_under_way(workspace: Workspace) -> dict[LanguagePair, State]:
    """Pairs of a workspace that a job has queued or in hand."""
    return {
        pair(task.name): task.state
        for job in _estimating(workspace)
        if job.state.is_active
        for task in job.tasks
        if task.state.is_active and task.is_pair
    }


def estimating_line(workspace: Workspace) -> None:
    """How far the jobs are that estimate pairs of a workspace, a line each; the page runs again when they have ended."""
    st.fragment(_line, run_every=2)(workspace)


def last_trouble(workspace: Workspace) -> str | None:
    """Why the latest job that estimated pairs of a workspace ended early; None where it did not."""
    latest = next(iter(_estimating(workspace)), None)
    if latest is None or latest.state not in (State.FAILED, State.CRASHED, State.CANCELLED):
        return None
    words = {
        State.FAILED: f"failed: {latest.error}",
        State.CRASHED: "lost its worker",
        State.CANCELLED: "was cancelled",
    }
    return f"The last job {words[latest.state]}"


def estimate_sample_once(workspace: Workspace, missing: Sequence[LanguagePair]) -> None:
    """On the very first start, estimate the sample unasked, so that there is something to explore in a minute.

    It happens only while no job was ever started: a newcomer who cancels it is not asked again.
    """
    if workspace != Workspace() or not missing or is_read_only() or jobs.list_jobs(cache_root()):
        return
    submit(
        workspace,
        missing,
        "First start: the sample's language pairs are estimated. It takes about half a minute on two free cores.",
    )


def first_start_note() -> None:
    """Say what the job of the very first start computes and how to stop it; nothing afterwards."""
    listed = jobs.list_jobs(cache_root())
    if len(listed) == 1 and listed[0].state.is_active and listed[0].kind in ESTIMATING:
        st.info(
            "**First start.** So that there is something to explore, the model reads the training sentences of each language pair "
            "of the sample: half a minute on two free cores. **Cancel** on the card below stops it; what is finished stays.",
            icon=":material/rocket_launch:",
        )


def submit(workspace: Workspace, pairs: Sequence[LanguagePair], words: str) -> None:
    """Start estimating pairs, with a word while the worker starts; where that fails, say why."""
    try:
        with st.spinner(words):
            jobs.submit_estimate(cache_root(), workspace, pairs)
    except (JobError, ValueError) as error:
        st.error(plain(error), icon=":material/error:")
    else:
        st.rerun()


def active_cards(kinds: Sequence[str] = ALL_KINDS) -> None:
    """Show the jobs in which something is still going to happen, once a second; nothing where there is none."""
    views = running_jobs(kinds)
    if views:
        st.fragment(_active_cards, run_every=1)(kinds, _landmarks(views))


def job_cards(kinds: Sequence[str] = ALL_KINDS) -> None:
    """Show the active jobs and the latest others; once a second while any is active."""
    views = _listed(kinds)
    if not views:
        st.caption("No job of this page yet.")
        return
    active = any(job.state.is_active for job in views)
    st.fragment(_live_cards, run_every=1 if active else None)(kinds, _landmarks(views))


def duration(seconds: float) -> str:
    """A length of time in words: ``40 s``, ``3 min``, ``1 h 20 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def from_to(low: float, high: float) -> str:
    """Two lengths of time, or one where both read the same: ``5 min to 12 min``, ``40 s``."""
    least, most = duration(low), duration(high)
    return least if least == most else f"{least} to {most}"


def _active_cards(kinds: Sequence[str], seen: tuple[tuple[str, State, int], ...]) -> None:
    listed = _jobs(kinds)
    views = _active(listed)
    if _landmarks(views) != seen:
        st.rerun()
    apart = set_apart(listed)
    for job in views:
        _card(job, apart[job.id])


def _live_cards(kinds: Sequence[str], seen: tuple[tuple[str, State, int], ...]) -> None:
    views = _listed(kinds)
    if _landmarks(views) != seen:
        st.rerun()  # a pair was finished or a job ended: the whole page has news
    active = [job for job in views if job.state.is_active]
    ended = [job for job in views if not job.state.is_active]
    apart = set_apart(views)
    for job in (*active, *ended[:_SHOWN]):
        _card(job, apart[job.id])
    if earlier := ended[_SHOWN:]:
        with st.expander(f"Earlier jobs ({len(earlier)})"):
            for job in earlier:
                _card(job, apart[job.id])


def _line(workspace: Workspace) -> None:
    active = [job for job in _estimating(workspace) if job.state.is_active]
    if not active:
        st.rerun()
    for job in active:
        st.markdown(f"{_BADGES[job.state]} {_progress(job)}", width="content")


def _estimating(workspace: Workspace) -> list[JobView]:
    """Jobs that estimate pairs of a workspace, the latest first."""
    asked = _unpaired(workspace)
    return [job for job in _jobs(("estimate",)) if job.workspace and _unpaired(job.workspace) == asked]


def _unpaired(workspace: Workspace) -> Workspace:
    """The workspace as jobs keep it, whatever its pairs."""
    return replace(jobs.placed(workspace), pairs=None)


def _landmarks(views: Sequence[JobView]) -> tuple[tuple[str, State, int], ...]:
    return tuple((job.id, job.state, job.done) for job in views)


def _card(job: JobView, apart: str) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{plain(job.title)}**", width="content")
            st.markdown(_BADGES[job.state], width="content")
        asked = f"Asked for {datetime.fromtimestamp(job.created, UTC):%Y-%m-%d %H:%M} UTC"
        st.caption(" · ".join(filter(None, [asked, plain(apart)])))
        st.progress(min(1.0, job.fraction), text=_progress(job))
        for task in job.running:
            st.caption(_task(task))
            if task.progress and task.progress.metrics:
                curves(job, task)
        if job.kind in FINETUNING:
            curves_together(job)
        _errors(job)
        if job.damage is not None:
            st.caption(plain(job.damage))
        if job.state is State.STALLED:
            st.caption(
                "The worker has not written for a while: a large batch, or a machine under load. It may still go on."
            )
        if job.state is State.CANCELLED:
            kept = (
                f"Of {job.total} {job.parts} {job.done} {'is' if job.done == 1 else 'are'} finished and kept."
                if job.total > 1
                else "What it has finished is kept."
            )
            st.caption(f"{kept} Resume does the rest.")
        if job.state is State.DAMAGED and job.tasks:
            st.caption("Resume does again what can't be read; results that are finished are found.")
        if job.state is State.CRASHED:
            st.caption("The worker is gone (a restart, or no memory left). Resume goes on from its last checkpoint.")
        with st.container(horizontal=True):
            _controls(job)
            note_popover(Noted.JOB, job.id, what="this job")
        if log := jobs.log_tail(cache_root(), job.id, 40):
            with st.expander("Log"):
                st.code(log, language=None, height=220)
                st.download_button(
                    "Full log",
                    data=lambda: jobs.log_file(cache_root(), job.id).read_bytes(),
                    file_name=f"job-{job.id}.log",
                    mime="text/plain",
                    key=f"log-{job.id}",
                    icon=":material/download:",
                    on_click="ignore",
                )


def _errors(job: JobView) -> None:
    """First line of the first error, and how many tasks have one."""
    failed = [task for task in job.tasks if task.error]
    if failed:
        others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        st.error(f"**{plain(failed[0].label)}**: {plain(failed[0].error)}{others}", icon=":material/error:")


def _progress(job: JobView) -> str:
    words = [f"{job.done} of {job.total} {plain(job.parts)} done"]
    if job.state is State.QUEUED and job.queue_position:
        words.append(f"number {job.queue_position} in the queue")
    if job.state in (State.RUNNING, State.STALLED) and job.remaining_s is not None:
        early = ", less where training stops early" if _may_stop_early(job) else ""
        words.append(f"about {from_to(*job.remaining_s)} to go{early}")
    return " · ".join(words)


def _may_stop_early(job: JobView) -> bool:
    """Whether the updates to go are those to a cap."""
    budget = job.payload.get("budget")
    early = isinstance(budget, Mapping) and budget.get("mode") in [
        mode for mode in BudgetMode if mode.rules.stops_early
    ]
    return early and job.phase == "training" and TIMING_TASK not in [task.name for task in job.tasks]


def _task(task: TaskView) -> str:
    words = [f"**{plain(task.label)}**"]
    if progress := task.progress:
        words.append(f"{plain(progress.phase)}, {progress.done:,} of {progress.total:,} {plain(progress.unit)}")
        if progress.rate:
            words.append(f"{progress.rate:.3g} {plain(progress.unit)} per second")
        if tokens := progress.metrics.get(TOKENS_PER_S):
            words.append(f"{tokens:,.0f} tokens per second")
    else:
        words.append("starting, loading the model")
    if task.device:
        words.append(plain(task.device))
    if task.heartbeat_age_s is not None:
        words.append(f"last sign of life {task.heartbeat_age_s:.0f} s ago")
    return " · ".join(words)


def _controls(job: JobView) -> None:
    if job.state in (State.QUEUED, State.RUNNING, State.STALLED):
        if st.button("Cancel", key=f"cancel-{job.id}", icon=":material/stop:"):
            _act(jobs.cancel, job.id)
        return
    if job.state.is_active:  # it is stopping
        return
    if (
        job.state in _RESUMED
        and job.tasks
        and st.button("Resume", key=f"resume-{job.id}", icon=":material/play_arrow:")
    ):
        with st.spinner("Starting the worker …"):
            _act(jobs.resume, job.id)
    forget = "Forgets the job with its log and curves. Its results stay."
    if st.button("Remove", key=f"remove-{job.id}", icon=":material/delete:", help=forget):
        _act(_remove, job.id)


def _remove(root: Path, job_id: str) -> None:
    """With its name and note."""
    jobs.remove(root, job_id)
    remove_note(results(), Noted.JOB, job_id)


def _act(action: Callable[[Path, str], None], job_id: str) -> None:
    try:
        action(cache_root(), job_id)
    except (JobError, CacheError) as error:
        # A card is drawn anew each second; a toast stays.
        st.toast(plain(error), icon=":material/error:", duration="long")
    else:
        st.rerun()
