"""Load a model and its tokenizer from a Hugging Face folder, and make batches of the tensors that it takes."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    GenerationConfig,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
from transformers.utils import logging as transformers_logging

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.errors import ModelError
from pseudofam_core.models.decoding import own_settings
from pseudofam_core.models.hub import ModelSource, files_of, is_weights
from pseudofam_core.models.soundness import check_files, check_start, check_vocabulary, check_weights, no_tokenizer
from pseudofam_core.models.tokenization import EncodedPair, ModelFamily, encode, model_family

logger = logging.getLogger(__name__)
IGNORED_LABEL = -100  # what every Hugging Face loss leaves out

# What configurations call the two kinds of dropout.
_DROPOUTS = ("dropout", "dropout_rate", "hidden_dropout_prob", "resid_pdrop", "embd_pdrop")
_ATTENTION_DROPOUTS = ("attention_dropout", "attention_probs_dropout_prob", "attn_pdrop")
_LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
_DAMAGED = (SafetensorError, EOFError, pickle.UnpicklingError)
_ODD = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)  # values of another kind
_UNLOADABLE = (OSError, ImportError, RuntimeError, StrictDataclassError, *_ODD, *_DAMAGED)


@dataclass(frozen=True)
class TranslationModel:
    """A model in evaluation mode, with its tokenizer and the family that tells how to use them.

    Classifiers and causal language models are held the same way.
    """

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

    def encode(self, bitext: Bitext, *, max_length: int) -> list[EncodedPair]:
        """Encode every sentence pair: see `pseudofam_core.models.tokenization.encode`."""
        labels = self.module.config.label2id if self.family is ModelFamily.CLASSIFIER else None
        return encode(self.tokenizer, self.family, bitext, max_length=max_length, labels=labels)

    def collate(self, batch: Sequence[EncodedPair]) -> dict[str, torch.Tensor]:
        """Pad a batch to the tensors that the model takes, on its device.

        A target's tokens are what the decoder reads, one place later, and what counts in the loss: teacher forcing.
        """
        if self.family is ModelFamily.CLASSIFIER:
            tensors = _labelled_batch(batch, self._pad_id)
        elif self.family is ModelFamily.CAUSAL:
            tensors = _continued_batch(batch, self._pad_id)
        else:
            begun = [[self.module.config.decoder_start_token_id, *sentence.target[:-1]] for sentence in batch]
            tensors = {**padded_batch(batch, self._pad_id), "decoder_input_ids": padded(begun, self._pad_id)}
        return {name: tensor.to(self.device) for name, tensor in tensors.items()}

    def n_tokens(self, sentence: EncodedPair) -> int:
        """Length of a sentence pair in a batch: its longer side, or both sides where one continues the other."""
        lengths = len(sentence.source), len(sentence.target)
        return sum(lengths) if self.family is ModelFamily.CAUSAL else max(lengths)

    @property
    def _pad_id(self) -> int:
        """Decoder-only models often have no padding token: what stands behind the mask does not matter."""
        known = (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id)
        return next((int(token_id) for token_id in known if token_id is not None), 0)


@contextmanager
def without_bars() -> Iterator[None]:
    """Reading and writing weights without transformers' own progress bars, which would break ours; downloads keep theirs."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()


@contextmanager
def _without_report() -> Iterator[None]:
    """Without transformers' table of weights that are missing or have no place: `soundness` says what matters, in a line."""
    shown = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(shown)


@without_bars()
@_without_report()
def load_model(
    folder: Path,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    dropout: float | None = None,
    attention_dropout: float | None = None,
) -> TranslationModel:
    """Load model and tokenizer, in evaluation mode: dropout is off until training mode is set.

    Of its own generation settings it has those that hold in evaluation: see `decoding`.
    Safetensors weights are preferred; a checkpoint that exists only as ``.bin`` is read with
    ``weights_only`` and nothing else. Code in the folder is never run.

    Args:
        folder: A Hugging Face folder.
        device: Where the weights shall be.
        dtype: Number format of the weights.
        dropout: Replaces the configuration's, under whichever name it has one.
        attention_dropout: The same for attention weights.

    Raises:
        ModelError: The folder holds no translation, classification or causal language model that can be loaded, or one that
            is not what its files say: see `soundness`.
    """
    config = load_config(folder, dropout=dropout, attention_dropout=attention_dropout)
    auto, family = auto_class(config)
    tokenizer, settings = _tokenizer(folder), own_settings(ModelSource(str(folder), "", folder))
    start = settings.values.get("decoder_start_token_id")
    if config.is_encoder_decoder and start is not None and getattr(config, "decoder_start_token_id", None) is None:
        config.decoder_start_token_id = start
    if settings.set_aside:
        logger.warning("%s: set aside of its generation settings: %s.", folder, "; ".join(settings.set_aside))
    try:
        module, loading = auto.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            weights_only=True,
            use_safetensors=any(is_weights(file.name, "safetensors") for file in files_of(folder)),
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # `check_weights` names them
            # transformers would read the model's own, or fail on it
            generation_config=GenerationConfig(**settings.values),
            **_LOCAL,
        )
    except _UNLOADABLE as error:
        raise _unloadable(folder, error) from error
    check_weights(folder, module, loading)
    check_vocabulary(folder, module, tokenizer)
    if config.is_encoder_decoder:
        check_start(folder, module)
    return TranslationModel(module.to(device).eval(), tokenizer, family or model_family(tokenizer, config.model_type))


