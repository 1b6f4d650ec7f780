"""Lab: the questions that the paper leaves open, each as an experiment with its answer and a run of its own."""

import streamlit as st

from pages.components import view_state
from pages.components.inputs import current_view
from pages.components.job_cards import EXPERIMENTS as EXPERIMENT_JOBS
from pages.components.job_cards import job_cards
from pages.views import lab as views
from pseudofam_core.lab import EXPERIMENTS

view = current_view()
st.title("Lab")
st.markdown(
    "The paper leaves questions open. Each stands here with what experiments have found so far; all but the last can be run on "
    "your own model and text."
)
by_name = {experiment.name: experiment for experiment in EXPERIMENTS}
names = list(by_name)  # pills take a default that is a dataclass apart
chosen = st.pills(
    "Experiment",
    names,
    format_func=lambda name: by_name[name].title,
    required=True,
    help="A question that the paper leaves open.",
    **view_state.choice("experiment", names, start="default"),
)
answers = views.WorkspaceAnswers(view.workspace)
views.experiment(by_name[chosen], answers)

st.subheader("Jobs")
job_cards(EXPERIMENT_JOBS)

st.subheader("All answers so far")
for experiment in EXPERIMENTS:
    views.short(experiment, answers)
