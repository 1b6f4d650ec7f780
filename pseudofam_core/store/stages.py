"""The table of stages: what each kind of result is called on disk, and the version of its values."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pseudofam_core.store.keys import key_of


class Stage(StrEnum):
    """A kind of result: the name of its folder in the cache, which is also what `Cache` takes.

    Attributes:
        version: To be raised when the same spec would give another value: results of before are no longer found then.
    """

    version: int

    FISHER = "fisher", 2
    COMPARISON = "comparison", 0  # of a pool at every step of K; its version is given with the key: all its measures'
    SIMILARITY = "similarity", 0  # at a K between those steps; likewise: the measure's
    GRADIENT = "gradient", 2  # of a text whose estimate holds none, or that has no estimate
    TEXT_PROFILE = "text-profile", 1
    ENCODER_STATES = "encoder-states", 1
    FINETUNE = "finetune", 1
    FINETUNE_WEIGHTS = "finetune-weights", 1  # kept under the key of their run
    FINETUNE_TIMING = "finetune-timing", 2
    TRANSFER = "transfer", 1  # a training of which the dev losses alone are kept
    NOTE = "note", 1  # what a person has called something: no value is computed
    LAB = "lab", 1  # each experiment has a version of its own beside it

    def __new__(cls, name: str, version: int) -> Stage:
        """A name with its version."""
        stage = str.__new__(cls, name)
        stage._value_, stage.version = name, version
        return stage

    def key(self, spec: Any, *, version: int | None = None) -> str:
        """The key of the result of `spec`; by another version than the table's where that stands elsewhere."""
        return key_of(self, self.version if version is None else version, spec)

    def version_of(self, key: str, spec: Any) -> int | None:
        """The version, this one or an earlier, that gave a spec this key; None where none did."""
        return next((v for v in range(self.version, -1, -1) if key_of(self, v, spec) == key), None)
