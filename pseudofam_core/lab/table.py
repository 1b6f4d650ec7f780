"""The table of experiments, in the order in which the Lab shows them."""

from __future__ import annotations

from pseudofam_core.lab import (
    competence,
    content,
    corpora,
    estimators,
    foresight,
    measures,
    model_size,
    other_tasks,
    sensitivity,
    sentences,
    whole_fisher,
)
from pseudofam_core.lab.experiment import Experiment

EXPERIMENTS: tuple[Experiment, ...] = (
    content.EXPERIMENT,
    sensitivity.EXPERIMENT,
    measures.EXPERIMENT,
    sentences.EXPERIMENT,
    estimators.EXPERIMENT,
    corpora.EXPERIMENT,
    competence.EXPERIMENT,
    whole_fisher.EXPERIMENT,
    model_size.EXPERIMENT,
    foresight.EXPERIMENT,
    other_tasks.EXPERIMENT,
)


def experiment(name: str) -> Experiment:
    """The experiment of a name.

    Raises:
        ValueError: There is none.
    """
    for candidate in EXPERIMENTS:
        if candidate.name == name:
            return candidate
    raise ValueError(
        f"experiment must be one of {', '.join(candidate.name for candidate in EXPERIMENTS)}. Got {name!r}."
    )
