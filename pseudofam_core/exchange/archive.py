"""Estimates as a zip that another cache can take in, and lists of families read from CSV.

The zip holds a folder per estimate, named by its key, with `manifest.json` and the files it names. Nothing of it is
believed: digests, key and shape are checked before anything reaches the cache.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import IO, Any

from safetensors import SafetensorError, safe_open

from pseudofam_core.errors import CacheError, DamagedArtifact
from pseudofam_core.estimates import FISHER_FILE, FisherSummary, summarise
from pseudofam_core.store.cache import Artifact, Cache
from pseudofam_core.store.keys import file_digest
from pseudofam_core.store.restoring import restored
from pseudofam_core.store.stages import Stage

_MANIFEST = "manifest.json"
_AGAIN = "Export it again, or copy it again."
_KEY = re.compile(r"[0-9a-f]{32}")


def exported_size(estimates: Sequence[Artifact]) -> int:
    """Bytes that a zip of `estimates` takes, but for names and manifests."""
    return sum(one.file(name).stat().st_size for one in estimates for name in one.files)


def export_estimates(estimates: Sequence[Artifact], target: IO[bytes] | Path) -> None:
    """Write finished estimates as a zip, uncompressed: the numbers are noise to a packer.

    Raises:
        CacheError: A file can't be read or written.
    """
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for one in estimates:
                for name in (_MANIFEST, *one.files):
                    archive.write(one.file(name), f"{one.key}/{name}")
    except OSError as error:
        raise CacheError(f"The estimates can't be exported: {error}. Free some space and try again.") from error


def import_estimates(source: IO[bytes] | Path, cache: Cache) -> tuple[Artifact, ...]:
    """Take the estimates of a zip into the cache, where each passes every check. Those before a bad one stay.

    Raises:
        DamagedArtifact: Bytes are not the ones that the manifest names.
        CacheError: It is no such zip, an estimate was made by another version of the estimator, or the disk is full.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            keys = sorted({name.split("/")[0] for name in archive.namelist() if name.endswith(f"/{_MANIFEST}")})
            if not keys:
                raise CacheError(
                    "The zip has no estimate: no folder in it holds a manifest.json. Export one from Estimates."
                )
            return tuple(_import_one(archive, key, cache) for key in keys)
    except zipfile.BadZipFile as error:
        raise CacheError(f"The file is not a whole zip ({error}). Export it again, or copy it again.") from error
    except OSError as error:
        raise CacheError(f"The zip can't be read: {error}.") from error


def _import_one(archive: zipfile.ZipFile, key: str, cache: Cache) -> Artifact:
    packed = _packed(archive, key)
    names, summary = list(packed.files), summarise(packed)
    if _KEY.fullmatch(key) is None or FISHER_FILE not in names or any(Path(name).name != name for name in names):
        raise CacheError(f"The zip's folder {key} is not laid out as an estimate. Export it again from Estimates.")
    if Stage.FISHER.key(summary.spec) != key:
        raise CacheError(
            f"The estimate {key[:8]} of {summary.pair} was made by another version of the estimator, whose numbers can't "
            "be compared with this one's. Estimate it again."
        )
    if found := cache.find(Stage.FISHER, key):
        return found
    plain = {**packed.summary, "estimated": packed.created}
    return cache.store(Stage.FISHER, key, spec=summary.spec, summary=plain, write=_unpacking(archive, packed, summary))


def _packed(archive: zipfile.ZipFile, key: str) -> Artifact:
    """One estimate as its manifest tells, which has all that pages read from it.

    Raises:
        CacheError: It is not the manifest of an estimate.
    """
    try:
        manifest = restored(dict[str, Any], json.loads(archive.read(f"{key}/{_MANIFEST}")), place=_MANIFEST)
        packed = Artifact(key, Path(), manifest)
        if (packed.stage, manifest.get("key")) != (Stage.FISHER, key):
            raise ValueError(f"it is of {packed.stage} {manifest.get('key')}")
        restored(dict[str, str], packed.files, place="files")
        summarise(packed)
    except (ValueError, KeyError) as error:  # MalformedValue is a ValueError
        raise CacheError(f"The manifest in the zip's folder {key} is not that of an estimate ({error}).") from error
    return packed


def _unpacking(archive: zipfile.ZipFile, packed: Artifact, summary: FisherSummary) -> Callable[[Path], None]:
    """What writes the files into the cache's empty folder, and checks them there."""

    def write(folder: Path) -> None:
        for name, digest in packed.files.items():
            try:
                with archive.open(f"{packed.key}/{name}") as source, (folder / name).open("wb") as stream:
                    shutil.copyfileobj(source, stream, 2**20)
            except (KeyError, zipfile.BadZipFile) as error:
                raise DamagedArtifact(f"{name} of {summary.pair} is missing or damaged in the zip. {_AGAIN}") from error
            if file_digest(folder / name) != digest:
                raise DamagedArtifact(f"{name} of {summary.pair} does not have the digest of its manifest. {_AGAIN}")
        n_parameters = _n_parameters(folder / FISHER_FILE)
        if n_parameters != summary.n_parameters:
            raise DamagedArtifact(
                f"{FISHER_FILE} of {summary.pair} holds {n_parameters} numbers, its manifest says "
                f"{summary.n_parameters}. {_AGAIN}"
            )

    return write


def _n_parameters(path: Path) -> int:
    """Numbers in a safetensors file, counted from its header.

    Raises:
        DamagedArtifact: It is not a safetensors file.
    """
    try:
        with safe_open(path, framework="numpy") as tensors:
            return sum(prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    except SafetensorError as error:
        raise DamagedArtifact(f"{path.name} is not a safetensors file ({error}). {_AGAIN}") from error
