"""What sets jobs of the same title apart, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pseudofam_core.jobs.state import JobView

_MOST = 4
_UNSET = "–"


def set_apart(jobs: Sequence[JobView]) -> dict[str, str]:
    """By a job's id, in what its request differs from those of the other jobs of its title: ``updates 300, seeds 1, 2``.

    Empty for a job whose title no other has. Four settings are told, and how many more there are.
    """
    settings = {job.id: dict(_settings(job.payload)) for job in jobs}
    same = {job.id: [settings[other.id] for other in jobs if other.title == job.title] for job in jobs}
    return {job.id: _differences(settings[job.id], same[job.id]) for job in jobs}


def _differences(settings: Mapping[str, str], same: Sequence[Mapping[str, str]]) -> str:
    names = dict.fromkeys(name for other in same for name in other)
    apart = [name for name in names if len({other.get(name, _UNSET) for other in same}) > 1]
    told = [f"{name} {settings.get(name, _UNSET)}" for name in apart[:_MOST]]
    return " · ".join([*told, f"{len(apart) - _MOST} more"] if len(apart) > _MOST else told)


def _settings(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """The plain values of a request by their names; a value of a part that has a name, as arms do, is told with it."""
    if isinstance(value, Mapping) and value.keys() != {"source", "target"}:
        for key, inner in value.items():
            yield from _settings(inner, key.replace("_", " "))
    elif isinstance(value, list) and value and all(isinstance(part, Mapping) and "name" in part for part in value):
        yield name, ", ".join(str(part["name"]) for part in value)
        for part in value:
            for key, inner in part.items():
                yield from _settings(inner, f"{part['name']}: {key.replace('_', ' ')}")
    else:
        yield name, _words(value)


def _words(value: Any) -> str:
    if isinstance(value, Mapping):  # a pair of languages
        return f"{value['source']}-{value['target']}"
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or _UNSET
    if isinstance(value, str):
        return Path(value).name or value
    return _UNSET if value is None else str(value)
