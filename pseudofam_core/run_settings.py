"""What finished runs have in common: arms are held against each other only where nothing but the auxiliaries differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pseudofam_core.finetuning import FinetuneRun


def settings_of(run: FinetuneRun) -> Mapping[str, str]:
    """What must be equal in the runs of a comparison, by name. A zero-shot run names no training."""
    spec = run.artifact.manifest["spec"]
    settings = {
        "base model": run.model_revision,
        "beams": run.beams,
        "max_length": spec["max_length"],
        f"test text of {run.target}": run.test_digest,
    }
    if run.budget is not None and run.recipe is not None:
        settings |= {"budget mode": run.budget.mode, "budget updates": run.budget.updates}
        settings |= {"patience": run.budget.patience, f"dev text of {run.target}": run.dev_digest}
        settings |= asdict(run.recipe)
        settings |= {f"cut: {name}": value for name, value in run.provenance["cut"].items()}
        settings[f"training text of {run.target}"] = spec["train_digests"][0]
    return {name: _plain(value) for name, value in settings.items()}


def settings_that_differ(runs: Sequence[FinetuneRun]) -> Mapping[str, tuple[str, ...]]:
    """Settings of which the runs have several values, which forbids a comparison: name → the values, as first met."""
    return _several([settings_of(run) for run in runs])


def circumstances_that_differ(runs: Sequence[FinetuneRun]) -> Mapping[str, tuple[str, ...]]:
    """What differs without forbidding a comparison: device and library versions."""
    libraries = [run.provenance["libraries"] for run in runs]
    return _several([{"device": run.device, **own} for run, own in zip(runs, libraries, strict=True)])


def comparable(runs: Sequence[FinetuneRun]) -> tuple[tuple[FinetuneRun, ...], ...]:
    """The runs in groups that may be compared, the group of the newest run first.

    Runs of several targets share a group where their settings agree. A zero-shot run is in every group that it fits.
    """
    groups: list[list[FinetuneRun]] = []
    for run in (one for one in reversed(runs) if not one.is_zero_shot):
        fitting = (group for group in groups if not settings_that_differ([*group, run]))
        if (group := next(fitting, None)) is not None:
            group.append(run)
        else:
            groups.append([run])
    zero_shot = [run for run in runs if run.is_zero_shot]
    return tuple(
        (*(run for run in zero_shot if not settings_that_differ([*group, run])), *reversed(group)) for group in groups
    ) or ((tuple(zero_shot),) if zero_shot else ())


def refuse_mixture(runs: Sequence[FinetuneRun]) -> None:
    """Refuse runs that differ in more than auxiliaries and seeds.

    Raises:
        ValueError: Names what differs, and the way out.
    """
    if differing := settings_that_differ(runs):
        told = "; ".join(
            f"{name}: {' or '.join(_short(value) for value in values)}" for name, values in differing.items()
        )
        raise ValueError(
            f"runs of one comparison must be equal in all but auxiliaries and seeds. Got {told}. "
            "Compare each group by itself (`run_settings.comparable` makes them), or train the missing arms alike."
        )


def _several(settings: Sequence[Mapping[str, str]]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for own in settings:
        for name, value in own.items():
            found.setdefault(name, {})[value] = None
    return {name: tuple(values) for name, values in found.items() if len(values) > 1}


def _plain(value: Any) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _short(value: str) -> str:
    """Digests by their beginning."""
    return value if len(value) < 40 else f"{value[:12]}…"
