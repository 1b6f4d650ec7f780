"""Finished runs with made-up translations, stored as the fine-tuning stage stores them; no model is trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import Budget, BudgetMode, FinetuneRun, FinetuneSpec, Recipe, run_of
from pseudofam_core.finetuning.runs import OUTPUTS_FILE, finetune_key
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.stages import Stage
from pseudofam_core.tasks.translation import TRANSLATION
from tests.cases_translations import corrupted, sentences

BE = pair("be-en")
EQUAL_UPDATES = Budget(BudgetMode.EQUAL_UPDATES, updates=100, patience=None)


def store_run(
    cache: Cache,
    members: Sequence[str] | None,
    *,
    error: float,
    seed: int = 1,
    target: LanguagePair = BE,
    n: int = 40,
    budget: Budget = EQUAL_UPDATES,
    recipe: Recipe | None = None,
    **changes: Any,
) -> FinetuneRun:
    """Store a run whose test translations have that share of their words replaced.

    Args:
        cache: Where.
        members: Sources of the auxiliaries into English; None is zero-shot.
        error: Share of words replaced: by draws that depend on it, the seed and the members alone.
        seed: Of the run.
        target: The pair that was adapted to.
        n: Test sentences.
        budget: Of training.
        recipe: Of training.
        changes: Other fields of the spec.
    """
    trained = members is not None
    pairs = tuple(pair(f"{one}-en") for one in sorted(members or ()))
    references = sentences(n, seed=sum(map(ord, str(target))))
    text = Bitext(target, "test", tuple(f"source of {line}" for line in references), references)
    hypotheses = corrupted(references, error, seed=hash_of(error, seed, *map(str, pairs)))
    spec = FinetuneSpec(
        **{
            "model_revision": "model",
            "target": target,
            "members": pairs,
            "train_digests": tuple(f"text of {one}" for one in (target, *pairs)) if trained else (),
            "dev_digest": f"dev of {target}",
            "test_digest": text.digest,
            "budget": budget if trained else None,
            "recipe": (recipe or Recipe(precision="float32")) if trained else None,
            "beams": 5,
            "max_length": 256,
            "seed": seed if trained else None,
            "workspace": Workspace(),
            **changes,
        }
    )
    outputs = {"test": {"sources": text.sources, "references": text.targets, "hypotheses": hypotheses}}

    def write(folder: Path) -> None:
        (folder / OUTPUTS_FILE).write_text(json.dumps(outputs), encoding="utf-8")

    stored = cache.store(
        Stage.FINETUNE, finetune_key(spec), spec=spec, summary=_summary(spec, text, hypotheses), write=write
    )
    return run_of(stored)


def hash_of(*values: Any) -> int:
    """A seed from plain values, the same in every process."""
    return sum(ord(letter) * (i + 1) for i, letter in enumerate(repr(values)))


def _summary(spec: FinetuneSpec, text: Bitext, hypotheses: Sequence[str]) -> dict[str, Any]:
    report = TRANSLATION.score(text, hypotheses)
    own = [(one, 1000 // (i + 1)) for i, one in enumerate(spec.pairs)] if not spec.is_zero_shot else []
    return {
        "scores": {"test": {**report.scores, "n_sentences": len(text)}},
        "contributions": [
            {"pair": one, "available": 50, "sentences": 60, "source_tokens": n, "target_tokens": n, "updates": 70}
            for one, n in own
        ],
        "loss_curve": [],
        "dev_curve": [],
        "updates": 100 if own else 0,
        "scored_update": 80 if own else 0,
        "stopped": "budget" if own else "zero-shot",
        "seconds": {"training": 1.0, "translating": 1.0},
        "seconds_per_update": 0.01,
        "device": "cpu",
        "workspace": spec.workspace,
        "cut": spec.cut,
        "libraries": {"torch": "2"},
        "version": 1,
    }
