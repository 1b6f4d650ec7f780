"""Checkpoints of training: sealed with a digest once they are whole and on the disk, and used only as they were sealed."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers import Trainer
from transformers.trainer_utils import rotate_checkpoints

from pseudofam_core.errors import CacheError
from pseudofam_core.store.cache import DAMAGE
from pseudofam_core.store.keys import file_digest
from pseudofam_core.store.writing import flush, write_atomically

logger = logging.getLogger(__name__)
_SEAL = "seal.json"


class SealingTrainer(Trainer):
    """A Trainer that seals each checkpoint, and removes older ones only then.

    Attributes:
        run: What the seal says the checkpoint is of: one of another run is not gone on from.
    """

    run = ""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Write a checkpoint.

        Raises:
            CacheError: The disk is full.
        """
        out, most = Path(self.args.output_dir), self.args.save_total_limit
        self.args.save_total_limit = None
        try:
            with _told(out):
                super()._save_checkpoint(model, trial)
        finally:
            self.args.save_total_limit = most
        self.accelerator.wait_for_everyone()  # each process writes the state of its own random numbers
        if self.args.should_save:
            with _told(out):
                seal(out / f"checkpoint-{self.state.global_step}", run=self.run)
            rotate_checkpoints(str(out), most, self.state.best_model_checkpoint, use_mtime=True)

    def _load_best_model(self) -> None:
        """Load what was best on dev.

        Raises:
            CacheError: It is not as it was written. It is removed.
        """
        best = Path(str(self.state.best_model_checkpoint))
        if fault := fault_of(best, run=self.run):
            shutil.rmtree(best, ignore_errors=True)
            raise CacheError(f"The best checkpoint {best} was {fault} and is removed. Start the same run again.")
        super()._load_best_model()


def seal(folder: Path, *, run: str = "") -> None:
    """Have a checkpoint's files on the disk, and write down their digests."""
    names = _files(folder)
    for path in (*(folder / name for name in names), folder):
        flush(path)
    digests = {name: file_digest(folder / name) for name in names}
    write_atomically(folder / _SEAL, json.dumps({"checkpoint": folder.name, "run": run, "files": digests}))
    flush(folder / _SEAL)


def fault_of(folder: Path, *, run: str = "") -> str:
    """What is wrong with a checkpoint, in words that go after "was"; empty for one that is as it was sealed."""
    try:
        sealed = json.loads((folder / _SEAL).read_text(encoding="utf-8"))
        if (sealed["checkpoint"], sealed["run"]) != (folder.name, run):
            return "written by another run"
        digests = dict(sealed["files"])
        changed = [name for name in {*digests, *_files(folder)} if file_digest(folder / name) != digests.get(name)]
    except DAMAGE as error:
        unsealed = isinstance(error, FileNotFoundError) and not (folder / _SEAL).exists()
        return "not written in full, or by an earlier version," if unsealed else f"damaged ({error})"
    return f"damaged in {', '.join(sorted(changed))}" if changed else ""


def _files(folder: Path) -> list[str]:
    """Names of a checkpoint's files, but of its seal."""
    names = (file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    return sorted(name for name in names if name != _SEAL)


def last_checkpoint(folder: Path, *, run: str = "") -> Path | None:
    """The last checkpoint that is as it was written, and whose best one is too; what is not is removed, and said so."""
    updates = {path: path.name.rpartition("-")[2] for path in folder.glob("checkpoint-*")}
    numbered = {path: int(update) for path, update in updates.items() if update.isdecimal()}
    for checkpoint in sorted(numbered, key=numbered.__getitem__, reverse=True):
        if not (fault := fault_of(checkpoint, run=run) or _fault_of_best(checkpoint, run=run)):
            return checkpoint
        logger.warning(
            "%s was %s and is removed: training goes on from an earlier checkpoint, or begins anew.", checkpoint, fault
        )
        shutil.rmtree(checkpoint, ignore_errors=True)
    return None


def _fault_of_best(folder: Path, *, run: str) -> str:
    best = json.loads((folder / "trainer_state.json").read_text(encoding="utf-8")).get("best_model_checkpoint")
    fault = fault_of(folder.with_name(Path(best).name), run=run) if best else ""
    return f"built upon one that was {fault}" if fault else ""


@contextmanager
def _told(out: Path) -> Iterator[None]:
    """Say in one line that a checkpoint can't be written."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise _unwritten(out, error) from error
    except RuntimeError as error:
        if "PytorchStreamWriter" not in str(error) and "inline_container" not in str(error):
            raise
        raise _unwritten(out, error) from error


def _unwritten(out: Path, error: Exception) -> CacheError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return CacheError(f"The checkpoint in {out} can't be written: {reason}. Free some space and start the same again.")
