"""Whether a folder holds the model that it says it holds: what would load as another, or as random weights, is refused."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from pseudofam_core.errors import ModelError
from pseudofam_core.models.hub import files_of, is_weights

logger = logging.getLogger(__name__)
_POINTER = b"version https://git-lfs.github.com/spec/"
_LAYER = re.compile(r"^(.*?\b(?:layers|layer|block|h)\.\d+)\.")


def check_files(folder: Path) -> None:
    """Refuse a folder whose files stand for others, or are of two models.

    Raises:
        ModelError: A file is a pointer of Git LFS, or there is an adapter.
    """
    files = files_of(folder)
    for path in files:
        if _is_pointer(path):
            raise ModelError(
                f"{path} is not the file but a pointer of Git LFS to it. Fetch what it stands for: `git lfs pull` in that "
                "folder, or download the model again."
            )
    if adapter := next((path.name for path in files if path.name.startswith("adapter_")), None):
        weights = any(is_weights(path.name) for path in files)
        beside = "weights and an adapter" if weights else "an adapter without its model"
        aside = ", or move the adapter's files away to use the weights" if weights else ""
        raise ModelError(
            f"{folder} holds {beside} ({adapter}), which is no whole model. Merge the adapter into its model (peft: "
            f"merge_and_unload, then save_pretrained){aside}."
        )


def check_weights(folder: Path, module: Any, loading: Mapping[str, Any]) -> None:
    """Refuse a model that is not, parameter by parameter, what its files hold.

    Args:
        folder: For the message.
        module: As transformers loaded it.
        loading: Its report: names that were missing, unexpected, of another shape. Tied weights are not missing.

    Raises:
        ModelError: Weights are missing, of another shape, of layers that the model lacks, or not finite; the message names one.
    """
    _same_shapes(folder, loading["mismatched_keys"])
    unexpected = sorted(loading["unexpected_keys"])
    _nothing_missing(folder, sorted(loading["missing_keys"]), unexpected)
    _no_further_layers(folder, module, unexpected)
    if tells_of_ties_that_are_none(module):
        logger.warning(
            "%s: the output layer is apart from the embedding, though config.json ties them; it stays so.", folder
        )
    check_finite(module, f"the weights in {folder}", "Take an earlier checkpoint, or another model.")


def tells_of_ties_that_are_none(module: Any) -> bool:
    """Whether the configuration says that output layer and embedding are one, and they are two."""
    output = module.get_output_embeddings()
    tied = getattr(module.config, "tie_word_embeddings", False)
    return bool(tied and output is not None and output.weight is not module.get_input_embeddings().weight)


def check_finite(module: torch.nn.Module, what: str, way_out: str) -> None:
    """Refuse weights that are no numbers.

    Raises:
        ModelError: Names the first that holds NaN or infinity.
    """
    for name, weight in module.state_dict().items():
        if weight.is_floating_point() and not torch.isfinite(weight).all():
            raise ModelError(f"A model must have finite weights, but {what} hold NaN or infinity in {name}. {way_out}")


def check_vocabulary(folder: Path, module: Any, tokenizer: Any) -> None:
    """Refuse a tokenizer that is empty, or has more tokens than the model reads.

    Raises:
        ModelError: Says which, and the way out.
    """
    names = {*type(tokenizer).vocab_files_names.values(), "tokenizer.json"}
    if len(names) > 1 and not any((folder / name).is_file() for name in names):  # tokenizers of bytes have no file
        raise no_tokenizer(folder, f"it has none of {', '.join(sorted(names))}")
    last, rows = max(tokenizer.get_vocab().values()), module.get_input_embeddings().weight.shape[0]
    if last >= rows:
        raise ModelError(
            f"{folder}: the tokenizer's tokens go up to number {last}, but the model has embeddings for {rows}. They don't "
            "belong together. Copy the tokenizer that the model was trained with, or give the model more embeddings "
            "(resize_token_embeddings), train them, and save it."
        )


def no_tokenizer(folder: Path, reason: str) -> ModelError:
    """What is said of a folder without a tokenizer that can be used."""
    return ModelError(
        f"{folder} has no whole tokenizer: {reason}. Copy all files of the tokenizer that the model was trained with into "
        "that folder."
    )


def check_start(folder: Path, module: Any) -> None:
    """Refuse a model that translates and does not say with which token its outputs begin.

    Raises:
        ModelError: ``decoder_start_token_id`` is missing, or none of the model's.
    """
    start, rows = getattr(module.config, "decoder_start_token_id", None), module.get_input_embeddings().weight.shape[0]
    if start is None or not 0 <= start < rows:
        raise ModelError(
            f"decoder_start_token_id in {folder / 'config.json'} must be the token that every output begins with, from 0 to "
            f"{rows - 1}. Got {start}. Write it there: T5 and Marian begin with pad_token_id; M2M100, NLLB and mBART-50 with "
            "eos_token_id."
        )


def _is_pointer(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(_POINTER)) == _POINTER


def _same_shapes(folder: Path, mismatched: Iterable[tuple[str, Any, Any]]) -> None:
    for name, held, made in sorted(mismatched):
        raise ModelError(
            f"{folder}: {name} is {_shape(held)} in the weights, {_shape(made)} by config.json. They don't belong together: "
            "correct config.json (vocab_size, where the first number differs in an embedding), or copy the weights that "
            "belong to it."
        )


def _shape(size: Iterable[int]) -> str:
    return " × ".join(map(str, size))


def _nothing_missing(folder: Path, missing: list[str], unexpected: list[str]) -> None:
    if not missing:
        return
    prefix = _prefix(missing, unexpected)
    way_out = (
        "Save the model again as a whole (save_pretrained), or copy the weights that belong to config.json."
        if prefix is None
        else f"Its names begin with {prefix!r}, as those of a model within another do. Save the inner model "
        "(model.module.save_pretrained; an adapter is merged first: peft's merge_and_unload), or take that off the names."
    )
    raise ModelError(
        f"{folder} is not the whole model: {len(missing)} of its parameters are not among the weights, such as {missing[0]}, "
        f"and would be random. {way_out}"
    )


def _prefix(missing: list[str], unexpected: list[str]) -> str | None:
    """What stands before the names of the file, where these are those of the model otherwise."""
    ends = {name: [ending for ending in missing if name.endswith(ending)] for name in unexpected}
    prefixes = {name.removesuffix(max(endings, key=len)) for name, endings in ends.items() if endings}
    return prefixes.pop() if len(prefixes) == 1 else None


def _no_further_layers(folder: Path, module: Any, unexpected: list[str]) -> None:
    """Refuse weights of layers beyond those of the configuration; others that it has no place for are of no use to it."""
    layers = {match[1] for name in module.state_dict() if (match := _LAYER.match(name))}
    for name in unexpected:
        match = _LAYER.match(name)
        if layers and match and match[1] not in layers:
            raise ModelError(
                f"{folder} has weights of layers that its config.json does not name, such as {name}: without them it is "
                "another model. Correct the number of layers in config.json, or copy the weights that belong to it."
            )
