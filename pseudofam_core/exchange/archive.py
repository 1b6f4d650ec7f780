"""Estimates as a zip that another cache can take in, and lists of families read from CSV.

The zip holds a folder per estimate, named by its key, with `manifest.json` and the files it names. Nothing of it is
believed: digests, key and shape are checked before anything reaches the cache.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import IO, Any

from safetensors import SafetensorError, safe_open

from pseudofam_core.errors import CacheError, DamagedArtifact
from pseudofam_core.estimates import FISHER_FILE, FISHER_STAGE, FISHER_VERSION, summarise
from pseudofam_core.store.cache import Artifact, Cache
from pseudofam_core.store.keys import file_digest, key_of

_MANIFEST = "manifest.json"
_AGAIN = "Export it again, or copy it again."
_KEY = re.compile(r"[0-9a-f]{32}")


def exported_size(estimates: Sequence[Artifact]) -> int:
    """Bytes that a zip of `estimates` takes, but for names and manifests."""
    return sum(one.file(name).stat().st_size for one in estimates for name in one.manifest["files"])


def export_estimates(estimates: Sequence[Artifact], target: IO[bytes] | Path) -> None:
    """Write finished estimates as a zip, uncompressed: the numbers are noise to a packer.

    Raises:
        CacheError: A file can't be read or written.
    """
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for one in estimates:
                for name in (_MANIFEST, *one.manifest["files"]):
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
    manifest = _manifest(archive, key)
    names = list(manifest["files"])
    if _KEY.fullmatch(key) is None or FISHER_FILE not in names or any(Path(name).name != name for name in names):
        raise CacheError(f"The zip's folder {key} is not laid out as an estimate. Export it again from Estimates.")
    if key_of(FISHER_STAGE, FISHER_VERSION, manifest["spec"]) != key:
        raise CacheError(
            f"The estimate {key[:8]} of {_pair_name(manifest)} was made by another version of the estimator, whose numbers can't "
            "be compared with this one's. Estimate it again."
        )
    if found := cache.find(FISHER_STAGE, key):
        return found
    summary = {
        name: value for name, value in manifest.items() if name not in ("stage", "key", "spec", "files", "created")
    }
    summary["estimated"] = manifest["created"]
    return cache.store(
        FISHER_STAGE, key, spec=manifest["spec"], summary=summary, write=_unpacking(archive, key, manifest)
    )


def _manifest(archive: zipfile.ZipFile, key: str) -> Mapping[str, Any]:
    """The manifest of one estimate, with all that pages read from it.

    Raises:
        CacheError: It is not the manifest of an estimate.
    """
    try:
        manifest: dict[str, Any] = json.loads(archive.read(f"{key}/{_MANIFEST}"))
        if manifest["stage"] != FISHER_STAGE or manifest["key"] != key:
            raise ValueError(f"it is of {manifest['stage']} {manifest['key']}")
        dict(manifest["files"])
        summarise(Artifact(key, Path(), manifest))
    except (ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise CacheError(f"The manifest in the zip's folder {key} is not that of an estimate ({error}).") from error
    return manifest


def _unpacking(archive: zipfile.ZipFile, key: str, manifest: Mapping[str, Any]) -> Callable[[Path], None]:
    """What writes the files into the cache's empty folder, and checks them there."""

    def write(folder: Path) -> None:
        for name, digest in manifest["files"].items():
            try:
                with archive.open(f"{key}/{name}") as packed, (folder / name).open("wb") as stream:
                    shutil.copyfileobj(packed, stream, 2**20)
            except (KeyError, zipfile.BadZipFile) as error:
                raise DamagedArtifact(
                    f"{name} of {_pair_name(manifest)} is missing or damaged in the zip. {_AGAIN}"
                ) from error
            if file_digest(folder / name) != digest:
                raise DamagedArtifact(
                    f"{name} of {_pair_name(manifest)} does not have the digest of its manifest. {_AGAIN}"
                )
        n_parameters = _n_parameters(folder / FISHER_FILE)
        if n_parameters != manifest["n_parameters"]:
            raise DamagedArtifact(
                f"{FISHER_FILE} of {_pair_name(manifest)} holds {n_parameters} numbers, its manifest says "
                f"{manifest['n_parameters']}. {_AGAIN}"
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


def _pair_name(manifest: Mapping[str, Any]) -> str:
    return f"{manifest['spec']['pair']['source']}-{manifest['spec']['pair']['target']}"
