"""Estimates made by hand: no model, no torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from safetensors.numpy import save_file

from pseudofam_core import estimates
from pseudofam_core.estimates.spec import FisherSpec, Workspace
from pseudofam_core.languages import pair
from pseudofam_core.store.cache import Artifact, Cache
from pseudofam_core.store.stages import Stage


def fisher_spec_of(name: str, *, workspace: Workspace | None = None, **changes) -> FisherSpec:
    """The spec of a pair of made-up text."""
    workspace = workspace or Workspace()
    spec = FisherSpec(
        model_revision="revision",
        text_digest=f"text of {name}",
        pair=pair(name),
        parameters=workspace.parameters,
        estimator=workspace.estimator,
        max_length=workspace.max_length,
        precision=workspace.precision,
        shards=workspace.shards,
        seed=None,
        mini_batches=None,
        workspace=workspace,
    )
    return replace(spec, **changes)


def keep_estimate(cache: Cache, name: str, values, *, key: str | None = None, **changes) -> Artifact:
    """Keep an estimate whose diagonal is `values`."""
    spec = fisher_spec_of(name, **changes)
    values = np.asarray(values, np.float32)
    summary = {
        "workspace": replace(spec.workspace, pairs=None),
        "n_sentences": 4,
        "n_source_tokens": 30,
        "n_target_tokens": 20,
        "n_parameters": values.size,
        "loss": 50.0,
        "total": float(values.sum()),
        "layer_mass": {"model.encoder.layers.0.fc1.weight": 1.0},
        "seconds": 1.0,
    }
    return cache.store(
        Stage.FISHER,
        key or estimates.fisher_key(spec),
        spec=spec,
        summary=summary,
        write=lambda folder: save_file({"model.encoder.layers.0.fc1.weight": values}, folder / estimates.FISHER_FILE),
    )
