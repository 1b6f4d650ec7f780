"""The stage that needs a model: compute a Fisher estimate and keep it. Only workers and the command line come here."""

from __future__ import annotations

import functools
import logging
import math
import shutil
import time
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

from pseudofam_core import __version__
from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.errors import CorpusError, ModelError
from pseudofam_core.estimates import (
    FISHER_FILE,
    SHARDS_FILE,
    drawn_text,
    find_fisher,
    fisher_key,
    fisher_spec,
    fisher_specs,
    pool_of,
    summarise,
)
from pseudofam_core.estimates.exclusive import exclusive
from pseudofam_core.estimates.fisher import FisherDiagonal, estimate_fisher
from pseudofam_core.estimates.fisher.diagnostics import convergence, lorenz_curve
from pseudofam_core.estimates.fisher.footprint import Footprint, check_footprint, predict_footprint
from pseudofam_core.estimates.fisher.gradients import gradient_sketch
from pseudofam_core.estimates.gradients import GRADIENT_FILE, Gradient, find_gradient, gradient_spec
from pseudofam_core.estimates.spec import FisherSpec, Precision, Workspace
from pseudofam_core.estimates.summary import Convergence, FisherRecord
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import ModelSource, fetch_model, resolve_model
from pseudofam_core.models.loading import TranslationModel, load_model
from pseudofam_core.models.memory import keep_freed_memory
from pseudofam_core.models.tokenization import check_coverage
from pseudofam_core.progress import Progress, Report, ShouldStop, never, silent
from pseudofam_core.store.cache import Artifact, Cache, default_root
from pseudofam_core.store.keys import canonical
from pseudofam_core.store.restoring import restored
from pseudofam_core.store.stages import Stage

__all__ = ["compute", "compute_gradient", "device_name", "estimate", "fisher_spec", "open_model"]
logger = logging.getLogger(__name__)


