"""Load a translation model and its tokenizer from a Hugging Face folder."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoTokenizer

from pseudofam_core.errors import ModelError
from pseudofam_core.tokenization import EncodedPair, ModelFamily, model_family

IGNORED_LABEL = -100  # what every Hugging Face loss leaves out


@dataclass(frozen=True)
class TranslationModel:
    """A model in evaluation mode, with its tokenizer and the family that tells how to use them."""

    module: Any
    tokenizer: Any
    family: ModelFamily

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        device: torch.device = self.module.device
        return device

    def parameters(self) -> dict[str, torch.nn.Parameter]:
        """Parameters by Hugging Face name, tied ones once."""
        return dict(self.module.named_parameters())

    def collate(self, batch: Sequence[EncodedPair]) -> dict[str, torch.Tensor]:
        """Pad a batch to the tensors that the model takes, on its device."""
        batch_tensors = padded_batch(batch, self.tokenizer.pad_token_id)
        return {name: one.to(self.device) for name, one in batch_tensors.items()}


def load_model(
    folder: Path, *, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> TranslationModel:
    """Load model and tokenizer, dropout off.

    Safetensors weights are preferred; a checkpoint that exists only as ``.bin`` is read with
    ``weights_only`` and nothing else. Code in the folder is never run.

    Raises:
        ModelError: The folder holds no sequence-to-sequence translation model that can be loaded.
    """
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(folder, **options)
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
        module = AutoModelForSeq2SeqLM.from_pretrained(
            folder, dtype=dtype, weights_only=True, use_safetensors=_has_safetensors(folder), **options
        )
    except (OSError, ValueError, KeyError, RuntimeError, pickle.UnpicklingError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{folder} can't be loaded as a translation model: {first}") from error
    return TranslationModel(module.to(device).eval(), tokenizer, model_family(tokenizer, config.model_type))


def _has_safetensors(folder: Path) -> bool:
    return any(folder.glob("*.safetensors"))


def padded_batch(batch: Sequence[EncodedPair], pad_id: int) -> dict[str, torch.Tensor]:
    """Source ids, their mask, and labels, each (B, T); padded labels do not count in the loss."""
    return {
        "input_ids": padded([one.source for one in batch], pad_id),
        "attention_mask": padded([[1] * len(one.source) for one in batch], 0),
        "labels": padded([one.target for one in batch], IGNORED_LABEL),
    }


def padded(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """Rows of ids as one (B, T) tensor, filled up with `value`."""
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=value)
