"""Training by transformers' Trainer over planned batches. What is ours: the batches, the loss, when to stop."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import PrinterCallback, TrainerCallback, TrainingArguments
from transformers.trainer_utils import EvalLoopOutput, IntervalStrategy, SaveStrategy

from pseudofam_core.errors import ModelError
from pseudofam_core.finetuning.budget import Budget
from pseudofam_core.finetuning.checkpoints import SealingTrainer
from pseudofam_core.finetuning.plan import Plan
from pseudofam_core.finetuning.recipe import Recipe
from pseudofam_core.finetuning.spec import TrainingSpec
from pseudofam_core.models.loading import IGNORED_LABEL, TranslationModel
from pseudofam_core.models.loss import smoothed_loss
from pseudofam_core.models.precision import capability_here
from pseudofam_core.models.tokenization import EncodedPair
from pseudofam_core.progress import Progress, Report, ShouldStop
from pseudofam_core.tasks.task import Task

logger = logging.getLogger(__name__)
DevMetrics = Callable[[], dict[str, float]]


class PlannedTrainer(SealingTrainer):
    """Trainer that reads the batches of a `Plan`, by the smoothed loss.

    Processes of one run (accelerate) share the batches of each update among them, so that their number does not change
    what an update is.
    """

    def __init__(
        self,
        module: Any,
        sentences: Sequence[EncodedPair],
        plan: Plan,
        arguments: TrainingArguments,
        *,
        collate: Callable[[Sequence[EncodedPair]], Mapping[str, torch.Tensor]],
        label_smoothing: float,
        **options: Any,
    ) -> None:
        """Set up the run; nothing is trained yet."""
        super().__init__(module, arguments, compute_loss_func=partial(mean_loss, smoothing=label_smoothing), **options)
        self._sentences, self._plan, self._collate = sentences, plan, collate

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The plan's batches, this process's share of them.

        Raises:
            ValueError: The processes can't share the batches of an update evenly.
        """
        share = self._plan.share(self.accelerator.process_index, self.accelerator.num_processes)
        return DataLoader(self._sentences, batch_sampler=share, collate_fn=self._collate)  # type: ignore[arg-type]


class TuningTrainer(PlannedTrainer):
    """A planned trainer that evaluates by a function of ours."""

    def __init__(
        self,
        model: TranslationModel,
        sentences: Sequence[EncodedPair],
        plan: Plan,
        arguments: TrainingArguments,
        recipe: Recipe,
        dev_metrics: DevMetrics,
    ) -> None:
        """Set up the run; nothing is trained yet."""
        smoothing = recipe.label_smoothing
        super().__init__(
            model.module,
            sentences,
            plan,
            arguments,
            collate=model.collate,
            label_smoothing=smoothing,
            eval_dataset=[0],
        )
        self.remove_callback(PrinterCallback)
        self.run = Path(arguments.output_dir).name
        self._dev_metrics = dev_metrics

    def evaluation_loop(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> EvalLoopOutput:
        """What `DevSet` finds on the target's dev text."""
        self.model.eval()
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in self._dev_metrics().items()}
        return EvalLoopOutput(predictions=None, label_ids=None, metrics=metrics, num_samples=1)

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        """Warn of what the best checkpoint lacks; the other names of tied weights, which are saved once, are not lacking."""
        tied = getattr(self.model, "all_tied_weights_keys", {})
        missing = [name for name in load_result.missing_keys if name not in tied]
        super()._issue_warnings_after_load(load_result._replace(missing_keys=missing))


def mean_loss(
    outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None, *, smoothing: float = 0.0
) -> torch.Tensor:
    """`smoothed_loss`, mean over the tokens of the update (of the batch where those are not counted)."""
    n_tokens = num_items_in_batch if num_items_in_batch is not None else (labels != IGNORED_LABEL).sum()
    return smoothed_loss(outputs["logits"].float(), labels, smoothing=smoothing) / n_tokens


def require_device(precision: str) -> None:
    """See that this machine computes in a recipe's precision, before anything is loaded; say where it does so slowly.

    Raises:
        ModelError: fp16 is asked for, and there is no GPU.
    """
    if precision == "fp16" and not torch.cuda.is_available():
        raise ModelError(
            "precision fp16 needs a GPU. This machine has none that torch sees. Take auto, bf16 or float32."
        )
    slowdown = capability_here().bfloat16_slowdown if precision == "bf16" else None
    if slowdown is not None:
        logger.warning(
            "bf16 is emulated here: a product takes %.1f times as long as in float32. Take that, or auto.", slowdown
        )


