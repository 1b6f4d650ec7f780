"""A world whose targets can be fine-tuned, and finished runs in it, their translations made up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pseudofam_core.finetuning import FinetuneRun, FinetuneSpec, open_texts
from pseudofam_core.languages import pair
from pseudofam_core.models.hub import resolve_model
from tests.cases_runs import store_run
from tests.cases_translations import sentences
from tests.pages.conftest import World

N_TEST = 40


def with_tests(world: World, *codes: str) -> World:
    """Give languages of the world's corpus a test split: the text that `tests.cases_runs` translates."""
    for code in codes:
        references = sentences(N_TEST, seed=sum(map(ord, f"{code}-en")))
        sources = [f"source of {line}" for line in references]
        folder = Path(world.workspace.corpus) / f"{code}-en"
        for side, lines in ((code, sources), ("en", references)):
            (folder / f"test.{side}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return world


def finished(world: World, code: str, members: Sequence[str] | None, *, error: float, **changes) -> FinetuneRun:
    """A finished run of the world's model and test text; `changes` as `store_run` takes them."""
    target = pair(f"{code}-en")
    here = {
        "model_revision": resolve_model(world.workspace.model).revision,
        "test_digest": open_texts(world.workspace, target).test.digest,
        "workspace": world.workspace,
    }
    return store_run(world.cache, members, error=error, target=target, n=N_TEST, **{**here, **changes})


def finished_as(world: World, spec: FinetuneSpec) -> FinetuneRun:
    """The finished run of a spec."""
    names = ("model_revision", "train_digests", "dev_digest", "test_digest", "beams", "max_length", "workspace", "cut")
    return store_run(
        world.cache,
        None if spec.is_zero_shot else [one.source for one in spec.members],
        error=0.3,
        seed=spec.seed or 1,
        target=spec.target,
        n=N_TEST,
        **({} if spec.budget is None else {"budget": spec.budget, "recipe": spec.recipe}),
        **{name: getattr(spec, name) for name in names},
    )