def compute(
    spec: FisherSpec,
    cache: Cache,
    *,
    batch_tokens: int = 1024,
    pool: tuple[LanguagePair, ...] = (),
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> Artifact:
    """Find the estimate of `spec`, or compute it, going on from the checkpoint of an interrupted run.

    Args:
        spec: What to estimate.
        cache: Where the result and the checkpoint are kept.
        batch_tokens: See `estimate_fisher`.
        pool: Further pairs, so that a refusal can name those that the model covers.
        report: Receives progress.
        should_stop: Asked after each batch.

    Raises:
        CorpusError: The text has changed since `spec` was made, or can't be read.
        ModelError: The model can't be loaded, has changed, lacks a language, needs more memory than there is, or gives no
            finite numbers.
        JobCancelled: `should_stop` said so; the checkpoint stays.
        CacheError: The result can't be written.
    """
    if finished := find_fisher(spec, cache):
        n_sentences = summarise(finished).n_sentences
        report(Progress("estimating", n_sentences, n_sentences))
        return finished
    partial = cache.partial(Stage.FISHER, fisher_key(spec))
    with exclusive(partial.with_suffix(".lock"), what="estimate", report=report, should_stop=should_stop):
        if finished := find_fisher(spec, cache):  # another job may have finished it meanwhile
            return finished
        return _computed(spec, cache, partial, batch_tokens, pool, report, should_stop)


def _computed(
    spec: FisherSpec,
    cache: Cache,
    partial: Path,
    batch_tokens: int,
    pool: tuple[LanguagePair, ...],
    report: Report,
    should_stop: ShouldStop,
) -> Artifact:
    report(Progress("loading the model", 0, 1, "models"))
    bitext = _text_of(spec)
    source = _source_of(spec)
    footprint = _footprint(spec, fetch_model(source), batch_tokens)
    model = _model(source, *_loading(spec))
    check_coverage(model.tokenizer, model.family, spec.pair, pool)
    checkpoint = partial / "checkpoint.safetensors"
    started = time.monotonic()
    diagonal = estimate_fisher(
        model,
        bitext,
        parameters=spec.parameters,
        estimator=spec.estimator,
        mini_batches=spec.mini_batches,
        seed=spec.workspace.seed,
        shards=spec.shards,
        max_length=spec.max_length,
        batch_tokens=batch_tokens,
        checkpoint=checkpoint,
        report=report,
        should_stop=should_stop,
    )
    seconds = time.monotonic() - started
    if not _is_finite(diagonal):
        shutil.rmtree(partial, ignore_errors=True)
        raise ModelError(
            f"The estimate of {spec.pair} can't be used: in {spec.precision} it has a loss of {diagonal.loss:g} nats and "
            f"values that are not finite. Take {Precision.FLOAT32}, or another model."
        )
    artifact = _stored(spec, diagonal, seconds, footprint, cache)
    shutil.rmtree(partial, ignore_errors=True)
    return artifact


def compute_gradient(
    spec: FisherSpec,
    bitext: Bitext,
    cache: Cache,
    *,
    batch_tokens: int = 1024,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> Gradient:
    """Find the gradient of a text, or compute it without an estimate, which may be of any text: dev.

    Args:
        spec: Of the text, as `spec_of_text` makes it.
        bitext: The text.
        cache: Where the result is kept.
        batch_tokens: See `gradient_sketch`.
        report: Receives progress.
        should_stop: Asked after each batch.

    Raises:
        ModelError: The model can't be loaded, has changed, lacks a language, or gives no finite numbers.
        JobCancelled: `should_stop` said so. Nothing is kept.
        CacheError: The result can't be written.
    """
    if (finished := find_gradient(spec, cache)) is not None:
        return finished
    spec = gradient_spec(spec)
    model = _model(_source_of(spec), *_loading(spec))
    check_coverage(model.tokenizer, model.family, spec.pair)
    sketch = gradient_sketch(
        model,
        bitext,
        parameters=spec.parameters,
        shards=spec.shards,
        max_length=spec.max_length,
        batch_tokens=batch_tokens,
        report=report,
        should_stop=should_stop,
    )
    if not sketch.values.isfinite().all():
        raise ModelError(f"The gradient of {spec.pair} is not finite in {spec.precision}. Take {Precision.FLOAT32}.")

    def write(folder: Path) -> None:
        save_file(vars(sketch), folder / GRADIENT_FILE)

    cache.store(Stage.GRADIENT, Stage.GRADIENT.key(spec), spec=spec, summary={}, write=write)
    return Gradient(sketch.values.numpy(), sketch.n_tokens.numpy())


def estimate(
    workspace: Workspace,
    *,
    cache: Cache | None = None,
    batch_tokens: int = 1024,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> dict[LanguagePair, Artifact]:
    """The estimate of every pair of the workspace's pool, found or computed: see `compute`.

    Args:
        workspace: What to estimate.
        cache: Where the results are kept; by default where app and commands keep theirs.
        batch_tokens: See `estimate_fisher`.
        report: Receives the progress of one pair after the other.
        should_stop: Asked after each batch.

    Raises:
        PseudoFamError: As `compute`.
    """
    kept, pool = cache or Cache(default_root()), pool_of(workspace)
    return {
        pair: compute(spec, kept, batch_tokens=batch_tokens, pool=pool, report=report, should_stop=should_stop)
        for pair, spec in fisher_specs(workspace).items()
    }


def open_model(workspace: Workspace) -> TranslationModel:
    """The workspace's model on the best device, downloaded first where it is only on the hub.

    Raises:
        ModelError: There is no such model, or it can't be loaded.
    """
    return _model(resolve_model(workspace.model), Precision(workspace.precision), None, None)


def device_name() -> str:
    """The device that estimates run on: ``cuda`` where there is one, else ``cpu``."""
    return "cuda" if torch.cuda.is_available() else "cpu"


@functools.lru_cache(maxsize=1)
def _model(
    source: ModelSource, precision: Precision, dropout: float | None, attention_dropout: float | None
) -> TranslationModel:
    """Load a model once for all pairs of a pool; frozen and in evaluation mode, so sharing it is safe."""
    keep_freed_memory()
    return load_model(
        fetch_model(source),
        device=device_name(),
        dtype=_DTYPES[precision],
        dropout=dropout,
        attention_dropout=attention_dropout,
    )


_DTYPES = {Precision.FLOAT32: torch.float32, Precision.BFLOAT16: torch.bfloat16}


def _loading(spec: FisherSpec) -> tuple[Precision, float | None, float | None]:
    """How an estimate wants its model."""
    if spec.mini_batches is None:
        return Precision(spec.precision), None, None
    return Precision(spec.precision), spec.mini_batches.dropout, spec.mini_batches.attention_dropout


def _source_of(spec: FisherSpec) -> ModelSource:
    source = resolve_model(spec.workspace.model)
    if source.revision != spec.model_revision:
        raise ModelError(f"The model {source.name} has changed since this estimate was asked for. Ask again.")
    return source


def _footprint(spec: FisherSpec, folder: Path, batch_tokens: int) -> Footprint:
    """What the estimate will need, refused where there is less."""
    footprint = predict_footprint(
        folder,
        parameters=spec.parameters,
        dtype=_DTYPES[spec.precision],
        batch_tokens=spec.mini_batches.tokens if spec.mini_batches else batch_tokens,
        max_length=spec.max_length,
        shards=spec.shards,
        dense_gradients=spec.mini_batches is not None,
    )
    check_footprint(footprint, device_name())
    logger.info("%s: at most %s.", spec.pair, footprint)
    return footprint


def _text_of(spec: FisherSpec) -> Bitext:
    bitext, report = drawn_text(spec.workspace, spec.pair)
    if bitext.digest != spec.text_digest:
        raise CorpusError(f"The text of {spec.pair} has changed since this estimate was asked for. Ask again.")
    if report.n_dropped:
        logger.info("%s: cleaning kept %d of %d sentence pairs.", spec.pair, report.n_kept, report.n_pairs)
    return bitext


def _is_finite(diagonal: FisherDiagonal) -> bool:
    return math.isfinite(diagonal.loss) and all(torch.isfinite(tensor).all() for tensor in diagonal.values.values())


def _stored(spec: FisherSpec, diagonal: FisherDiagonal, seconds: float, footprint: Footprint, cache: Cache) -> Artifact:
    masses = {name: float(tensor.sum(dtype=torch.float64)) for name, tensor in diagonal.values.items()}
    total = sum(masses.values())
    lorenz = lorenz_curve(tensor.numpy() for tensor in diagonal.values.values())
    sketch = diagonal.sketch
    record = FisherRecord(
        workspace=spec.workspace,
        version=__version__,
        libraries={"torch": torch.__version__, "transformers": transformers.__version__},
        device=device_name(),
        n_sentences=diagonal.n_sentences,
        n_source_tokens=diagonal.n_source_tokens,
        n_target_tokens=diagonal.n_target_tokens,
        n_gradients=int(sketch.counts.sum()),
        n_parameters=sum(tensor.numel() for tensor in diagonal.values.values()),
        loss=diagonal.loss,
        total=total,
        layer_mass={name: mass / total if total else 0.0 for name, mass in masses.items()},
        layer_zeros={name: tensor.numel() - int(tensor.count_nonzero()) for name, tensor in diagonal.values.items()},
        layer_sizes={name: tensor.numel() for name, tensor in diagonal.values.items()},
        lorenz=tuple(lorenz),
        top_percent_share=lorenz[1],
        convergence=restored(Convergence, convergence(sketch.values.numpy(), sketch.counts.tolist())),
        seconds=seconds,
        predicted_bytes=footprint.total,
    )

    def write(folder: Path) -> None:
        save_file({name: tensor.contiguous() for name, tensor in diagonal.values.items()}, folder / FISHER_FILE)
        save_file(vars(sketch), folder / SHARDS_FILE)
        if diagonal.gradient is not None:
            save_file(vars(diagonal.gradient), folder / GRADIENT_FILE)

    return cache.store(Stage.FISHER, fisher_key(spec), spec=spec, summary=canonical(record), write=write)
