"""Cleaning of bitexts, with a report that counts every sentence pair.

Lengths are in characters after normalisation, because Japanese and Chinese put no spaces between words.

Cleaning drops different rows from different pairs. Multi-parallel text whose pairs are to be compared on the
same sentences should therefore keep to the defaults, which drop blank lines alone.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

from pseudofam_core.corpora.bitext import Bitext

Duplicates = Literal["keep", "drop-pairs", "drop-sources"]
_Drops = Callable[[str, str], bool]


class Reason(StrEnum):
    """Why a sentence pair was dropped. A pair counts for the first reason that applies, in this order."""

    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    LENGTH_RATIO = "length ratio"
    SYMBOLS = "mostly symbols"
    HELD_OUT = "held out"
    DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Cleaning:
    """What to normalise and what to drop. A limit of None is off.

    Attributes:
        nfc: Compose characters (Unicode NFC): the same text then has the same bytes and the same tokens.
        min_characters: Drop pairs with a shorter side, white space at the ends not counted. Blank lines are dropped always.
        max_characters: Drop pairs with a longer side.
        max_length_ratio: Drop pairs whose lengths differ by more than this factor from the bitext's overall ratio
            (all source characters over all target characters), so that one limit suits every script.
        max_symbol_share: Drop pairs with a side in which more than this share of the visible characters
            are neither letters nor marks: punctuation, digits, emoji.
        drop_held_out: Drop pairs with a side that equals a held-out sentence of the same language. Where nothing is
            translated, labels and answers may recur: then sources alone are looked at.
        duplicates: Keep repetitions, drop those of both sides together, or those of the source. The first one stays.

    Raises:
        ValueError: A limit is out of its range.
    """

    nfc: bool = True
    min_characters: int = 1
    max_characters: int | None = None
    max_length_ratio: float | None = None
    max_symbol_share: float | None = None
    drop_held_out: bool = True
    duplicates: Duplicates = "keep"

    def __post_init__(self) -> None:
        """Refuse limits that can't be meant."""
        if self.min_characters < 0:
            raise ValueError(f"min_characters must be at least 0. Got {self.min_characters}.")
        if self.max_characters is not None and self.max_characters < max(1, self.min_characters):
            limits = f"{self.max_characters} and {self.min_characters}"
            raise ValueError(f"max_characters must be at least 1 and min_characters. Got {limits}.")
        if self.max_length_ratio is not None and not self.max_length_ratio >= 1:
            raise ValueError(f"max_length_ratio must be at least 1. Got {self.max_length_ratio}.")
        if self.max_symbol_share is not None and not 0 <= self.max_symbol_share <= 1:
            raise ValueError(f"max_symbol_share must be in [0, 1]. Got {self.max_symbol_share}.")
        if self.duplicates not in get_args(Duplicates):
            raise ValueError(f"duplicates must be one of {', '.join(get_args(Duplicates))}. Got {self.duplicates!r}.")


@dataclass(frozen=True)
class CleaningReport:
    """What became of each sentence pair: ``n_pairs = n_kept + n_dropped``.

    Attributes:
        n_pairs: Sentence pairs before cleaning.
        n_kept: Sentence pairs after it.
        n_normalised: Pairs of the input that NFC changed, whether kept or dropped.
        dropped: Pairs dropped for each reason, zeros included.
    """

    n_pairs: int
    n_kept: int
    n_normalised: int
    dropped: Mapping[Reason, int]

    @property
    def n_dropped(self) -> int:
        """Pairs dropped for any reason."""
        return sum(self.dropped.values())


