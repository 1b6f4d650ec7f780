"""A comparison as it is asked for, its runs, and the one function that a worker calls for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from pseudofam_core.errors import ModelError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning.arms import Arm, in_order_of_training
from pseudofam_core.finetuning.budget import Budget
from pseudofam_core.finetuning.recipe import Recipe
from pseudofam_core.finetuning.spec import FinetuneSpec, TextCut
from pseudofam_core.finetuning.texts import FinetuneTexts, open_texts
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.decoding import own_settings
from pseudofam_core.models.hub import ModelSource, resolve_model
from pseudofam_core.store.keys import canonical
from pseudofam_core.store.restoring import restored
from pseudofam_core.tasks.task import Task
from pseudofam_core.tasks.translation import TRANSLATION


@dataclass(frozen=True)
class FinetuneRequest:
    """The arms of one target, each with several seeds.

    Attributes:
        workspace: Model, corpus, pool, cleaning, and the seed of text samples.
        target: The pair to be adapted to.
        arms: What is compared.
        budget: How long each is trained.
        recipe: How each is trained; its number format is settled here.
        seeds: One run each, but for zero-shot, which has none.
        cut: How much training text is taken.
        beams: Of the search on test and dev.
        keep_weights: Whether the scored weights are kept as well.
    """

    workspace: Workspace
    target: LanguagePair
    arms: tuple[Arm, ...]
    budget: Budget
    recipe: Recipe
    seeds: tuple[int, ...] = (1,)
    cut: TextCut = field(default_factory=TextCut)
    beams: int = 5
    keep_weights: bool = False

    def __post_init__(self) -> None:
        """Settle the number format. Refuse requests for nothing, or for the same twice."""
        object.__setattr__(
            self, "recipe", self.recipe.settled
        )  # of the machine that asks: workers must name the same runs
        for name, values in (("arms", [arm.name for arm in self.arms]), ("seeds", self.seeds)):
            if not values or len(set(values)) != len(values):
                raise ValueError(f"{name} must be at least one, and none twice. Got {', '.join(map(str, values))}.")

    @property
    def task(self) -> Task:
        """What the model is fine-tuned to do: see `FinetuneSpec.task`."""
        return TRANSLATION

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the distinct runs, seed by seed: ``zero-shot``, ``overlap/seed-1``; an arm equal to one before has none.

        What a user waits for comes first: see `in_order_of_training`.
        """
        runs = {arm.name: arm.members for arm in in_order_of_training(self.arms)}
        once = tuple(name for name, members in runs.items() if members is None)
        return (
            *once,
            *(task_of(name, seed) for seed in self.seeds for name, members in runs.items() if members is not None),
        )

    @property
    def title(self) -> str:
        """What pages call the job."""
        seeds = "" if len(self.seeds) == 1 else f", {len(self.seeds)} seeds"
        arms = self.arms[0].name if len(self.arms) == 1 else f"{len(self.arms)} arms"
        return f"Fine-tune {self.target.label}: {arms}{seeds}"

    def payload(self) -> dict[str, Any]:
        """The request as plain JSON values, for a job; the workspace is written as the other kinds of job write it."""
        return {**canonical(self), "workspace": self.workspace.payload()}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> FinetuneRequest:
        """Read what `payload` wrote.

        Raises:
            MalformedValue: It is something else.
        """
        return restored(cls, payload)


def specs_of(
    request: FinetuneRequest, texts: FinetuneTexts | None = None
) -> dict[tuple[str, int | None], FinetuneSpec]:
    """The run of every arm and seed, by arm name and seed (None for zero-shot); equal arms have equal specs.

    Args:
        request: What is asked for.
        texts: The target's text where it is open already.

    Raises:
        ModelError: There is no such model, or its adapters would take a package that is not installed.
        CorpusError: The text can't be read, or a pair has none left.
        ScoringError: Translations into the target language couldn't be scored.
    """
    refuse_undoable(request)
    texts = texts or open_texts(request.workspace, request.target, request.cut)
    model = resolve_model(request.workspace.model)
    specs = {}
    for arm in request.arms:
        for seed in (None,) if arm.members is None else request.seeds:
            specs[arm.name, seed] = run_spec(request, texts, model, arm, seed)
    return specs


def task_of(arm: str, seed: int | None) -> str:
    """Name of a run's task: ``zero-shot``, ``overlap/seed-1``."""
    return arm if seed is None else f"{arm}/seed-{seed}"


def refuse_undoable(request: FinetuneRequest) -> None:
    """See that outputs can be scored and weights chosen by them, and that adapters have their package, before anything is read.

    Raises:
        ModelError: The package is not installed.
        ScoringError: Outputs in the target language can't be scored, or not by what shall choose the weights.
    """
    request.task.require_language(request.target.target)
    request.task.require_dev_metric(request.recipe.dev_metric, request.target.target)
    if request.recipe.lora is not None and find_spec("peft") is None:
        raise ModelError(
            f"lora needs the package peft, which is not installed. Got rank {request.recipe.lora.rank}. Install it "
            "(pip install peft), or train all weights: give no rank."
        )


def run_spec(
    request: FinetuneRequest, texts: FinetuneTexts, model: ModelSource, arm: Arm, seed: int | None
) -> FinetuneSpec:
    """The run of one arm and seed, over texts that are open and a model that is resolved.

    Raises:
        ModelError: The model's generation settings can't be read.
    """
    trained = arm.members is not None
    pairs = (request.target, *(arm.members or ()))
    return FinetuneSpec(
        model_revision=model.revision,
        target=request.target,
        members=arm.members or (),
        weights=arm.weights,
        train_digests=tuple(texts.train(pair).digest for pair in pairs) if trained else (),
        dev_digest=texts.dev.digest,
        test_digest=texts.test.digest,
        budget=request.budget if trained else None,
        recipe=request.recipe if trained else None,
        beams=request.beams,
        max_length=request.workspace.max_length,
        seed=seed,
        workspace=request.workspace,
        cut=request.cut,
        set_aside=own_settings(model).set_aside,
    )
