"""The whole Fisher matrix of a pool by inner products, layer by layer: a door to the engine, for workers and commands.

A layer that is finished is kept below `partial`, so that an interrupted run goes on with the next.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from pseudofam_core.errors import JobCancelled
from pseudofam_core.estimates import drawn_text
from pseudofam_core.estimates.computing import open_model
from pseudofam_core.estimates.fisher.factors import Factors, sentence_factors
from pseudofam_core.estimates.fisher.products import LayerProducts, layer_products
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.loading import TranslationModel
from pseudofam_core.models.parameters import select_parameters
from pseudofam_core.models.tokenization import EncodedPair
from pseudofam_core.progress import Meter, Report, ShouldStop, never
from pseudofam_core.store.cache import DAMAGE

_BATCH = 8  # sentences at once
# Of the factors that are held while layers are multiplied.
_MOST_BYTES = 1_500_000_000


def products_by_layer(
    workspace: Workspace,
    pairs: tuple[LanguagePair, ...],
    *,
    n_sentences: int,
    partial: Path,
    report: Report,
    should_stop: ShouldStop,
) -> dict[str, LayerProducts]:
    """Inner products of the pool's Fisher matrices, by weight.

    Args:
        workspace: Model, text and parameters: weights of linear layers.
        pairs: The pool, in this order.
        n_sentences: Sentences read of each, from the first that are drawn.
        partial: Folder for finished layers.
        report: Receives progress in layers.
        should_stop: Asked between language pairs and layers.

    Raises:
        ValueError: A parameter that is not such a weight.
        JobCancelled: `should_stop` said so; finished layers stay.
    """
    model = open_model(workspace)
    names = select_parameters(model.parameters(), workspace.parameters)
    pool = _encoded(model, workspace, pairs, n_sentences)
    meter = Meter(report, should_stop, phase="multiplying gradients", total=len(names), unit="layers")
    products: dict[str, LayerProducts] = {}
    for name in names:
        if (done := _read(partial / f"{name}.safetensors")) is not None:
            products[name] = done
            meter.advance(1)
    todo = [name for name in names if name not in products]
    at_once = _layers_at_once(model, pool, todo)
    for start in range(0, len(todo), at_once):
        for name, factors in _factors(model, pool, todo[start : start + at_once], should_stop).items():
            products[name] = layer_products(factors)
            _write(partial / f"{name}.safetensors", products[name])
            meter.advance(1)
    return {name: products[name] for name in names}


def projected_products(
    workspace: Workspace, pairs: tuple[LanguagePair, ...], name: str, *, n_sentences: int, width: int
) -> LayerProducts:
    """One layer by projected gradients, to be held against the exact ones: see `layer_products`."""
    model = open_model(workspace)
    factors = _factors(model, _encoded(model, workspace, pairs, n_sentences), [name], never)
    return layer_products(factors[name], project=width)


def _encoded(
    model: TranslationModel, workspace: Workspace, pairs: tuple[LanguagePair, ...], n_sentences: int
) -> list[list[EncodedPair]]:
    texts = [drawn_text(workspace, pair)[0] for pair in pairs]
    return [model.encode(text.rows(range(len(text))[:n_sentences]), max_length=workspace.max_length) for text in texts]


def _factors(
    model: TranslationModel, pool: list[list[EncodedPair]], names: list[str], should_stop: ShouldStop
) -> dict[str, list[list[Factors]]]:
    """By weight, for each language pair the factors of its sentences."""
    factors: dict[str, list[list[Factors]]] = {name: [[] for _ in pool] for name in names}
    for place, encoded in enumerate(pool):
        for start in range(0, len(encoded), _BATCH):
            parts = sentence_factors(model.module, names, model.collate(encoded[start : start + _BATCH]))
            for name in names:
                factors[name][place] += parts[name]
        if should_stop():
            raise JobCancelled("Stopped on request while reading. Finished layers are kept.")
    return factors


def _layers_at_once(model: TranslationModel, pool: list[list[EncodedPair]], names: list[str]) -> int:
    """How many layers' factors fit into memory."""
    n_tokens = sum(model.n_tokens(sentence) for encoded in pool for sentence in encoded)
    widest = max((sum(model.module.get_parameter(name).shape) for name in names), default=1)
    return int(max(1, _MOST_BYTES // (4 * widest * n_tokens)))


def _write(path: Path, products: LayerProducts) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}")
    save_file({name: np.ascontiguousarray(value) for name, value in vars(products).items()}, beside)
    beside.replace(path)


def _read(path: Path) -> LayerProducts | None:
    """A finished layer; None where there is none, or its file is damaged."""
    try:
        stored = load_file(path)
        return LayerProducts(
            **{name: stored[name] for name in ("gram", "squares", "roots", "kronecker")},
            seconds=tuple(stored["seconds"].tolist()),
            shape=tuple(stored["shape"].tolist()),
            projected=int(stored["projected"]),
        )
    except DAMAGE:
        return None
