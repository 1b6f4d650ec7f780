"""The artifact cache: a key leads to verified bytes, or to nothing.

An artifact is a folder ``<root>/<stage>/<key>`` with its files and ``manifest.json``, which names each file's digest and
has one itself. It is written beside, then renamed; a reader checks the digests, and that stage, key and spec are those
that were asked for. Damage is a logged miss: the artifact is set aside and computed again, never shown.
"""

from __future__ import annotations

import hashlib
import json
import logging
import typing
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from os import environ
from pathlib import Path
from typing import Any, TypeVar

from platformdirs import user_cache_path
from safetensors import SafetensorError

from pseudofam_core.errors import CacheError, DamagedArtifact, MalformedValue
from pseudofam_core.store.keys import canonical, file_digest
from pseudofam_core.store.writing import clear, flush, open_to_readers, temporary_folder, write_atomically

__all__ = ["DAMAGE", "Artifact", "Cache", "default_root", "readable", "write_atomically"]
T = TypeVar("T")
logger = logging.getLogger(__name__)
_MANIFEST = "manifest.json"
_MOST_BYTES = 100_000_000  # of a manifest

# What reading a damaged file can end in. UnicodeError and MalformedValue are a ValueError.
DAMAGE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, ArithmeticError, SafetensorError)


def default_root() -> Path:
    """The cache folder where none is named: ``PSEUDOFAM_CACHE``, else ``cache`` of the checkout, else the user's own."""
    if named := environ.get("PSEUDOFAM_CACHE"):
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
        ours = ("stage", "key", "spec", "files", "created", "digest")
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

    def find(self, stage: str, key: str, *, spec: Any = None) -> Artifact | None:
        """The artifact of `key`, verified, or None where it is missing or damaged.

        Args:
            stage: Name of the stage.
            key: Key of the result.
            spec: What the key was made from, where the caller knows; the artifact's must be the same.
        """
        folder = self.root / stage / key
        try:
            if not folder.exists():
                return None
            return _verified(folder, stage, spec)
        except (DamagedArtifact, OSError) as damage:
            logger.warning("%s It counts as missing and will be computed again.", damage)
            return None

    def keys(self, stage: str) -> Iterator[str]:
        """Keys of the stage's artifacts, unverified, in no order."""
        folder = self.root / stage
        if folder.is_dir():
            yield from (entry.name for entry in folder.iterdir() if not entry.name.startswith("."))

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
        final, plain = self.root / stage / key, canonical(spec)
        try:
            with temporary_folder(final) as beside:
                write(beside)
                _write_manifest(beside, {"stage": stage, "key": key, "spec": plain, **canonical(summary)})
                _replace(beside, final, stage, plain)
        except (OSError, SafetensorError) as error:
            raise CacheError(
                f"{stage} {key} can't be written below {self.root}: {error}. Free some space and run it again. "
                "Choose another folder where this one is closed to you."
            ) from error
        return _verified(final, stage, plain)

    def remove(self, stage: str, key: str) -> None:
        """Remove an artifact, which is gone at once or not at all; nothing where there is none.

        Raises:
            CacheError: It can't be removed.
        """
        folder = self.root / stage / key
        away = folder.with_name(f".{key}.{uuid.uuid4().hex}")
        try:
            folder.rename(away)
        except FileNotFoundError:
            return
        except OSError as error:
            raise CacheError(f"{stage} {key} can't be removed from {self.root}: {error}.") from error
        clear(away)

    def partial(self, stage: str, key: str) -> Path:
        """A folder for the checkpoints of an unfinished computation of `key`; not made yet."""
        return self.root / "partial" / stage / key


def readable(artifact: Artifact | None, read: Callable[[Artifact], T]) -> T | None:
    """What `read` makes of an artifact; None, logged, where it does not hold what its stage writes."""
    if artifact is None:
        return None
    try:
        return read(artifact)
    except DAMAGE as error:
        logger.warning(
            "%s does not hold what it should (%s: %s). It counts as missing and will be computed again.",
            artifact.folder,
            type(error).__name__,
            error,
        )
        return None


def _verified(folder: Path, stage: str, spec: Any) -> Artifact:
    """Read an artifact and check that its bytes are those that were written, and that it is the one of its place.

    Manifests of before they had a digest are taken without one.

    Raises:
        DamagedArtifact: The manifest or a file is not what was written, or is another's.
    """
    try:
        path = folder / _MANIFEST
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"its manifest has more than {_MOST_BYTES} bytes")
        manifest = json.loads(path.read_text(encoding="utf-8"))
        body = {name: value for name, value in manifest.items() if name != "digest"}
        if manifest.get("digest", _digest(body)) != _digest(body):
            raise ValueError("its manifest was changed")
        if (manifest["stage"], manifest["key"]) != (stage, folder.name):
            raise ValueError(f"it is {manifest['stage']} {manifest['key']}")
        if spec is not None and manifest["spec"] != canonical(spec):
            raise ValueError("it was made from another spec")
        digests = dict(manifest["files"])
        damaged = [name for name, digest in digests.items() if not _is_sound(folder, name, digest)]
    except DAMAGE as error:
        raise DamagedArtifact(f"The artifact {folder} can't be read ({type(error).__name__}: {error}).") from error
    if damaged:
        raise DamagedArtifact(f"The artifact {folder} is damaged in {', '.join(map(str, damaged))}.")
    return Artifact(folder.name, folder, manifest)


def _is_sound(folder: Path, name: str, digest: Any) -> bool:
    """Whether a file of an artifact, and no other, is a regular one with this digest."""
    path = folder / name
    return path.parent == folder and path.is_file() and file_digest(path) == digest


def _digest(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _write_manifest(folder: Path, entries: Mapping[str, Any]) -> None:
    files = {file.name: file_digest(file) for file in sorted(folder.iterdir())}
    told = {name: value for name, value in entries.items() if name != "digest"}  # an imported one has had another
    body = {**told, "files": files, "created": datetime.now(UTC).isoformat(timespec="seconds")}
    manifest = {**body, "digest": _digest(body)}
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")


def _replace(beside: Path, final: Path, stage: str, spec: Any) -> None:
    """Move `beside` to `final`; an artifact that another process finished first is kept if it is sound."""
    open_to_readers(beside)
    for path in (*beside.iterdir(), beside):
        flush(path)
    if _is_finished(final, stage, spec):
        return
    clear(final)
    try:
        beside.rename(final)
    except OSError:
        if not _is_finished(final, stage, spec):  # lost a race against an equal result: that one serves
            raise
    flush(final.parent)


def _is_finished(final: Path, stage: str, spec: Any) -> bool:
    """Whether there is an artifact that was made as this one is. Of those without a digest nobody can tell."""
    try:
        return "digest" in _verified(final, stage, spec).manifest
    except DamagedArtifact:
        return False
