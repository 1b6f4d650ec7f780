"""From a workspace to the keys of its Fisher estimates, and to those that are finished.

Nothing is computed here and no model is loaded, so pages may ask at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from pseudofam_core.cache import Artifact, Cache
from pseudofam_core.corpora import Bitext, CleaningReport, ParallelCorpus, clean, open_corpus
from pseudofam_core.corpora.batches import shuffled_indices
from pseudofam_core.corpora.held_out import HeldOut, held_out, without
from pseudofam_core.errors import CorpusError
from pseudofam_core.hashing import key_of
from pseudofam_core.hub import SAMPLE, resolve_model
from pseudofam_core.languages import LanguagePair
from pseudofam_core.results import FisherSummary
from pseudofam_core.specs import Estimator, FisherSpec, MiniBatches, Workspace

FISHER_STAGE = "fisher"
FISHER_VERSION = 2  # raise it when the same spec would give another value
FISHER_FILE = "fisher.safetensors"
SHARDS_FILE = "shards.safetensors"


def sample_corpus() -> Path:
    """The folder of the sample corpus, which ships with the package."""
    return Path(__file__).parent / "sample" / "corpus"


def corpus_of(workspace: Workspace) -> ParallelCorpus:
    """Open the workspace's corpus."""
    return open_corpus(sample_corpus() if workspace.corpus == SAMPLE else workspace.corpus)


def pool_of(workspace: Workspace) -> tuple[LanguagePair, ...]:
    """The workspace's pairs, sorted: those it names, or all that its corpus has in the split.

    Raises:
        CorpusError: The corpus lacks a pair, or has none in the split.
    """
    corpus = corpus_of(workspace)
    if workspace.pairs is not None:
        return tuple(sorted(workspace.pairs))
    pairs = tuple(pair for pair in corpus.pairs() if workspace.split in corpus.splits(pair))
    if not pairs:
        raise CorpusError(f"{corpus.name} has no pair with a split named {workspace.split!r}. Choose another split.")
    return pairs


def drawn_text(
    workspace: Workspace, pair: LanguagePair, *, held: HeldOut | None = None
) -> tuple[Bitext, CleaningReport]:
    """The sentences that an estimate reads: shuffled by seed, cleaned, the first `max_sentences` taken.

    Corpora that are aligned over all languages give every pair the same sentences, but for what cleaning drops. From
    train, the dev and test sentences of all the corpus's pairs are left out first (`held_out_of`), so that no family is
    chosen by sentences that will score it.

    Args:
        workspace: What was asked for.
        pair: One pair of its pool.
        held: What `held_out_of` gives, where the caller has it already.

    Raises:
        CorpusError: The split is missing or damaged, or nothing is left after cleaning.
    """
    corpus = corpus_of(workspace)
    bitext = without(corpus.read(pair, workspace.split), held_out_of(workspace) if held is None else held)
    order = shuffled_indices(len(bitext), seed=workspace.seed)
    cleaned, report = clean(_rows(bitext, order), workspace.cleaning)
    if not len(cleaned):
        raise CorpusError(f"Cleaning left no sentence of {pair} in {corpus.name}. Loosen the cleaning steps.")
    return _rows(cleaned, range(len(cleaned))[: workspace.max_sentences]), report


def held_out_of(workspace: Workspace) -> HeldOut:
    """What an estimate from train must not see: dev and test of all the corpus's pairs. Nothing for other splits."""
    if workspace.split != "train" or not workspace.cleaning.drop_held_out:
        return {}
    corpus = corpus_of(workspace)
    return held_out(corpus, corpus.pairs(), seed=workspace.seed)


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
    return key_of(FISHER_STAGE, FISHER_VERSION, spec)


def find_fisher(spec: FisherSpec, cache: Cache) -> Artifact | None:
    """The finished estimate of `spec`, or None."""
    return cache.find(FISHER_STAGE, fisher_key(spec))


def summarise(artifact: Artifact) -> FisherSummary:
    """What the manifest of an estimate tells."""
    counts = artifact.manifest
    source, target = counts["spec"]["pair"]["source"], counts["spec"]["pair"]["target"]
    return FisherSummary(
        pair=LanguagePair(source, target),
        key=artifact.key,
        n_sentences=counts["n_sentences"],
        n_source_tokens=counts["n_source_tokens"],
        n_target_tokens=counts["n_target_tokens"],
        n_parameters=counts["n_parameters"],
        mean_loss=counts["loss"] / counts["n_target_tokens"],
        total=counts["total"],
        layer_mass=counts["layer_mass"],
        seconds=counts["seconds"],
        created=counts["created"],
    )


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
    for pair, one in zip(pairs, loaded, strict=True):
        for name in ("positions", "counts"):
            first, other = loaded[0][name], one[name]
            if first.shape != other.shape or (name == "positions" and not np.array_equal(first, other)):
                raise ValueError(
                    f"artifacts must have the same {name} of shards. Got others for {pair} than for {pairs[0]}. "
                    "Estimate all pairs with the same model, parameters and shards, and with at least a sentence a shard."
                )
    return np.stack([one["values"] for one in loaded]), np.stack([one["counts"] for one in loaded])


def _rows(bitext: Bitext, indices: Sequence[int]) -> Bitext:
    sources, targets = (tuple(side[i] for i in indices) for side in (bitext.sources, bitext.targets))
    return Bitext(bitext.pair, bitext.split, sources, targets)
