"""Estimates of an earlier model, text or estimator: no longer what a workspace asks for, but still to be seen."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pseudofam_core.estimates.lookup import fisher_key
from pseudofam_core.estimates.spec import FisherSpec, Workspace
from pseudofam_core.estimates.summary import FisherSummary, summarise
from pseudofam_core.languages import LanguagePair
from pseudofam_core.store.cache import DAMAGE, Artifact, Cache
from pseudofam_core.store.restoring import restored
from pseudofam_core.store.stages import Stage

logger = logging.getLogger(__name__)
_CHANGED = {"model_revision": "the model has changed", "text_digest": "the text has changed"}
_OTHER_VERSION = "the estimator has changed"
_NAMES = ("model", "corpus", "split", "parameters", "estimator", "max_sentences", "max_length", "cleaning", "seed")


@dataclass(frozen=True)
class OutdatedEstimate:
    """An estimate that was asked for in the same words, when they meant something else.

    Attributes:
        artifact: The old result; its bytes are not verified.
        reasons: What has changed since, in plain words.
    """

    artifact: Artifact
    reasons: tuple[str, ...]


def outdated_estimates(
    workspace: Workspace, specs: Mapping[LanguagePair, FisherSpec], cache: Cache
) -> dict[LanguagePair, OutdatedEstimate]:
    """The latest outdated estimate of each pair that has one and no present one.

    Args:
        workspace: As jobs keep it: names of model and corpus as manifests write them.
        specs: What each pair's estimate depends on now.
        cache: Where estimates are.
    """
    outdated: dict[LanguagePair, OutdatedEstimate] = {}
    present = {fisher_key(spec): pair for pair, spec in specs.items()}
    finished = sorted(_finished(cache), key=lambda entry: entry[1].created)
    for artifact, was in finished:
        same_words = all(getattr(was.workspace, name) == getattr(workspace, name) for name in _NAMES)
        if was.pair in specs and same_words and artifact.key not in present:
            outdated[was.pair] = OutdatedEstimate(artifact, _reasons(was.spec, specs[was.pair]))
    done = {present[artifact.key] for artifact, _ in finished if artifact.key in present}
    return {pair: estimate for pair, estimate in outdated.items() if pair not in done}


def _reasons(was: FisherSpec, now: FisherSpec) -> tuple[str, ...]:
    changed = tuple(words for name, words in _CHANGED.items() if getattr(was, name) != getattr(now, name))
    return changed or (_OTHER_VERSION,)


def _finished(cache: Cache) -> Iterator[tuple[Artifact, FisherSummary]]:
    """Every estimate of the cache, as its manifest tells; one that can't be read is passed over and logged."""
    for key in cache.keys(Stage.FISHER):
        folder = cache.root / Stage.FISHER / key
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            artifact = Artifact(key, folder, restored(dict[str, Any], manifest, place="manifest.json"))
            yield artifact, summarise(artifact)
        except DAMAGE as error:
            logger.warning("The manifest of %s can't be read (%s). It is passed over.", folder, error)
