"""The artifact cache: a key leads to verified bytes, or to nothing.

An artifact is a folder ``<root>/<stage>/<key>`` with its files and ``manifest.json``, which names each
file's digest. It is written beside, then renamed; a reader checks the digests. Damage is a logged miss:
the artifact is set aside and computed again, never shown.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from pseudofam_core.errors import CacheError, DamagedArtifact, MalformedValue
from pseudofam_core.store.keys import canonical, file_digest

logger = logging.getLogger(__name__)
_MANIFEST = "manifest.json"


def default_root() -> Path:
    """The cache folder where none is named: ``PSEUDOFAM_CACHE``, else ``cache`` of the checkout, else the user's own."""
    if named := os.environ.get("PSEUDOFAM_CACHE"):
        return Path(named)
    checkout = Path(__file__).parents[2] / "cache"
    return checkout if checkout.is_dir() else user_cache_path("pseudofam", appauthor=False)


@dataclass(frozen=True)
class Artifact:
    """A finished, verified result on disk.

    Attributes:
        key: Its key.
        folder: Where its files are.
        manifest: Spec, counts, provenance, digests: plain JSON values.
    """

    key: str
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def stage(self) -> str:
        """Name of its stage."""
        return str(self._entry("stage"))

    @property
    def spec(self) -> Any:
        """What was computed, as plain JSON values."""
        return self._entry("spec")

    @property
    def summary(self) -> Mapping[str, Any]:
        """What the stage wrote down of it, as plain JSON values."""
        ours = ("stage", "key", "spec", "files", "created")
        return {name: value for name, value in self.manifest.items() if name not in ours}

    @property
    def created(self) -> str:
        """When it was written: ISO 8601, UTC."""
        return str(self._entry("created"))

    @property
    def files(self) -> Mapping[str, str]:
        """The digest of each of its files, by name."""
        return typing.cast(Mapping[str, str], self._entry("files"))

    def _entry(self, name: str) -> Any:
        if name not in self.manifest:
            raise MalformedValue(f"The manifest of {self.key[:8]} must have {name}. Got {', '.join(self.manifest)}.")
        return self.manifest[name]

    def file(self, name: str) -> Path:
        """The path of one of its files."""
        return self.folder / name


class Cache:
    """Artifacts below one folder, which several processes and machines may share.

    Args:
        root: The folder; made at the first write.
    """

    def __init__(self, root: Path) -> None:
        """Remember the folder; nothing is read or written yet."""
        self.root = root

    def find(self, stage: str, key: str) -> Artifact | None:
        """The artifact of `key`, its bytes verified, or None where it is missing or damaged."""
        folder = self.root / stage / key
        if not (folder / _MANIFEST).is_file():
            return None
        try:
            return _verified(folder)
        except DamagedArtifact as damage:
            logger.warning("%s It counts as missing and will be computed again.", damage)
            return None

    def keys(self, stage: str) -> Iterator[str]:
        """Keys of the stage's artifacts, unverified, in no order."""
        folder = self.root / stage
        if folder.is_dir():
            yield from (one.name for one in folder.iterdir() if not one.name.startswith("."))

    def store(
        self, stage: str, key: str, *, spec: Any, summary: Mapping[str, Any], write: Callable[[Path], None]
    ) -> Artifact:
        """Write an artifact: all of it appears at once, or nothing does.

        Args:
            stage: Name of the stage.
            key: Key of the result.
            spec: What was computed, for the manifest.
            summary: Plain JSON values for the manifest: counts, provenance.
            write: Writes the files into the empty folder it is given.

        Raises:
            CacheError: The disk is full or can't be written.
        """
        final = self.root / stage / key
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            beside = Path(tempfile.mkdtemp(prefix=f".{key}.", dir=final.parent))
        except OSError as error:
            raise CacheError(f"The cache {self.root} can't be written: {error}. Choose another folder.") from error
        try:
            write(beside)
            _write_manifest(beside, {"stage": stage, "key": key, "spec": canonical(spec), **canonical(summary)})
            _replace(beside, final)
        except OSError as error:
            raise CacheError(f"{stage} {key} can't be written: {error}. Free some space and run it again.") from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        return _verified(final)

    def partial(self, stage: str, key: str) -> Path:
        """A folder for the checkpoints of an unfinished computation of `key`; not made yet."""
        return self.root / "partial" / stage / key


def write_atomically(path: Path, text: str) -> None:
    """Write a text file beside, then rename: a reader sees the old one or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _verified(folder: Path) -> Artifact:
    """Read an artifact and check its bytes.

    Raises:
        DamagedArtifact: The manifest or a file is not what was written.
    """
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        digests = dict(manifest["files"])
        damaged = [name for name, digest in digests.items() if file_digest(folder / name) != digest]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedArtifact(f"The artifact {folder} can't be read ({error}).") from error
    if damaged:
        raise DamagedArtifact(f"The artifact {folder} is damaged in {', '.join(damaged)}.")
    return Artifact(folder.name, folder, manifest)


def _write_manifest(folder: Path, entries: Mapping[str, Any]) -> None:
    files = {one.name: file_digest(one) for one in sorted(folder.iterdir())}
    manifest = {**entries, "files": files, "created": datetime.now(UTC).isoformat(timespec="seconds")}
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")


def _replace(beside: Path, final: Path) -> None:
    """Move `beside` to `final`; an artifact that another process finished first is kept if it is sound."""
    for path in (*beside.iterdir(), beside):
        _flush(path)
    beside.chmod(0o755)
    if (final / _MANIFEST).is_file():
        try:
            _verified(final)
        except DamagedArtifact:
            shutil.rmtree(final, ignore_errors=True)
        else:
            return
    elif final.exists():
        shutil.rmtree(final)
    try:
        beside.rename(final)
    except OSError:
        if not (final / _MANIFEST).is_file():  # lost a race against an equal result: that one serves
            raise


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
