"""Where a model's files are, and which revision they are: without loading anything."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)

from pseudofam_core.errors import ModelError, shortened
from pseudofam_core.places import local, within
from pseudofam_core.store.keys import files_digest

SAMPLE = "sample"
# ImportError and ValueError: a proxy of a kind that the client lacks a package for, or does not know.
_UNREACHABLE = (HfHubHTTPError, httpx2.HTTPError, OSError, ImportError, ValueError)
_SUFFIXES = (".json", ".safetensors", ".bin", ".model", ".spm", ".txt")
_WEIGHTS = re.compile(r"(?:model|pytorch_model)(?:-\d+-of-\d+)?\.(safetensors|bin)")
_OTHER_FRAMEWORKS = ("flax_model", "tf_model", "rust_model", "training_args", "optimizer", "scheduler", "trainer_state")


@dataclass(frozen=True)
class ModelSource:
    """A model's name and the exact state of its files.

    Attributes:
        name: As it was asked for.
        revision: SHA-256 over the files of a local folder, or the hub's commit.
        folder: Where the files are, or None while they are only on the hub.
    """

    name: str
    revision: str
    folder: Path | None


def sample_model() -> Path:
    """The folder of the sample model, which ships with the package."""
    return Path(__file__).parents[1] / "sample" / "model"


def resolve_model(name: str) -> ModelSource:
    """Find a model: ``sample``, a local folder, the local hub cache, or the hub.

    Raises:
        ModelError: There is no such model, or the hub can't be reached.
    """
    if not name:  # which as a path would be the present folder
        raise ModelError("model must be `sample`, a local Hugging Face folder or a hub name. Got nothing.")
    folder = local(sample_model() if name == SAMPLE else name)
    if name == SAMPLE and folder is None:
        raise ModelError(
            f"The sample model is missing from this installation: {sample_model()}. Name another model folder."
        )
    if folder is not None and folder.is_dir():
        return ModelSource(name, _folder_revision(folder), folder)
    try:
        cached = Path(snapshot_download(name, local_files_only=True))
        return ModelSource(name, cached.name, cached)
    except (OSError, ValueError):  # it is not there, or no name of the hub
        return ModelSource(name, _hub_revision(name), None)


def fetch_model(source: ModelSource) -> Path:
    """The model's folder, downloaded first where it is only on the hub. No code of the repository is run.

    Raises:
        ModelError: The download failed.
    """
    if source.folder is not None:
        return source.folder
    try:
        files = HfApi().list_repo_files(source.name, revision=source.revision)
        return Path(snapshot_download(source.name, revision=source.revision, allow_patterns=_wanted(files)))
    except _UNREACHABLE as error:
        raise ModelError(f"{source.name} could not be downloaded: {error}. Check the network and try again.") from error


def read_text(source: ModelSource, name: str) -> str | None:
    """A small file of a model, or None where it has no such file. Of a model on the hub that file alone is fetched.

    Raises:
        ModelError: The hub can't be reached.
        UnicodeDecodeError: It is no text.
    """
    if source.folder is None:
        return _fetched_text(source.name, source.revision, name)
    path = source.folder / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


@functools.lru_cache(maxsize=64)
def _fetched_text(model: str, revision: str, name: str) -> str | None:
    # Beside the hub's cache: a snapshot there with this file alone would count as the whole model.
    with TemporaryDirectory() as folder:
        try:
            return Path(hf_hub_download(model, name, revision=revision, local_dir=folder)).read_text(encoding="utf-8")
        except RemoteEntryNotFoundError:
            return None
        except _UNREACHABLE as error:
            raise ModelError(f"{name} of {model} could not be downloaded: {error}. Check the network.") from error


def files_of(folder: Path) -> list[Path]:
    """The files at the top of a folder that make a model; checkpoints below do not count."""
    return [folder / name for name in _wanted([path.name for path in folder.iterdir() if path.is_file()])]


def is_weights(name: str, kind: str | None = None) -> bool:
    """Whether a file holds weights of a model, not of an adapter; of one kind, ``safetensors`` or ``bin``, where it is named."""
    match = _WEIGHTS.fullmatch(name)
    return match is not None and kind in (None, match[1])


def _wanted(files: list[str]) -> list[str]:
    """Configuration, tokenizer, and weights in one format: safetensors where the model's are."""
    named = [file for file in files if file.endswith(_SUFFIXES) and not file.startswith(_OTHER_FRAMEWORKS)]
    if any(is_weights(file, "safetensors") for file in named):
        return [file for file in named if not file.endswith(".bin")]
    return named


def _folder_revision(folder: Path) -> str:
    """Digest of the files that a model is loaded from."""
    files = files_of(folder)
    if (folder / "config.json") not in files:
        raise ModelError(f"model must be a folder with a config.json. {folder} has none. Name the folder that has it.")
    return files_digest(files, root=folder)


def _hub_revision(name: str) -> str:
    message = f"model must be `sample`, a local Hugging Face folder{within()} or a hub name. Got {shortened(name)!r}"
    try:
        return str(HfApi().model_info(name).sha)
    except (HFValidationError, RepositoryNotFoundError) as error:
        raise ModelError(f"{message}, and there is no such folder or hub model.") from error
    except _UNREACHABLE as error:
        reason = ": ".join(filter(None, (type(error).__name__, str(error).strip().partition("\n")[0])))
        raise ModelError(f"{message}: no such folder, and the hub can't be reached ({reason}).") from error
