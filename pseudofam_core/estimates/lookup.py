"""From a workspace to the keys of its Fisher estimates, and to those that are finished.

Nothing is computed here and no model is loaded, so pages may ask at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from pseudofam_core.corpora import Bitext
from pseudofam_core.corpora.held_out import HeldOut
from pseudofam_core.errors import MalformedValue
from pseudofam_core.estimates.spec import Estimator, FisherSpec, MiniBatches, Workspace
from pseudofam_core.estimates.summary import summarise
from pseudofam_core.estimates.texts import drawn_text, held_out_of, pool_of
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.store.cache import Artifact, Cache, readable
from pseudofam_core.store.stages import Stage

FISHER_FILE = "fisher.safetensors"
SHARDS_FILE = "shards.safetensors"


def fisher_spec(
    workspace: Workspace, pair: LanguagePair, *, revision: str | None = None, held: HeldOut | None = None
) -> FisherSpec:
    """Resolve one pair of a workspace to what its estimate depends on.

    Args:
        workspace: What was asked for.
        pair: One pair of its pool.
        revision: The model's, where it is known already: resolving a model that is only on the hub asks the hub.
        held: See `drawn_text`.

    Raises:
        ModelError: There is no such model.
        CorpusError: The text can't be read.
    """
    return spec_of_text(
        workspace,
        drawn_text(workspace, pair, held=held)[0],
        revision=revision or resolve_model(workspace.model).revision,
    )


def spec_of_text(workspace: Workspace, bitext: Bitext, *, revision: str) -> FisherSpec:
    """What the estimate of a drawn text by a model depends on; see `fisher_spec`."""
    mini_batches = workspace.mini_batches or MiniBatches()
    return FisherSpec(
        model_revision=revision,
        text_digest=bitext.digest,
        pair=bitext.pair,
        parameters=workspace.parameters,
        estimator=workspace.estimator,
        max_length=workspace.max_length,
        precision=workspace.precision,
        shards=workspace.shards,
        seed=None if workspace.estimator is Estimator.PER_SENTENCE else workspace.seed,
        mini_batches=mini_batches if workspace.estimator is Estimator.PER_BATCH else None,
        workspace=replace(workspace, pairs=None),
    )


def fisher_specs(workspace: Workspace) -> dict[LanguagePair, FisherSpec]:
    """Every pair of a workspace's pool resolved; the model once.

    Raises:
        ModelError: There is no such model.
        CorpusError: The text of a pair can't be read.
    """
    pool, revision, held = pool_of(workspace), resolve_model(workspace.model).revision, held_out_of(workspace)
    return {pair: fisher_spec(workspace, pair, revision=revision, held=held) for pair in pool}


def fisher_key(spec: FisherSpec) -> str:
    """The key under which the cache holds the estimate of `spec`."""
    return Stage.FISHER.key(spec)


def find_fisher(spec: FisherSpec, cache: Cache) -> Artifact | None:
    """The finished estimate of `spec`, or None."""
    return readable(cache.find(Stage.FISHER, fisher_key(spec), spec=spec), _whole)


def _whole(artifact: Artifact) -> Artifact:
    """The same, where it has what the estimator writes.

    Raises:
        MalformedValue: Its manifest is not that of an estimate, or does not name its file.
    """
    if FISHER_FILE not in artifact.files:
        raise MalformedValue(f"The estimate {artifact.key[:8]} lacks {FISHER_FILE}.")
    summarise(artifact)
    return artifact


def load_sketches(
    artifacts: Mapping[LanguagePair, Artifact],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """What the shards of each pair's sentences add to its Fisher diagonal, for one random subset of the parameters.

    Args:
        artifacts: Finished estimates of one model, one group of parameters and one number of shards.

    Returns:
        Sums of squared gradients, (n, S, m) float32 in nats², and the number of gradients in each shard, (n, S). Pairs sorted.
        The mean over some shards is their sums added up, over their counts added up. The subset leaves out what
        `compared_parameters` does.

    Raises:
        ValueError: The estimates have no, or not the same, subset or number of shards.
    """
    pairs = sorted(artifacts)
    loaded = [load_file(artifacts[pair].file(SHARDS_FILE)) for pair in pairs]
    for pair, sketch in zip(pairs, loaded, strict=True):
        for name in ("positions", "counts"):
            expected, got = loaded[0][name], sketch[name]
            if expected.shape != got.shape or (name == "positions" and not np.array_equal(expected, got)):
                raise ValueError(
                    f"artifacts must have the same {name} of shards. Got others for {pair} than for {pairs[0]}. "
                    "Estimate all pairs with the same model, parameters and shards, and with at least a sentence, or an update, "
                    "a shard."
                )
    return np.stack([sketch["values"] for sketch in loaded]), np.stack([sketch["counts"] for sketch in loaded])
