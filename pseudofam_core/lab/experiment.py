"""An experiment: a row of the table that page and command ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.lab.finding import Finding
from pseudofam_core.lab.ready import Ready, any_pool
from pseudofam_core.languages import LanguagePair
from pseudofam_core.progress import Report, ShouldStop
from pseudofam_core.store.cache import Artifact, Cache

Pool = Mapping[LanguagePair, Artifact]


@dataclass(frozen=True)
class Material:
    """What an experiment works on.

    Attributes:
        workspace: What was asked about.
        pools: Finished estimates of each arm, by its name: those of `Experiment.arms`.
        cache: Where comparisons are kept.
        partial: A folder for what an interrupted run can go on from; made when it is first written to.
        report: Receives progress.
        should_stop: Asked now and then.
    """

    workspace: Workspace
    pools: Mapping[str, Pool]
    cache: Cache
    partial: Callable[[str], object]
    report: Report
    should_stop: ShouldStop

    @property
    def pool(self) -> Pool:
        """The estimates of the first arm."""
        return next(iter(self.pools.values()))


def as_it_is(workspace: Workspace, others: tuple[str, ...]) -> dict[str, Workspace]:
    """The workspace's own estimates are all that is read."""
    return {"workspace": workspace}


@dataclass(frozen=True)
class Experiment:
    """One open question, and how it is answered here.

    Attributes:
        name: What commands and addresses call it.
        title: Two or three words.
        question: In a sentence.
        expected: What was expected before it was run, and what would refute it.
        needs: What it reads, in words.
        ready: Refuses with a `ValueError`, before anything is estimated, a workspace with its texts that can't be answered for.
        version: Of its values: raise it when the same estimates would give another finding.
        arms: From a workspace, and what else was named, to the workspaces whose estimates it reads, by name.
        finding: What it makes of them. None for a question that is answered elsewhere.
        runs: Keys of trained runs that its finding depends on beside estimates.
        others: What else may be named: ``corpora``, ``models``; None where nothing can be.
        seconds: How long it takes beside the estimates, for so many pairs: roughly, on one core.
        elsewhere: Where the question is taken up, if not here.
    """

    name: str
    title: str
    question: str
    expected: str
    needs: str
    version: int = 1
    arms: Callable[[Workspace, tuple[str, ...]], Mapping[str, Workspace]] = as_it_is
    finding: Callable[[Material], Finding] | None = None
    ready: Ready = any_pool
    runs: Callable[[Workspace, Cache], tuple[str, ...]] = lambda workspace, cache: ()
    others: str | None = None
    seconds: Callable[[int], float] = lambda n_pairs: 1.0
    elsewhere: str = ""
