"""URIEL+ distances between languages (Khan et al., 2025), from the tables that the optional package carries.

The package's own queries take minutes for a pool of a hundred, write into the installed package and configure the
root logger. Its tables are plain arrays, so they are read where they lie, without importing or changing it, and its
formula is applied to the whole pool at once: 2/π · arccos of the cosine between two languages' feature vectors, over the
features that both have. Several sources of one feature count as 1 where any says 1 (the package's default, a union);
for coordinates, their mean.

The tables are those of the package as installed. Typological databases that it can integrate on request (Grambank and
others), and imputed values, are not in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from pseudofam_core.errors import PseudoFamError
from pseudofam_core.similarity.results import FloatMatrix

_TABLES = Path("database", "original_uriel")
_FILES = {"genetic": "family_features.npz", "geographic": "geocoord_features.npz"}
_PREFIXES = {"syntactic": "S_", "phonological": "P_", "inventory": "INV_"}


class UrielMissing(PseudoFamError):
    """The optional package urielplus is not installed, or not one whose tables are known."""


class UrielKind(StrEnum):
    """What languages are compared by.

    GENETIC: the branches of Glottolog's tree that hold them. GEOGRAPHIC: where they are spoken. SYNTACTIC,
    PHONOLOGICAL, INVENTORY (of sounds): typological features. FEATURAL: all three.
    """

    GENETIC = "genetic"
    GEOGRAPHIC = "geographic"
    SYNTACTIC = "syntactic"
    PHONOLOGICAL = "phonological"
    INVENTORY = "inventory"
    FEATURAL = "featural"


def uriel_distances(iso639_3: Sequence[str], kind: UrielKind, *, folder: Path | None = None) -> FloatMatrix:
    """(n, n) distances in [0, 1] between languages; NaN where two share no known feature, 0 on the diagonal.

    Args:
        iso639_3: Three-letter codes of individual languages.
        kind: What they are compared by.
        folder: The package's folder; by default where it is installed.

    Raises:
        UrielMissing: The package is not installed, or lacks the table.
    """
    values, known = _features(iso639_3, kind, (folder or _installed()) / _TABLES)
    mask = known.astype(np.float64)
    n_shared = mask @ mask.T
    # Of i's vector, over the features that j knows too.
    norms = np.sqrt(values**2 @ mask.T)
    sums = values @ mask.T
    inner = values @ values.T
    # The package gives a vector of zeros the direction of all ones.
    zero, both = norms == 0, (norms == 0) & (norms.T == 0)
    inner = np.where(both, n_shared, np.where(zero, sums.T, np.where(zero.T, sums, inner)))
    norms = np.where(zero, np.sqrt(n_shared), norms)
    cosines = inner / np.maximum(norms * norms.T, np.finfo(float).tiny)
    distances = 2 / np.pi * np.arccos(np.clip(cosines, -1, 1))
    distances[n_shared == 0] = np.nan
    np.fill_diagonal(distances, 0)
    return distances


def _installed() -> Path:
    spec = find_spec("urielplus")
    if spec is None or not spec.submodule_search_locations:
        raise UrielMissing("URIEL+ distances need the optional package urielplus. Install it: pip install urielplus")
    return Path(spec.submodule_search_locations[0])


def _features(iso639_3: Sequence[str], kind: UrielKind, tables: Path) -> tuple[FloatMatrix, FloatMatrix]:
    """(n, features) values, 0 where unknown, and whether they are known; sources are joined."""
    path = tables / _FILES.get(kind, "features.npz")
    try:
        with np.load(path, allow_pickle=False) as table:
            names, codes, values = table["feats"], table["langs"].tolist(), table["data"]
    except (OSError, KeyError, ValueError) as error:
        raise UrielMissing(
            f"{path.name} of urielplus can't be read: {error}. Install it anew: pip install urielplus==1.3.2"
        ) from error
    columns = np.char.startswith(names, _PREFIXES.get(kind, ""))
    rows = {code: row for row, code in enumerate(codes)}
    picked = np.full((len(iso639_3), int(columns.sum()), values.shape[2]), -1, dtype=np.float64)
    for i, code in enumerate(iso639_3):
        if code in rows:
            picked[i] = values[rows[code]][columns]
    known = (picked != -1) & np.isfinite(picked)
    joined = np.where(known, picked, 0).sum(axis=2) / np.maximum(known.sum(axis=2), 1)
    if kind is not UrielKind.GEOGRAPHIC:
        joined = np.where(known, picked, 0).max(axis=2)
    return joined, known.any(axis=2)