def _tokenizer(folder: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(folder, **_LOCAL)
    except _UNLOADABLE as error:
        # What slow tokenizers say of a file that is not there.
        raise no_tokenizer(folder, "it lacks a file" if isinstance(error, TypeError) else _first_line(error)) from error


_MOST_LAYERS = 1000


def load_config(folder: Path, *, dropout: float | None = None, attention_dropout: float | None = None) -> Any:
    """A model's configuration, with its dropout replaced where one is given.

    Raises:
        ModelError: The folder has none that can be read, or no whole model.
    """
    if folder.is_dir():
        check_files(folder)
    try:
        config = AutoConfig.from_pretrained(folder, **_LOCAL)
        values = config.to_dict()
    except _UNLOADABLE as error:
        raise _unloadable(folder, error) from error
    _check_depth(folder, values)
    for share, names in ((dropout, _DROPOUTS), (attention_dropout, _ATTENTION_DROPOUTS)):
        for name in names:
            if share is not None and hasattr(config, name):
                setattr(config, name, share)
    return config


def _check_depth(folder: Path, values: dict[str, Any]) -> None:
    """Refuse what would take all memory before a weight is read."""
    for name, n in values.items():
        if "layers" in name and isinstance(n, int) and n > _MOST_LAYERS:
            raise ModelError(
                f"{name} in {folder / 'config.json'} must be at most {_MOST_LAYERS:,}. Got {n:,}. Correct it."
            )


def auto_class(config: Any) -> tuple[Any, ModelFamily | None]:
    """The class that loads a configuration's model, and the family where that tells it.

    Raises:
        ModelError: A classifier that gives no single label.
    """
    architecture = (config.architectures or [""])[0]
    if architecture.endswith("ForSequenceClassification"):
        if config.num_labels < 2 or config.problem_type not in (None, "single_label_classification"):
            raise ModelError(
                f"A classification model must tell apart at least 2 labels, one for each text. Got {config.num_labels} "
                f"labels, problem_type {config.problem_type!r}. Choose a model for single-label classification."
            )
        return AutoModelForSequenceClassification, ModelFamily.CLASSIFIER
    if architecture in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values():
        return AutoModelForCausalLM, ModelFamily.CAUSAL
    return AutoModelForSeq2SeqLM, None


def _unloadable(folder: Path, error: Exception) -> ModelError:
    way_out = " A file is damaged or not whole: copy or download it again." if isinstance(error, _DAMAGED) else ""
    return ModelError(
        f"{folder} can't be loaded as a translation, classification or causal language model: {_first_line(error)}{way_out}"
    )


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line), type(error).__name__)


def padded_batch(batch: Sequence[EncodedPair], pad_id: int) -> dict[str, torch.Tensor]:
    """Source ids, their mask, and labels, each (B, T); padded labels do not count in the loss."""
    return {
        "input_ids": padded([sentence.source for sentence in batch], pad_id),
        "attention_mask": padded([[1] * len(sentence.source) for sentence in batch], 0),
        "labels": padded([sentence.target for sentence in batch], IGNORED_LABEL),
    }


def _labelled_batch(batch: Sequence[EncodedPair], pad_id: int) -> dict[str, torch.Tensor]:
    """Source ids, their mask, and one label a text, (B,)."""
    return {**padded_batch(batch, pad_id), "labels": torch.tensor([sentence.target[0] for sentence in batch])}


def _continued_batch(batch: Sequence[EncodedPair], pad_id: int) -> dict[str, torch.Tensor]:
    """Prompts with their answers as ids, their mask, and labels, each (B, T): the answers alone count in the loss."""
    texts = [EncodedPair([*sentence.source, *sentence.target], _answer_labels(sentence)) for sentence in batch]
    return padded_batch(texts, pad_id)


def _answer_labels(sentence: EncodedPair) -> list[int]:
    """Nothing predicts the first token, so it never counts."""
    return [*([IGNORED_LABEL] * max(1, len(sentence.source))), *sentence.target[0 if sentence.source else 1 :]]


def padded(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """Rows of ids as one (B, T) tensor, filled up with `value`."""
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=value)
