"""Estimates of an earlier model, text or estimator: no longer what a workspace asks for, but still to be seen."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pseudofam_core.estimates import FISHER_STAGE, fisher_key
from pseudofam_core.estimates.spec import FisherSpec, Workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.store.cache import Artifact, Cache
from pseudofam_core.store.keys import canonical

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
    asked = canonical(workspace)
    found: dict[LanguagePair, OutdatedEstimate] = {}
    present = {fisher_key(spec): pair for pair, spec in specs.items()}
    manifests = sorted(_manifests(cache), key=lambda one: str(one.manifest["created"]))
    for artifact in manifests:
        old, was = artifact.manifest["workspace"], artifact.manifest["spec"]
        pair = LanguagePair(**was["pair"])
        same_words = all(old.get(name) == asked[name] for name in _NAMES)
        if pair in specs and same_words and artifact.key not in present:
            found[pair] = OutdatedEstimate(artifact, _reasons(was, specs[pair]))
    done = {present[artifact.key] for artifact in manifests if artifact.key in present}
    return {pair: one for pair, one in found.items() if pair not in done}


def _reasons(was: Mapping[str, Any], spec: FisherSpec) -> tuple[str, ...]:
    now = canonical(spec)
    changed = tuple(words for name, words in _CHANGED.items() if was.get(name) != now[name])
    return changed or (_OTHER_VERSION,)


def _manifests(cache: Cache) -> Iterator[Artifact]:
    """Every estimate of the cache, as its manifest tells; one that tells nothing is passed over and logged."""
    for key in cache.keys(FISHER_STAGE):
        folder = cache.root / FISHER_STAGE / key
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            _ = manifest["created"], manifest["workspace"].get("model"), LanguagePair(**manifest["spec"]["pair"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("The manifest of %s can't be read (%s). It is passed over.", folder, error)
            continue
        yield Artifact(key, folder, manifest)
