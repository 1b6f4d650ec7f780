"""Estimates as a zip that another cache can take in.

The zip holds a folder per estimate, named by its key, with `manifest.json` and the files it names. Nothing of it is
believed: sizes, schema, key, digests and numbers are checked before anything reaches the cache. Whether a loss is true
nobody can tell without computing it, so an imported estimate says that it is one (`FisherSummary.imported`).
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from pseudofam_core.errors import CacheError, DamagedArtifact
from pseudofam_core.estimates import FISHER_FILE, SHARDS_FILE, FisherSummary, summarise
from pseudofam_core.estimates.summary import FisherRecord
from pseudofam_core.exchange.foreign_tensors import check_diagonal, check_shards
from pseudofam_core.exchange.foreign_zip import BROKEN, opened, whole_member
from pseudofam_core.store.cache import DAMAGE, Artifact, Cache
from pseudofam_core.store.keys import file_digest
from pseudofam_core.store.restoring import restored
from pseudofam_core.store.stages import Stage

_MANIFEST = "manifest.json"
_AGAIN = "Export it again, or copy it again."
_SAME = ("parameters", "estimator", "max_length")  # of the spec, and of the request it came from


def exported_size(estimates: Sequence[Artifact]) -> int:
    """Bytes that a zip of `estimates` takes, but for names and manifests."""
    return sum(estimate.file(name).stat().st_size for estimate in estimates for name in estimate.files)


def export_estimates(estimates: Sequence[Artifact], target: IO[bytes] | Path) -> None:
    """Write finished estimates as a zip, uncompressed: the numbers are noise to a packer.

    Raises:
        CacheError: A file can't be read or written.
    """
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for estimate in estimates:
                for name in (_MANIFEST, *estimate.files):
                    archive.write(estimate.file(name), f"{estimate.key}/{name}")
    except OSError as error:
        raise CacheError(f"The estimates can't be exported: {error}. Free some space and try again.") from error


def import_estimates(source: IO[bytes] | Path, cache: Cache) -> tuple[Artifact, ...]:
    """Take the estimates of a zip into the cache, where each passes every check. Those before a bad one stay.

    Args:
        source: The zip; a path must be that of a regular file.
        cache: Where they go.

    Raises:
        DamagedArtifact: Bytes or numbers are not the ones that the manifest names, or are not those of a diagonal.
        CacheError: It is no such zip, an estimate was made by another version of the estimator, or the disk is full.
    """
    try:
        with opened(source) as archive:
            keys = sorted({name.split("/")[0] for name in archive.namelist() if name.endswith(f"/{_MANIFEST}")})
            if not keys:
                raise CacheError(
                    "The zip has no estimate: no folder in it holds a manifest.json. Export one from Estimates."
                )
            return tuple(_import_one(archive, key, cache) for key in keys)
    except BROKEN as error:
        raise CacheError(f"The file is not a whole zip ({error}). {_AGAIN}") from error
    except OSError as error:
        raise CacheError(f"The zip can't be read: {error.strerror or error}.") from error


def _import_one(archive: zipfile.ZipFile, key: str, cache: Cache) -> Artifact:
    packed, summary = _packed(archive, key)
    if not {FISHER_FILE} <= set(packed.files) <= {FISHER_FILE, SHARDS_FILE}:
        raise CacheError(f"The zip's folder {key[:32]} is not laid out as an estimate. Export it again from Estimates.")
    if Stage.FISHER.key(summary.spec) != key:
        raise CacheError(
            f"The estimate {key[:8]} of {summary.pair} was made by another version of the estimator, whose numbers can't "
            "be compared with this one's. Estimate it again."
        )
    if present := cache.find(Stage.FISHER, key):
        return present
    known = {field.name for field in fields(FisherRecord)}
    plain = {name: value for name, value in packed.summary.items() if name in known}
    plain["estimated"] = summary.estimated or packed.created
    return cache.store(Stage.FISHER, key, spec=summary.spec, summary=plain, write=_unpacking(archive, packed, summary))


def _packed(archive: zipfile.ZipFile, key: str) -> tuple[Artifact, FisherSummary]:
    """One estimate as its manifest tells, and all that pages read from it.

    Raises:
        CacheError: It is not the manifest of an estimate.
    """
    try:
        manifest = restored(dict[str, Any], json.loads(whole_member(archive, f"{key}/{_MANIFEST}")), place=_MANIFEST)
        packed = Artifact(key, Path(), manifest)
        if (packed.stage, manifest.get("key")) != (Stage.FISHER, key):
            raise ValueError(f"it is of {packed.stage:.40} {manifest.get('key')!s:.40}")
        restored(dict[str, str], packed.files, place="files")
        summary = summarise(packed)
        if differing := [name for name in _SAME if getattr(summary.spec, name) != getattr(summary.workspace, name)]:
            raise ValueError(f"its workspace has another {differing[0]} than its spec")
        datetime.fromisoformat(summary.estimated or summary.created)
    except DAMAGE as error:
        raise CacheError(
            f"The manifest in the zip's folder {key[:32]} is not that of an estimate ({error!s:.300})."
        ) from error
    return packed, summary


def _unpacking(archive: zipfile.ZipFile, packed: Artifact, summary: FisherSummary) -> Callable[[Path], None]:
    """What writes the files into the cache's empty folder, and checks them there."""
    checks: Mapping[str, Callable[[Path, FisherSummary], None]] = {
        FISHER_FILE: check_diagonal,
        SHARDS_FILE: check_shards,
    }

    def write(folder: Path) -> None:
        for name, digest in packed.files.items():
            try:
                with archive.open(f"{packed.key}/{name}") as source, (folder / name).open("wb") as stream:
                    shutil.copyfileobj(source, stream, 2**20)
            except (KeyError, *BROKEN) as error:
                raise DamagedArtifact(f"{name} of {summary.pair} is missing or damaged in the zip. {_AGAIN}") from error
            if file_digest(folder / name) != digest:
                raise DamagedArtifact(f"{name} of {summary.pair} does not have the digest of its manifest. {_AGAIN}")
            checks[name](folder / name, summary)

    return write
