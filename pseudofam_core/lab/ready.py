"""What experiments ask of a workspace before anything is estimated for it: model, text and pool tell it without a model's run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pseudofam_core.corpora import Bitext
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.store.cache import Cache
from pseudofam_core.structure.kinship import relatives

Texts = Mapping[LanguagePair, Bitext]
Ready = Callable[[Workspace, Texts, Cache], None]


def any_pool(workspace: Workspace, texts: Texts, cache: Cache) -> None:
    """Every workspace will do."""


def with_relatives(workspace: Workspace, texts: Texts, cache: Cache) -> None:
    """Refuse a pool in which nothing can be said of relatives standing before others.

    Raises:
        ValueError: Fewer than two of its languages have both a relative and another language beside them.
    """
    n_kin = relatives(tuple(texts)).sum(axis=1)
    n_asked = int(((n_kin > 0) & (n_kin < len(texts) - 1)).sum())
    if n_asked < 2:
        raise ValueError(
            "The pool must have at least 2 languages of which it holds relatives (the same traditional family) and others. "
            f"Got {n_asked} of {len(texts)}. Name more pairs."
        )


def n_sentences(texts: Texts) -> int:
    """The fewest that are read of a pair."""
    return min(map(len, texts.values()))
