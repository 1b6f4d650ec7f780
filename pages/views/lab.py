"""An experiment on the page: its answer, chart and table, what was expected, and its run on the visitor's workspace."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pandas as pd
import streamlit as st

from pages.components import view_state
from pages.components.figures import plot
from pages.components.job_cards import duration
from pages.components.navigation import LAB_PAGE, page_link
from pages.components.plain import plain
from pages.components.results import cache_root, results
from pages.components.states import csv_button
from pseudofam_core import jobs, lab
from pseudofam_core.charts.lab import finding_figure
from pseudofam_core.errors import JobError, PseudoFamError
from pseudofam_core.estimates.spec import FisherSpec, Workspace
from pseudofam_core.exchange.lab_tables import finding_csv
from pseudofam_core.lab import Experiment, Finding
from pseudofam_core.lab.sentences import advice_words
from pseudofam_core.languages import LanguagePair

_OWN = "this workspace"
_Read = tuple[Mapping[str, Mapping[LanguagePair, FisherSpec]], tuple[str, ...]]  # specs of estimates, keys of runs


class WorkspaceAnswers:
    """What is known of the visitor's workspace: the plans of all experiments on it, and their findings.

    Attributes:
        workspace: Model, corpus and estimator.
        trouble: Why nothing can be run on it, or None.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Resolve all experiments; a model or text that can't be used is no error here, for answers ship."""
        self.workspace = workspace
        self.trouble: str | None = None
        self._read: dict[str, _Read | str] = {}
        try:
            self._read = _resolved(workspace)
        except (PseudoFamError, ValueError) as error:
            self.trouble = str(error)

    def plan(self, experiment: Experiment, others: tuple[str, ...] = ()) -> lab.Plan | None:
        """The experiment on this workspace; None where it can't be.

        Raises:
            PseudoFamError: What else is named can't be used.
        """
        if others:
            return lab.Plan(experiment, self.workspace, *_with_others(self.workspace, experiment.name, others))
        read = self._read.get(experiment.name)
        return None if read is None or isinstance(read, str) else lab.Plan(experiment, self.workspace, *read)

    def refusal(self, experiment: Experiment) -> str | None:
        """Why it can't be run on this workspace as it is, or None."""
        read = self._read.get(experiment.name)
        return read if isinstance(read, str) else self.trouble

    def finding(self, experiment: Experiment, others: tuple[str, ...] = ()) -> Finding | None:
        """What it found on this workspace, or None."""
        plan = self.plan(experiment, others)
        return lab.find(plan, results()) if plan else None


def experiment(experiment: Experiment, answers: WorkspaceAnswers) -> None:
    """The chosen experiment: answer, chart, table, and its run."""
    st.subheader(experiment.question)
    others = _others(experiment)
    try:
        plan, mine = answers.plan(experiment, others), answers.finding(experiment, others)
    except (PseudoFamError, ValueError) as error:
        st.warning(f"**What else is named can't be used.** {plain(error)}", icon=":material/folder_off:")
        plan = mine = None
    findings = ({_OWN: mine} if mine else {}) | lab.shipped(experiment)
    if findings:
        _answer(experiment, findings)
    else:
        st.info(experiment.elsewhere or "It has not been run yet.", icon=":material/hourglass_empty:")
    with st.expander("What was expected, and what would refute it", icon=":material/rule:"):
        st.markdown(experiment.expected)
    if experiment.finding is not None and mine is None:
        _run_box(experiment, answers, plan, others)


def short(experiment: Experiment, answers: WorkspaceAnswers) -> None:
    """One experiment in a few lines: the answer on this workspace or the sample, then those on other texts and models."""
    mine, shipped = answers.finding(experiment), lab.shipped(experiment)
    findings = ({_OWN: mine} if mine else {}) | shipped
    first, *others = findings or (None,)
    badge = ":green-badge[:material/check: run on this workspace]" if mine else _badge(first)
    with st.container(border=True):
        st.markdown(f"**{experiment.title}** · {experiment.question}  \n{badge}")
        st.markdown(plain(findings[first].answer) if first else experiment.elsewhere or "Not run yet.")
        for name in others:
            st.caption(f"**{name}** · {plain(findings[name].answer)}")


