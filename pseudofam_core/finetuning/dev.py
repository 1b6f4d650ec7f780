"""How a model under training does on the target's dev text."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from pseudofam_core.corpora import Bitext, token_batches
from pseudofam_core.finetuning.processes import by_first
from pseudofam_core.finetuning.recipe import Recipe
from pseudofam_core.models.loading import IGNORED_LABEL, TranslationModel
from pseudofam_core.models.loss import sentence_losses
from pseudofam_core.models.tokenization import EncodedPair
from pseudofam_core.scoring.metrics import LOSS
from pseudofam_core.tasks.task import Task

_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, eq=False)
class SentenceLosses:
    """What a model loses on each sentence of a text, not smoothed.

    Attributes:
        nats: (sentences,) sums over the tokens of a sentence, float64.
        n_tokens: (sentences,) target tokens, the end of the sentence included.
    """

    nats: npt.NDArray[np.float64]
    n_tokens: npt.NDArray[np.int64]

    @property
    def mean(self) -> float:
        """Nats a token."""
        return float(self.nats.sum() / self.n_tokens.sum())


class DevSet:
    """The target's dev text, encoded, and how it is evaluated.

    Args:
        bitext: The text.
        encoded: Its tokens.
        recipe: Says what chooses the weights, and the precision, which is training's.
        task: Makes and scores outputs where a metric of them chooses.
        max_length: Tokens at which outputs are cut.

    Attributes:
        bitext: The text.
    """

    def __init__(
        self, bitext: Bitext, encoded: Sequence[EncodedPair], recipe: Recipe, task: Task, *, max_length: int
    ) -> None:
        """Keep the text."""
        self.bitext, self._encoded, self._recipe, self._task = bitext, encoded, recipe, task
        self._max_length = max_length

    def __call__(self, model: TranslationModel) -> dict[str, float]:
        """``loss``, nats a token, not smoothed; and the metric that chooses the weights. `model` is in evaluation mode."""
        # Processes that differed in the last digit could choose different weights.
        return by_first(lambda: self._values(model))

    def losses(self, model: TranslationModel) -> SentenceLosses:
        """The loss of every sentence, in the order of the text. `model` is in evaluation mode."""
        nats, n_tokens = np.zeros(len(self._encoded)), np.zeros(len(self._encoded), dtype=np.int64)
        lengths = [model.n_tokens(sentence) for sentence in self._encoded]
        with self._computing(model):
            for batch in token_batches(lengths, max_tokens=self._recipe.batch_tokens):
                inputs = model.collate([self._encoded[i] for i in batch])
                labels = inputs.pop("labels")
                nats[batch] = sentence_losses(model.module(**inputs).logits.float(), labels).double().cpu().numpy()
                n_tokens[batch] = (labels != IGNORED_LABEL).sum(dim=1).cpu().numpy()
        return SentenceLosses(nats, n_tokens)

    def _values(self, model: TranslationModel) -> dict[str, float]:
        values = {LOSS.name: self.losses(model).mean}
        if self._recipe.dev_metric != LOSS.name:
            with self._computing(model):
                hypotheses = self._task.generate(
                    model, self.bitext, beams=self._recipe.dev_beams, max_length=self._max_length
                )
            values[self._recipe.dev_metric] = self._task.score(self.bitext, hypotheses).scores[self._recipe.dev_metric]
        return values

    @contextlib.contextmanager
    def _computing(self, model: TranslationModel) -> Iterator[None]:
        """Without gradients, in training's precision."""
        dtype = _AUTOCAST.get(self._recipe.precision)
        with torch.inference_mode(), torch.autocast(model.device.type, dtype=dtype, enabled=dtype is not None):
            yield