def arguments_of(spec: TrainingSpec, out: Path, *, n_updates: int) -> TrainingArguments:
    """The settings of a run as transformers takes them.

    Raises:
        ValueError: The batches of an update can't be shared evenly by the processes.
    """
    assert spec.budget is not None  # zero-shot trains nothing
    assert spec.recipe is not None
    assert spec.seed is not None
    recipe, early = spec.recipe, spec.budget.stops_early
    arguments = TrainingArguments(
        output_dir=str(out.absolute()),
        max_steps=n_updates,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="inverse_sqrt",
        # Its time scale is the warm-up, which must not be zero.
        warmup_steps=max(1, recipe.warmup_updates),
        optim="adamw_torch",
        weight_decay=0.0,
        adam_beta2=recipe.beta2,
        adam_epsilon=recipe.epsilon,
        max_grad_norm=recipe.max_grad_norm,
        bf16=recipe.precision == "bf16",
        fp16=recipe.precision == "fp16",
        use_cpu=not torch.cuda.is_available(),
        seed=spec.seed,
        eval_strategy="steps",
        eval_steps=recipe.eval_every,
        save_strategy="steps",
        save_steps=recipe.eval_every,
        save_total_limit=2 if early else 1,
        load_best_model_at_end=early,
        metric_for_best_model=recipe.dev_metric if early else None,
        greater_is_better=spec.task.dev_metric(recipe.dev_metric).higher_is_better if early else None,
        logging_steps=max(1, recipe.eval_every // 5),
        # The filter would hide divergence behind the losses before. fp16 goes on: it leaves out updates that overflow.
        logging_nan_inf_filter=recipe.precision == "fp16",
        disable_tqdm=True,
        report_to="none",
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        # Positions are buffers that grow with the sentences each process reads; nothing in them is learned.
        ddp_broadcast_buffers=False,
    )
    if recipe.accumulation % arguments.world_size:
        raise ValueError(
            f"accumulation must be a multiple of the processes, {arguments.world_size}. Got {recipe.accumulation}. "
            "Start fewer processes, or take more batches an update."
        )
    # The configuration of accelerate launch names a precision too; the recipe's is the one in the key.
    arguments.mixed_precision = "no" if recipe.precision == "float32" else recipe.precision
    # A process uses one GPU: more of them take more processes. Trainer would split batches by DataParallel.
    arguments._n_gpu = min(1, arguments.n_gpu)
    arguments.gradient_accumulation_steps = recipe.accumulation // arguments.world_size
    return arguments


def unwatched(arguments: TrainingArguments) -> TrainingArguments:
    """The same settings without evaluations and checkpoints. The weights after the last update are the same."""
    arguments.eval_strategy, arguments.save_strategy = IntervalStrategy.NO, SaveStrategy.NO
    return arguments


@dataclass
class Supervision(TrainerCallback):
    """Reports each update, stops for lack of patience or on request, evaluates the last update where any is evaluated.

    Attributes:
        budget: Its patience counts evaluations.
        task: Names what dev is evaluated by.
        report: Receives progress with the latest loss, dev values and pace.
        should_stop: Asked after each update.
        n_tokens: Source and target tokens up to each update: sums from the first.
        cancelled: Whether `should_stop` said so.
        seconds: Wall time in updates, evaluations left out, of this process.
    """

    budget: Budget
    task: Task
    report: Report
    should_stop: ShouldStop
    n_tokens: Callable[[int], int]
    cancelled: bool = False
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Nothing is known yet."""
        self._metrics: dict[str, float] = {}
        self._first = self._began = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start at the update of the checkpoint; go no further where patience had ended when it was written."""
        self._first = state.global_step
        self._tell(state)
        self._out_of_patience(args, state, control)

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Report, and decide whether to go on; the checkpoint is written at once where it does not."""
        self.seconds += time.monotonic() - self._began
        self._tell(state)
        watched = args.save_strategy != SaveStrategy.NO
        if state.global_step >= state.max_steps:
            control.should_evaluate = control.should_save = watched
        elif self.should_stop():
            self.cancelled = control.should_training_stop = True
            control.should_save = watched

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, float], **kwargs: Any) -> None:
        """Remember the loss and the dev values for the next reports.

        Raises:
            ModelError: A loss is no number any more: nothing that follows could mend it.
        """
        for name, words in (("loss", "training loss"), ("eval_loss", "dev loss")):
            if not math.isfinite(logs.get(name, 0.0)):
                raise ModelError(
                    f"Training diverged: the {words} at update {state.global_step} is {logs[name]}. Take a lower "
                    f"learning_rate or more warmup_updates. Got {args.learning_rate:g} and {args.warmup_steps:g}."
                )
        if "loss" in logs:
            self._metrics["loss"] = float(logs["loss"])
        if values := dev_values(logs, self.task):
            told = ", ".join(f"{name} {float(value):.4f}" for name, value in values.items())
            logger.info("update %d of %d, %.0f s: dev %s", state.global_step, state.max_steps, self.seconds, told)
        self._metrics |= {f"dev_{name}": float(value) for name, value in values.items()}
        if "eval_loss" in logs:
            self._tell(state)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Count patience once the evaluation has been compared with the best one."""
        self._out_of_patience(args, state, control)

    def _out_of_patience(self, args: Any, state: Any, control: Any) -> None:
        if self.budget.patience is not None and state.best_global_step:
            waited = (state.global_step - state.best_global_step) // args.eval_steps
            control.should_training_stop |= waited >= self.budget.patience

    def _tell(self, state: Any) -> None:
        done, metrics, rate = state.global_step, dict(self._metrics), None
        if self.seconds > 0:
            rate = (done - self._first) / self.seconds
            metrics["tokens_per_s"] = (self.n_tokens(done) - self.n_tokens(int(self._first))) / self.seconds
        self.report(Progress("training", done, state.max_steps, "updates", rate, metrics))


def dev_values(logs: Mapping[str, float], task: Task) -> dict[str, float]:
    """What an entry of the trainer's log holds of a task's dev metrics, by their names."""
    return {metric.name: logs[f"eval_{metric.name}"] for metric in task.dev_metrics if f"eval_{metric.name}" in logs}
