"""What a fine-tuning run is: frozen plain values, from which its key is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning.budget import Budget
from pseudofam_core.finetuning.recipe import Recipe
from pseudofam_core.finetuning.weights import refuse_bad_weights
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.machine import AUTO
from pseudofam_core.tasks.task import Task
from pseudofam_core.tasks.translation import TRANSLATION


@dataclass(frozen=True)
class TextCut:
    """How much training text is taken, after cleaning: a sample by the workspace's seed; a larger cut holds a smaller.

    Attributes:
        target_sentences: Most sentences of the target, or None for all.
        auxiliary_sentences: Most sentences of each auxiliary, or None for all.
    """

    target_sentences: int | None = None
    auxiliary_sentences: int | None = None

    def __post_init__(self) -> None:
        """Refuse an empty cut."""
        for name in ("target_sentences", "auxiliary_sentences"):
            if (n := getattr(self, name)) is not None and n < 1:
                raise ValueError(f"{name} must be at least 1, or None for all. Got {n}.")


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """One training: what its weights depend on, and names for labels.

    Attributes:
        model_revision: Digest of the base model's files, or the hub's commit.
        target: The pair that is adapted to.
        members: The auxiliaries, sorted; without the target.
        train_digests: Digests of the training text: the target's, then each member's.
        dev_digest: Digest of the target's dev text.
        budget: How long to train; None, as recipe and seed, where nothing is trained.
        recipe: How to train.
        max_length: Tokens at which a side is cut.
        seed: Of dropout, order and mixture.
        weights: How often each member is drawn where the target is drawn once, before `Recipe.temperature`; empty where all
            are drawn as often. Of the key where there are some.
        workspace: Where to find model and text. Not part of the key.
        cut: What was taken of the training text. Not part of the key, which has the digests.
    """

    model_revision: str
    target: LanguagePair
    members: tuple[LanguagePair, ...]
    train_digests: tuple[str, ...]
    dev_digest: str
    budget: Budget | None
    recipe: Recipe | None
    max_length: int
    seed: int | None
    weights: tuple[float, ...] = field(default=(), metadata={"key": "if set"})
    workspace: Workspace = field(compare=False, metadata={"key": False})
    cut: TextCut = field(default_factory=TextCut, compare=False, metadata={"key": False})

    def __post_init__(self) -> None:
        """Refuse a run that is half zero-shot, or whose parts do not belong together."""
        trained = self.budget is not None
        if (self.recipe is not None) != trained or (self.seed is not None) != trained:
            raise ValueError("budget, recipe and seed must be given together, or all be None for zero-shot.")
        if self.recipe is not None and self.recipe.precision == AUTO:
            raise ValueError("precision must be settled before a run is named. Got auto. Take `recipe.settled`.")
        if len(self.train_digests) != (1 + len(self.members) if trained else 0):
            raise ValueError(f"train_digests must be the target's and each member's. Got {len(self.train_digests)}.")
        if self.target in self.members or list(self.members) != sorted(set(self.members)):
            raise ValueError(f"members must be sorted, distinct, and without the target. Got {self.members}.")
        refuse_bad_weights(self.weights, self.members)

    @property
    def task(self) -> Task:
        """What the model is fine-tuned to do: always translation. A second task makes this a field."""
        return TRANSLATION

    @property
    def is_zero_shot(self) -> bool:
        """Whether the base model is taken as it is."""
        return self.budget is None

    @property
    def pairs(self) -> tuple[LanguagePair, ...]:
        """The target, then its auxiliaries."""
        return (self.target, *self.members)

    @property
    def held_out_digests(self) -> Mapping[str, str]:
        """By split, the digest of the target's text that is read beside training text."""
        return {"dev": self.dev_digest}


@dataclass(frozen=True, kw_only=True)
class FinetuneSpec(TrainingSpec):
    """One run: a training, and what its scores depend on beside it.

    Zero-shot is a run without training: budget, recipe and seed are None, and there are no members.

    Attributes:
        test_digest: Digest of the target's test text.
        beams: Width of the beam search on test and dev.
        set_aside: What the model's own generation settings ask for that does not hold: see `models.decoding`. Of the key where
            there is any: earlier versions heeded it.
    """

    test_digest: str
    beams: int
    set_aside: tuple[str, ...] = field(default=(), metadata={"key": "if set"})

    def __post_init__(self) -> None:
        """Refuse what no run can be."""
        super().__post_init__()
        if self.beams < 1:
            raise ValueError(f"beams must be at least 1. Got {self.beams}.")

    @property
    def words(self) -> str:
        """Target, auxiliaries and settings, for a log."""
        members = ", ".join(map(str, self.members)) or "no auxiliary"
        if self.budget is None:
            return f"{self.target}, the model as it is; beams {self.beams}"
        settings = f"{settings_words(self.budget)}; {settings_words(self.recipe)}"
        return f"{self.target} with {members}; seed {self.seed}; {settings}; beams {self.beams}"

    @property
    def held_out_digests(self) -> Mapping[str, str]:
        """Dev and test."""
        return {**super().held_out_digests, "test": self.test_digest}


def settings_words(settings: Any) -> str:
    """``learning rate 0.0003, batch tokens 512, …``: what is set, as people read it."""
    told = {one.name.replace("_", " "): getattr(settings, one.name) for one in fields(settings)}
    return ", ".join(
        f"{name} {settings_words(value) if is_dataclass(value) else value}"
        for name, value in told.items()
        if value is not None
    )
