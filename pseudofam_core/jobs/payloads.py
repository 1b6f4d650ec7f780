"""Workspaces as plain JSON values, as a job's payload holds them under ``workspace``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pseudofam_core.corpora.cleaning import Cleaning
from pseudofam_core.estimates.spec import Estimator, MiniBatches, Precision, Workspace
from pseudofam_core.languages import pair
from pseudofam_core.store.keys import canonical


def workspace_to_json(workspace: Workspace) -> dict[str, Any]:
    """A workspace as plain JSON values, pairs written ``be-en``."""
    pairs = workspace.pairs and [str(one) for one in workspace.pairs]
    return {**canonical(workspace), "pairs": pairs}


def workspace_from_json(values: Mapping[str, Any]) -> Workspace:
    """The inverse of `workspace_to_json`.

    Raises:
        ValueError: A value is out of its range.
        KeyError: A value is missing.
        TypeError: A value has no place in a workspace.
    """
    batches = values["mini_batches"]
    typed = {
        "estimator": Estimator(values["estimator"]),
        "precision": Precision(values["precision"]),
        "cleaning": Cleaning(**values["cleaning"]),
        "mini_batches": None if batches is None else MiniBatches(**batches),
    }
    pairs = None if values["pairs"] is None else tuple(pair(text) for text in values["pairs"])
    return Workspace(**{**values, **typed, "pairs": pairs})
