"""Fine-tune a model on a target and its auxiliaries, and keep what came of it.

What is imported here needs neither torch nor transformers; `run` does, and only workers and the command line open it.
"""

from pseudofam_core.finetuning.arms import (
    ARM_MEASURES,
    ARM_NAMES,
    DEFAULT_ARMS,
    FORESEEN,
    MEASURED,
    OWN,
    RANDOM,
    WEIGHTED,
    ZERO_SHOT,
    Arm,
    Members,
    Mixture,
    distinct_arms,
    is_random,
    named_arms,
    random_arms,
    with_weights,
    without_draw,
)
from pseudofam_core.finetuning.budget import Budget, BudgetMode
from pseudofam_core.finetuning.costs import Cost, cost, expected_updates, find_pace, trains_alike
from pseudofam_core.finetuning.pace import Pace
from pseudofam_core.finetuning.presets import PAPER, PRESETS, SMALL
from pseudofam_core.finetuning.recipe import DEV_METRICS, PRECISIONS, Lora, Recipe
from pseudofam_core.finetuning.request import FinetuneRequest, specs_of, task_of
from pseudofam_core.finetuning.runs import (
    Contribution,
    FinetuneRun,
    find_run,
    find_weights,
    finished_run,
    run_of,
    runs_of,
)
from pseudofam_core.finetuning.shipped import shipped_runs
from pseudofam_core.finetuning.spec import FinetuneSpec, TextCut, TrainingSpec
from pseudofam_core.finetuning.task import TIMING_TASK, finetune_task
from pseudofam_core.finetuning.texts import (
    FinetuneTexts,
    open_texts,
    refuse_lacking,
    refuse_seen,
    texts_of_targets,
    tuned_workspace,
)
from pseudofam_core.finetuning.weights import weights_of

__all__ = [
    "ARM_MEASURES",
    "ARM_NAMES",
    "DEFAULT_ARMS",
    "DEV_METRICS",
    "FORESEEN",
    "MEASURED",
    "OWN",
    "PAPER",
    "PRECISIONS",
    "PRESETS",
    "RANDOM",
    "SMALL",
    "TIMING_TASK",
    "WEIGHTED",
    "ZERO_SHOT",
    "Arm",
    "Budget",
    "BudgetMode",
    "Contribution",
    "Cost",
    "FinetuneRequest",
    "FinetuneRun",
    "FinetuneSpec",
    "FinetuneTexts",
    "Lora",
    "Members",
    "Mixture",
    "Pace",
    "Recipe",
    "TextCut",
    "TrainingSpec",
    "cost",
    "distinct_arms",
    "expected_updates",
    "find_pace",
    "find_run",
    "find_weights",
    "finetune_task",
    "finished_run",
    "is_random",
    "named_arms",
    "open_texts",
    "random_arms",
    "refuse_lacking",
    "refuse_seen",
    "run_of",
    "runs_of",
    "shipped_runs",
    "specs_of",
    "task_of",
    "texts_of_targets",
    "trains_alike",
    "tuned_workspace",
    "weights_of",
    "with_weights",
    "without_draw",
]