def clean(bitext: Bitext, cleaning: Cleaning, *, held_out: Collection[Bitext] = ()) -> tuple[Bitext, CleaningReport]:
    """Normalise `bitext` and drop pairs from it, in its order.

    Args:
        bitext: The text to clean.
        cleaning: What to do.
        held_out: Dev and test bitexts, of any pair: a sentence is compared with those of its own language.
    """
    rows = list(zip(bitext.sources, bitext.targets, strict=True))
    normalised = [(_nfc(source), _nfc(target)) for source, target in rows] if cleaning.nfc else rows
    checks = _checks(cleaning, normalised, bitext, held_out)
    kept = []
    dropped = dict.fromkeys(Reason, 0)
    for row in normalised:
        reason = next((reason for reason, drops in checks.items() if drops(*row)), None)
        if reason is None:
            kept.append(row)
        else:
            dropped[reason] += 1
    report = CleaningReport(
        n_pairs=len(rows),
        n_kept=len(kept),
        n_normalised=sum(before != after for before, after in zip(rows, normalised, strict=True)),
        dropped=dropped,
    )
    sources, targets = tuple(source for source, _ in kept), tuple(target for _, target in kept)
    return Bitext(bitext.pair, bitext.split, sources, targets), report


def symbol_share(text: str) -> float:
    """Share of the visible characters that are neither letters nor marks; 0 where none is visible."""
    # Joiners and other controls (C) are part of correct Persian and Hindi; separators (Z) are not visible.
    kinds = [kind for character in text if (kind := unicodedata.category(character)[0]) not in "CZ"]
    return sum(kind not in "LM" for kind in kinds) / len(kinds) if kinds else 0.0


def _checks(
    cleaning: Cleaning, rows: list[tuple[str, str]], bitext: Bitext, held_out: Iterable[Bitext]
) -> dict[Reason, _Drops]:
    """The checks that are switched on, in the order of `Reason`."""
    shortest = max(1, cleaning.min_characters)  # nothing can be learned from a blank line
    checks: dict[Reason, _Drops] = {Reason.TOO_SHORT: lambda *row: any(len(side.strip()) < shortest for side in row)}
    if (longest := cleaning.max_characters) is not None:
        checks[Reason.TOO_LONG] = lambda *row: any(len(side) > longest for side in row)
    if cleaning.max_length_ratio is not None:
        checks[Reason.LENGTH_RATIO] = _unlike_length(cleaning.max_length_ratio, rows)
    if (share := cleaning.max_symbol_share) is not None:
        checks[Reason.SYMBOLS] = lambda *row: any(symbol_share(side) > share for side in row)
    if cleaning.drop_held_out and held_out:
        checks[Reason.HELD_OUT] = _held_out(bitext, held_out, nfc=cleaning.nfc)
    if cleaning.duplicates != "keep":
        checks[Reason.DUPLICATE] = _repeated(sources_only=cleaning.duplicates == "drop-sources")
    return checks


def _unlike_length(factor: float, rows: list[tuple[str, str]]) -> _Drops:
    """Compare by multiplication, so that an empty side needs no special case."""
    n_source = sum(len(source) for source, _ in rows)
    n_target = sum(len(target) for _, target in rows)

    def drops(source: str, target: str) -> bool:
        scaled_source, scaled_target = len(source) * n_target, len(target) * n_source
        return scaled_source > factor * scaled_target or scaled_target > factor * scaled_source

    return drops


def _held_out(bitext: Bitext, held_out: Iterable[Bitext], *, nfc: bool) -> _Drops:
    sentences: defaultdict[str, set[str]] = defaultdict(set)
    if bitext.pair.source == bitext.pair.target:
        texts = {_nfc(text) if nfc else text for other in held_out for text in other.sources}
        return lambda source, target: source in texts
    for other in held_out:
        sentences[other.pair.source].update(map(_nfc, other.sources) if nfc else other.sources)
        sentences[other.pair.target].update(map(_nfc, other.targets) if nfc else other.targets)
    sources, targets = sentences[bitext.pair.source], sentences[bitext.pair.target]
    return lambda source, target: source in sources or target in targets


def _repeated(*, sources_only: bool) -> _Drops:
    """Remember the rows that pass: it must be the last check."""
    seen: set[tuple[str, ...]] = set()

    def drops(source: str, target: str) -> bool:
        row = (source,) if sources_only else (source, target)
        if row in seen:
            return True
        seen.add(row)
        return False

    return drops


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