def sentences_advice(workspace: Workspace) -> None:
    """How many sentences to read, by this workspace's experiment on them, and the way to it."""
    experiment = lab.experiment("sentences")
    try:
        advice = lab.find(lab.Plan(experiment, workspace, *_with_others(workspace, experiment.name, ())), results())
    except (PseudoFamError, ValueError):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if advice is None:
            st.caption(
                "How many sentences are enough for this model and text, an experiment of the Lab tells.",
                width="content",
            )
        else:
            st.markdown(f":material/science: {advice_words(advice.settings or {})}", width="content")
        page_link(LAB_PAGE, "How many sentences", experiment=experiment.name)


def _badge(name: str | None) -> str:
    return (
        f":blue-badge[:material/inventory_2: seen on {name}]"
        if name
        else ":gray-badge[:material/hourglass_empty: open]"
    )


def _answer(experiment: Experiment, findings: Mapping[str, Finding]) -> None:
    names = list(findings)
    name = names[0]
    if len(names) > 1:
        name = st.segmented_control(
            "Seen on",
            names,
            required=True,
            help="Model and text of the answer below.",
            **view_state.choice("seen", names, start="default"),
        )
    finding = findings[name]
    with st.container(border=True):
        st.markdown(f"**{plain(finding.answer)}**")
        st.caption(f"Seen on: {plain(finding.seen_on)}. {finding.limits}")
    plot(
        finding_figure(finding),
        key=f"lab-{experiment.name}-{name}",
        alt=f"{finding.chart.words} {finding.answer}",
    )
    st.caption(f"How to read it: {finding.chart.words}")
    with st.expander("Table", icon=":material/table:"):
        columns = {name: st.column_config.Column(help=words) for name, words in finding.columns.items()}
        st.dataframe(pd.DataFrame(finding.rows), hide_index=True, column_config=columns, height=320, alt=finding.answer)
    csv_button(
        "Table as CSV", partial(finding_csv, experiment, finding), f"lab-{experiment.name}-{name.replace(' ', '-')}.csv"
    )


def _others(experiment: Experiment) -> tuple[str, ...]:
    if experiment.others is None:
        return ()
    said = st.text_input(
        f"Further {experiment.others}",
        placeholder="names, parted by commas",
        **view_state.control("others", "", read=str),
    )
    return tuple(name.strip() for name in said.split(",") if name.strip())


def _run_box(experiment: Experiment, answers: WorkspaceAnswers, plan: lab.Plan | None, others: tuple[str, ...]) -> None:
    """What a run on this workspace takes, and the button."""
    with st.container(border=True):
        st.markdown(f"**Run it on this workspace.** Needs: {experiment.needs}")
        if plan is None:
            if not others and (refusal := answers.refusal(experiment)):
                st.caption(f":material/error: {plain(refusal)}")
            return
        st.caption(_cost(lab.cost(plan, results())))
        if st.button("Run", key=f"run-{experiment.name}", type="primary", icon=":material/play_arrow:"):
            _submit(answers.workspace, experiment, others)


def _cost(cost: lab.Cost) -> str:
    if not cost.n_missing:
        return f"All {cost.n_estimates} estimates that it reads are finished: about {duration(cost.own_seconds)} of computing."
    missing = f"{cost.n_missing} of {cost.n_estimates} estimates are to be made first"
    if cost.seconds is None:
        return f"{missing}, which the first of them will time; then about {duration(cost.own_seconds)} of computing."
    return f"{missing}: about {duration(cost.seconds)} of computing in all."


def _submit(workspace: Workspace, experiment: Experiment, others: tuple[str, ...]) -> None:
    try:
        with st.spinner("Starting the worker …"):
            jobs.submit_experiment(cache_root(), workspace, experiment.name, others)
    except (JobError, ValueError) as error:
        st.error(plain(error), icon=":material/error:")
    else:
        st.rerun()


@st.cache_data(max_entries=16, ttl=60, show_spinner="Reading model and texts …")
def _resolved(workspace: Workspace) -> dict[str, _Read | str]:
    """What each experiment would read, by its name, or why this workspace is nothing for it."""
    resolver, read = lab.Resolver(), dict[str, _Read | str]()
    for experiment in lab.EXPERIMENTS:
        if experiment.finding is not None:
            try:
                plan = lab.planned(experiment, workspace, results(), resolver=resolver)
            except ValueError as error:
                read[experiment.name] = str(error)
            else:
                read[experiment.name] = (plan.specs, plan.runs)
    return read


@st.cache_data(max_entries=16, ttl=60, show_spinner="Reading model and texts …")
def _with_others(workspace: Workspace, name: str, others: tuple[str, ...]) -> _Read:
    """The same of one experiment with what else is named."""
    plan = lab.planned(lab.experiment(name), workspace, results(), others=others)
    return plan.specs, plan.runs
