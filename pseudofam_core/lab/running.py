"""From an experiment and a workspace to its kept finding: looked up, shipped with the package, or run."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pseudofam_core.corpora import Bitext
from pseudofam_core.corpora.choices import source_name
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.estimates import drawn_text, find_fisher, fisher_key, held_out_of, pool_of, spec_of_text, summarise
from pseudofam_core.estimates.exclusive import exclusive
from pseudofam_core.estimates.spec import FisherSpec, Workspace
from pseudofam_core.lab.experiment import Experiment, Material
from pseudofam_core.lab.finding import Finding
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.progress import Progress, Report, ShouldStop, never, silent
from pseudofam_core.store.cache import Artifact, Cache, readable
from pseudofam_core.store.keys import canonical
from pseudofam_core.store.restoring import restored
from pseudofam_core.store.stages import Stage

FILE = "finding.json"
_KEPT = Path(__file__).parent / "kept"
Specs = Mapping[str, Mapping[LanguagePair, FisherSpec]]


@dataclass(frozen=True)
class LabSpec:
    """What a finding depends on.

    Attributes:
        experiment: Its name.
        version: Of its values.
        arms: Keys of the estimates that it reads, by arm.
        runs: Keys of the trained runs that it reads.
    """

    experiment: str
    version: int
    arms: Mapping[str, tuple[str, ...]]
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """An experiment on a workspace, resolved.

    Attributes:
        experiment: What is run.
        workspace: What it is about.
        specs: The estimates that it reads, by arm.
        runs: Keys of the trained runs that it reads.
    """

    experiment: Experiment
    workspace: Workspace
    specs: Specs
    runs: tuple[str, ...] = ()

    @property
    def spec(self) -> LabSpec:
        """What its finding depends on."""
        arms = {name: tuple(map(fisher_key, arm.values())) for name, arm in self.specs.items()}
        return LabSpec(self.experiment.name, self.experiment.version, arms, self.runs)

    @property
    def key(self) -> str:
        """The key of its finding."""
        return Stage.LAB.key(self.spec)


@dataclass(frozen=True)
class Cost:
    """What a run will take.

    Attributes:
        n_missing: Estimates that have to be computed first.
        n_estimates: All that are read.
        seconds: In all, from the pace of finished estimates; None where some are missing and none is finished.
        own_seconds: Of the experiment, beside its estimates.
    """

    n_missing: int
    n_estimates: int
    seconds: float | None
    own_seconds: float


class Resolver:
    """From workspaces to specs of estimates; a text that several of them read is drawn once. Loads no model."""

    def __init__(self) -> None:
        """Nothing has been drawn yet."""
        self._drawn: dict[Workspace, dict[LanguagePair, Bitext]] = {}

    def specs(self, arm: Workspace) -> dict[LanguagePair, FisherSpec]:
        """What the estimate of each pair of a workspace depends on.

        Raises:
            PseudoFamError: A model or a text can't be used.
        """
        revision = resolve_model(arm.model).revision
        return {pair: spec_of_text(arm, text, revision=revision) for pair, text in self.texts(arm).items()}

    def texts(self, arm: Workspace) -> dict[LanguagePair, Bitext]:
        """What is read of each pair of a workspace.

        Raises:
            PseudoFamError: A text can't be used.
        """
        # All of a workspace that decides which sentences are drawn.
        names = ("corpus", "pairs", "split", "max_sentences", "cleaning", "seed")
        read = Workspace(**{name: getattr(arm, name) for name in names})
        if read not in self._drawn:
            held = held_out_of(read)
            self._drawn[read] = {pair: drawn_text(read, pair, held=held)[0] for pair in pool_of(read)}
        return self._drawn[read]


def planned(
    experiment: Experiment,
    workspace: Workspace,
    cache: Cache,
    *,
    others: tuple[str, ...] = (),
    resolver: Resolver | None = None,
) -> Plan:
    """Resolve what an experiment reads. Loads no model.

    Args:
        experiment: What is to be run.
        workspace: What it is about.
        cache: Where trained runs are looked for.
        others: What else is named: see `Experiment.others`.
        resolver: Of several plans, so that they share the texts.

    Raises:
        ValueError: Others are named where there are none to name, or it can't be run on this workspace.
        PseudoFamError: A model or a text can't be used.
    """
    if others and experiment.others is None:
        raise ValueError(f"others must not be named for {experiment.name}. Got {', '.join(others)}.")
    shared, arms = resolver or Resolver(), experiment.arms(workspace, others)
    specs = {name: shared.specs(arm) for name, arm in arms.items()}
    experiment.ready(workspace, shared.texts(next(iter(arms.values()))), cache)
    return Plan(experiment, workspace, specs, experiment.runs(workspace, cache))


def find(plan: Plan, cache: Cache) -> Finding | None:
    """The kept finding, or None."""
    return readable(cache.find(Stage.LAB, plan.key, spec=plan.spec), _read)


def cost(plan: Plan, cache: Cache) -> Cost:
    """What running it will take."""
    estimates = {spec: find_fisher(spec, cache) for arm in plan.specs.values() for spec in arm.values()}
    done = [summarise(estimate).seconds for estimate in estimates.values() if estimate is not None]
    n_missing = sum(estimate is None for estimate in estimates.values())
    own = plan.experiment.seconds(max(map(len, plan.specs.values()), default=0))
    pace = sum(done) / len(done) if done else None
    seconds = own if not n_missing else None if pace is None else own + n_missing * pace
    return Cost(n_missing, len(estimates), seconds, own)


def run(plan: Plan, cache: Cache, *, report: Report = silent, should_stop: ShouldStop = never) -> Finding:
    """Find it, or estimate what is missing and make the finding of it. An interrupted run goes on where it was.

    Raises:
        PseudoFamError: There is nothing to run, or an estimate can't be made.
        ValueError: The pool is not one that the experiment can be run on.
        JobCancelled: `should_stop` said so; what is finished stays.
    """
    if (make := plan.experiment.finding) is None:
        raise PseudoFamError(f"{plan.experiment.name} can't be run here. {plan.experiment.elsewhere}")
    if (kept := find(plan, cache)) is not None:
        return kept
    partial = cache.partial(Stage.LAB, plan.key)
    with exclusive(partial.with_suffix(".lock"), what="experiment", report=report, should_stop=should_stop):
        if (kept := find(plan, cache)) is not None:
            return kept
        making = _Making(report, cost(plan, cache).n_missing)
        pools = {name: _estimated(arm, cache, making, should_stop) for name, arm in plan.specs.items()}
        started = time.monotonic()
        finding = make(Material(plan.workspace, pools, cache, partial.joinpath, report, should_stop))
        finding = replace(finding, seconds=round(time.monotonic() - started, 1))
        return _read(_stored(plan, finding, cache))


def shipped(experiment: Experiment) -> dict[str, Finding]:
    """Findings that ship with the package, by the name of what they were seen on; the sample's first."""
    files = sorted(_KEPT.glob(f"{experiment.name}.*.json"), key=lambda file: (".sample." not in file.name, file.name))
    return {file.name.split(".")[1]: restored(Finding, json.loads(file.read_text(encoding="utf-8"))) for file in files}


