"""Finished runs that ship with the sample, so that Compare has something to show on the first day.

Made by ``pseudofam finetune --target id-en --arms zero-shot,single,traditional,mse,overlap,random,all --seeds 3
--mixed-precision float32 --cache DIR``, whose ``DIR/finetune`` is ``sample/runs/finetune``.
"""

from __future__ import annotations

from pathlib import Path

from pseudofam_core.finetuning.runs import FinetuneRun, runs_of
from pseudofam_core.store.cache import Cache

SHIPPED = Cache(Path(__file__).parents[1] / "sample" / "runs")


def shipped_runs(*, model_revision: str) -> tuple[FinetuneRun, ...]:
    """The shipped runs of a model: of the sample's all, of another none."""
    return runs_of(SHIPPED, model_revision=model_revision)
