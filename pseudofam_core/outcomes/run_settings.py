"""What finished runs have in common: arms are held against each other only where nothing but the auxiliaries differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pseudofam_core.finetuning import FinetuneRun


def settings_of(run: FinetuneRun) -> Mapping[str, str]:
    """What must be equal in the runs of a comparison beside their texts, by name. A zero-shot run names no training."""
    settings = {
        "base model": run.model_revision,
        "beams": run.beams,
        "max_length": run.spec.max_length,
        "set aside of the model's generation settings": "; ".join(run.spec.set_aside) or None,
        f"test text of {run.target}": run.test_digest,
    }
    if run.budget is not None and run.recipe is not None:
        settings |= {"budget mode": run.budget.mode, "budget updates": run.budget.updates}
        settings |= {"patience": run.budget.patience, f"dev text of {run.target}": run.dev_digest}
        settings |= asdict(run.recipe)
        settings |= _cuts_of(run)
    return {name: _plain(value) for name, value in settings.items()}


def _cuts_of(run: FinetuneRun) -> Mapping[str, int | None]:
    """The cuts that its text shows. One that took nothing away is none, and would be none in another run: it is not named."""
    target, *auxiliaries = (contribution.available for contribution in run.contributions)
    cuts = {}
    for name, sizes in (("target_sentences", [target]), ("auxiliary_sentences", auxiliaries)):
        limit = getattr(run.spec.cut, name)
        if sizes and (limit is None or max(sizes) >= limit):
            cuts[f"cut: {name}"] = limit
    return cuts


def _texts_of(run: FinetuneRun) -> Mapping[str, str]:
    """Digests of the training text of each of its pairs. A pair's text may differ by target: other sentences are kept out."""
    if run.is_zero_shot:
        return {}
    digests = zip(run.spec.pairs, run.spec.train_digests, strict=True)
    return {f"training text of {pair} for {run.target}": digest for pair, digest in digests}


def compared_settings(run: FinetuneRun) -> Mapping[str, str]:
    """`settings_of`, and the text of each pair: all that must be equal."""
    return {**settings_of(run), **_texts_of(run)}


def settings_that_differ(runs: Sequence[FinetuneRun]) -> Mapping[str, tuple[str, ...]]:
    """What of the runs has several values, which forbids a comparison, texts included: name → the values, as first met."""
    return _several([compared_settings(run) for run in runs])


def circumstances_that_differ(runs: Sequence[FinetuneRun]) -> Mapping[str, tuple[str, ...]]:
    """What differs without forbidding a comparison: device and library versions."""
    libraries = [run.libraries for run in runs]
    return _several([{"device": run.device, **versions} for run, versions in zip(runs, libraries, strict=True)])


def comparable(runs: Sequence[FinetuneRun]) -> tuple[tuple[FinetuneRun, ...], ...]:
    """The runs in groups that may be compared, the group of the newest run first; a run is in every group that it fits.

    Runs of several targets share a group where their settings agree. Zero-shot runs make no group of their own where there
    are others.

    Args:
        runs: The oldest first.
    """
    settings = [(run, compared_settings(run)) for run in reversed(runs)]
    groups: list[dict[str, str]] = []
    for _, compared in [entry for entry in settings if not entry[0].is_zero_shot] or settings:
        fitting = next((group for group in groups if _agree(group, compared)), None)
        if fitting is None:
            groups.append(dict(compared))
        else:
            fitting.update(compared)
    return tuple(_fitting(group, settings) for group in groups)


def _fitting(
    group: dict[str, str], settings: Sequence[tuple[FinetuneRun, Mapping[str, str]]]
) -> tuple[FinetuneRun, ...]:
    """The runs that agree with a group and with one another, the oldest first."""
    fitting: list[FinetuneRun] = []
    for run, compared in settings:
        if _agree(group, compared):
            group.update(compared)
            fitting.append(run)
    return tuple(reversed(fitting))


def _agree(group: Mapping[str, str], settings: Mapping[str, str]) -> bool:
    return all(group.get(name, value) == value for name, value in settings.items())


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
    by_name: dict[str, dict[str, None]] = {}
    for of_run in settings:
        for name, value in of_run.items():
            by_name.setdefault(name, {})[value] = None
    return {name: tuple(values) for name, values in by_name.items() if len(values) > 1}


def _plain(value: Any) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _short(value: str) -> str:
    """Digests by their beginning."""
    return value if len(value) < 40 else f"{value[:12]}…"
