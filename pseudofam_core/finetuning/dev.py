"""How a model under training does on the target's dev text."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from pseudofam_core.corpora import Bitext, token_batches
from pseudofam_core.finetuning.processes import by_first
from pseudofam_core.finetuning.recipe import Recipe
from pseudofam_core.models.loading import IGNORED_LABEL, TranslationModel
from pseudofam_core.models.loss import smoothed_loss
from pseudofam_core.models.tokenization import EncodedPair
from pseudofam_core.scoring.metrics import LOSS
from pseudofam_core.tasks.task import Task

_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


class DevSet:
    """The target's dev text, encoded, and how it is evaluated.

    Args:
        bitext: The text.
        encoded: Its tokens.
        recipe: Says what chooses the weights, and the precision, which is training's.
        task: Makes and scores outputs where a metric of them chooses.
        max_length: Tokens at which outputs are cut.
    """

    def __init__(
        self, bitext: Bitext, encoded: Sequence[EncodedPair], recipe: Recipe, task: Task, *, max_length: int
    ) -> None:
        """Keep the text."""
        self._bitext, self._encoded, self._recipe, self._task = bitext, encoded, recipe, task
        self._max_length = max_length

    def __call__(self, model: TranslationModel) -> dict[str, float]:
        """``loss``, nats a token, not smoothed; and the metric that chooses the weights. `model` is in evaluation mode."""
        # Processes that differed in the last digit could choose different weights.
        return by_first(lambda: self._values(model))

    def _values(self, model: TranslationModel) -> dict[str, float]:
        dtype = _AUTOCAST.get(self._recipe.precision)
        with torch.inference_mode(), torch.autocast(model.device.type, dtype=dtype, enabled=dtype is not None):
            values = {LOSS.name: self._loss(model)}
            if self._recipe.dev_metric != LOSS.name:
                found = self._task.generate(
                    model, self._bitext, beams=self._recipe.dev_beams, max_length=self._max_length
                )
                values[self._recipe.dev_metric] = self._task.score(self._bitext, found).scores[self._recipe.dev_metric]
        return values

    def _loss(self, model: TranslationModel) -> float:
        total, n_tokens = 0.0, 0
        lengths = [model.n_tokens(one) for one in self._encoded]
        for batch in token_batches(lengths, max_tokens=self._recipe.batch_tokens):
            inputs = model.collate([self._encoded[i] for i in batch])
            labels = inputs.pop("labels")
            total += float(smoothed_loss(model.module(**inputs).logits.float(), labels))
            n_tokens += int((labels != IGNORED_LABEL).sum())
        return total / n_tokens
