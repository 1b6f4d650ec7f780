"""Does it carry over to tasks other than translation? The paper's open question 2. Not answered yet."""

from __future__ import annotations

from pseudofam_core.lab.experiment import Experiment

EXPERIMENT = Experiment(
    name="tasks",
    title="Other tasks",
    question="Does it carry over to other tasks, such as classification?",
    expected="Open. Families of a classifier that gain nothing over random ones would refute it.",
    needs="Models that are fine-tuned for another task in several languages.",
    elsewhere="Estimates, similarity and families work for sequence classifiers and causal language models (choose such a "
    "model and "
    "corpus under Workspace), but only translation can be fine-tuned here so far, so nobody has seen yet whether such a "
    "family pays.",
)
