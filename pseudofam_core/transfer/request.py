"""A transfer matrix as it is asked for, and its runs: every target alone, and with each auxiliary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pseudofam_core.errors import CorpusError
from pseudofam_core.estimates import pool_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import (
    Arm,
    Budget,
    BudgetMode,
    FinetuneRequest,
    FinetuneTexts,
    Recipe,
    TextCut,
    TrainingSpec,
    open_texts,
)
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.store.keys import canonical
from pseudofam_core.store.restoring import restored

ALONE = "alone"


@dataclass(frozen=True)
class TransferRequest:
    """Every target alone and with each single auxiliary, by the budget `EQUAL_TARGET_TOKENS`, each with several seeds.

    Attributes:
        workspace: Model, corpus, pool, cleaning, and the seed of text samples.
        targets: The rows.
        auxiliaries: The columns. A target is no auxiliary of its own.
        updates: Of the target alone; with an auxiliary it is read as often, and the auxiliary on top.
        recipe: How each run is trained; its number format is settled here.
        seeds: One run each.
        cut: How much training text is taken.
        scores: Whether test is translated and scored as well: each run is then fine-tuned as an arm too.
        beams: Of the search on test.
    """

    workspace: Workspace
    targets: tuple[LanguagePair, ...]
    auxiliaries: tuple[LanguagePair, ...]
    updates: int
    recipe: Recipe
    seeds: tuple[int, ...] = (1,)
    cut: TextCut = field(default_factory=TextCut)
    scores: bool = False
    beams: int = 5

    def __post_init__(self) -> None:
        """Settle the number format. Refuse requests for nothing, or for the same twice."""
        object.__setattr__(
            self, "recipe", self.recipe.settled
        )  # of the machine that asks: workers must name the same runs
        for name in ("targets", "auxiliaries", "seeds"):
            values = getattr(self, name)
            if not values or len(set(values)) != len(values):
                raise ValueError(f"{name} must be at least one, and none twice. Got {', '.join(map(str, values))}.")

    @property
    def budget(self) -> Budget:
        """How long each run is trained.

        Raises:
            ValueError: Less than one update.
        """
        return Budget(BudgetMode.EQUAL_TARGET_TOKENS, self.updates, None)

    @property
    def tasks(self) -> tuple[str, ...]:
        """What a job does one after the other: a target with all of its runs, by name."""
        return tuple(map(str, self.targets))

    @property
    def title(self) -> str:
        """What pages call the job."""
        seeds = "" if len(self.seeds) == 1 else f", {len(self.seeds)} seeds"
        targets = "1 target" if len(self.targets) == 1 else f"{len(self.targets)} targets"
        auxiliaries = "1 auxiliary" if len(self.auxiliaries) == 1 else f"{len(self.auxiliaries)} auxiliaries"
        return f"Transfer: {targets} × {auxiliaries}{seeds}"

    def payload(self) -> dict[str, Any]:
        """The request as plain JSON values, for a job; the workspace is written as the other kinds of job write it."""
        return {**canonical(self), "workspace": self.workspace.payload()}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> TransferRequest:
        """Read what `payload` wrote.

        Raises:
            MalformedValue: It is something else.
        """
        return restored(cls, payload)

    def members(self, target: LanguagePair) -> tuple[LanguagePair | None, ...]:
        """With whom a target is trained: with nobody (None) first."""
        return (None, *(auxiliary for auxiliary in self.auxiliaries if auxiliary != target))

    @property
    def trained_by(self) -> Recipe:
        """The recipe of the runs: without what it says of evaluations on the way, for the last weights are taken."""
        usual = Recipe()
        return replace(self.recipe, eval_every=usual.eval_every, dev_metric=usual.dev_metric, dev_beams=usual.dev_beams)

    def arms_of(self, target: LanguagePair) -> FinetuneRequest:
        """The same runs of a target as arms that are translated and scored."""
        arms = tuple(Arm(ALONE if member is None else str(member), _members(member)) for member in self.members(target))
        return FinetuneRequest(
            self.workspace, target, arms, self.budget, self.trained_by, seeds=self.seeds, cut=self.cut, beams=self.beams
        )


Cell = tuple[LanguagePair | None, int]
"""A run of a target: its auxiliary, or None for the target alone, and its seed."""


def specs_of_target(
    request: TransferRequest, target: LanguagePair, texts: FinetuneTexts | None = None
) -> dict[Cell, TrainingSpec]:
    """The runs of one target, seed by seed, the target alone first.

    Raises:
        ModelError: There is no such model.
        CorpusError: The text can't be read, a pair has none left, or is not of the pool.
    """
    refuse_strangers(request)
    texts = texts or open_texts(request.workspace, target, request.cut)
    revision = resolve_model(request.workspace.model).revision
    return {
        (member, seed): TrainingSpec(
            model_revision=revision,
            target=target,
            members=_members(member),
            train_digests=tuple(texts.train(pair).digest for pair in (target, *_members(member))),
            dev_digest=texts.dev.digest,
            budget=request.budget,
            recipe=request.trained_by,
            max_length=request.workspace.max_length,
            seed=seed,
            workspace=request.workspace,
            cut=request.cut,
        )
        for seed in request.seeds
        for member in request.members(target)
    }


def refuse_strangers(request: TransferRequest) -> None:
    """Refuse pairs that are not of the pool: their dev and test would not be kept out of what is trained on.

    Raises:
        CorpusError: One is not.
    """
    pool = pool_of(request.workspace)
    if strangers := [str(pair) for pair in (*request.targets, *request.auxiliaries) if pair not in pool]:
        raise CorpusError(
            f"targets and auxiliaries must be of the pool ({', '.join(map(str, pool))}). Got {', '.join(strangers)}. "
            "Add them to the pairs of the workspace, or leave them out."
        )


def _members(member: LanguagePair | None) -> tuple[LanguagePair, ...]:
    return () if member is None else (member,)