def ship(experiment: Experiment, name: str, finding: Finding) -> Path:
    """Write a finding where `shipped` finds it: done when the package is made, not by its users."""
    path = _KEPT / f"{experiment.name}.{name}.json"
    path.write_text(json.dumps(canonical(finding), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def seen_on(workspace: Workspace, pool: Mapping[LanguagePair, Artifact]) -> str:
    """What a finding was seen on, in words."""
    summaries = [summarise(estimate) for estimate in pool.values()]
    counts = sorted({summary.n_sentences for summary in summaries})
    sentences = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    return (
        f"{Path(workspace.model).name} model, {source_name(workspace.corpus)} text ({workspace.split}), {len(pool)} pairs, "
        f"{sentences} sentences each, {workspace.parameters}"
    )


class _Making:
    """Reports every estimate that is made as one of all that are missing, with the pace of those before it."""

    def __init__(self, report: Report, n_missing: int) -> None:
        self._report, self._n_missing = report, n_missing
        self._n_made, self._started = 0, time.monotonic()

    def made(self) -> None:
        """Another is finished."""
        self._n_made += 1

    def of(self, pair: LanguagePair) -> Report:
        """What the estimate of a pair reports to."""
        rate = self._n_made / (time.monotonic() - self._started) or None

        def report(progress: Progress) -> None:
            phase = f"{progress.phase}, {pair} ({progress.done:,} of {progress.total:,} {progress.unit})"
            self._report(Progress(phase, self._n_made, self._n_missing, "estimates", rate))

        return report


def _estimated(
    specs: Mapping[LanguagePair, FisherSpec], cache: Cache, making: _Making, should_stop: ShouldStop
) -> dict[LanguagePair, Artifact]:
    """The finished estimates of an arm; what is missing is computed."""
    estimates = {pair: find_fisher(spec, cache) for pair, spec in specs.items()}
    if missing := [pair for pair, estimate in estimates.items() if estimate is None]:
        from pseudofam_core.estimates import computing  # opens torch, which only workers and commands do

        for pair in missing:
            estimates[pair] = computing.compute(
                specs[pair], cache, pool=tuple(specs), report=making.of(pair), should_stop=should_stop
            )
            making.made()
    return {pair: estimate for pair, estimate in estimates.items() if estimate is not None}


def _stored(plan: Plan, finding: Finding, cache: Cache) -> Artifact:
    def write(folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(canonical(finding), ensure_ascii=False, indent=1), encoding="utf-8")

    summary = {"workspace": plan.workspace.payload(), "answer": finding.answer}
    return cache.store(Stage.LAB, plan.key, spec=plan.spec, summary=summary, write=write)


def _read(artifact: Artifact) -> Finding:
    return restored(Finding, json.loads(artifact.file(FILE).read_text(encoding="utf-8")))
