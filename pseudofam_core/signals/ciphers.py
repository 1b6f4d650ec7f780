"""Copies of a text whose words are others and whose order of words is the same: what syntax alone is worth.

Louchheim et al. (WMT 2025) fine-tune with such copies as auxiliaries: they gain next to nothing, where words in common gain
much. A signal that foresees help must tell them apart.
"""

from __future__ import annotations

import hashlib
import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from pseudofam_core.corpora import Bitext
from pseudofam_core.corpora.held_out import folded

KEPT_WORDS = 0.8
_WORD = re.compile(r"\S+")


def enciphered(bitext: Bitext, *, seed: int, kept_words: float = 0.0) -> Bitext:
    """The same text with the letters of its sources exchanged, within each script; targets stay as they are.

    Args:
        bitext: The text.
        seed: Of the exchange, and of the words that are kept.
        kept_words: Share of the distinct words that stay, wherever they stand: of what stands between blanks.
    """
    table = _exchanged(bitext, seed)

    def word(match: re.Match[str]) -> str:
        stays = _draw(f"{seed}\0{folded(match[0])}") < kept_words
        return match[0] if stays else match[0].translate(table)

    return replace(bitext, sources=tuple(_WORD.sub(word, line) for line in bitext.sources))


def _exchanged(bitext: Bitext, seed: int) -> Mapping[int, str]:
    """A permutation of the letters of each script; capitals follow their small letters."""
    alphabets: defaultdict[str, list[str]] = defaultdict(list)
    for letter in sorted(
        {small for line in bitext.sources for sign in line if sign.isalpha() and len(small := sign.lower()) == 1}
    ):
        alphabets[unicodedata.name(letter, "UNNAMED").split()[0]].append(letter)
    table: dict[int, str] = {}
    for script, letters in alphabets.items():
        order = letters[:]
        random.Random(f"{seed}\0{script}").shuffle(order)
        for letter, substitute in zip(order, order[1:] + order[:1], strict=True):  # one cycle: no letter stays
            table[ord(letter)] = substitute
            if len(letter.upper()) == len(substitute.upper()) == 1:
                table.setdefault(ord(letter.upper()), substitute.upper())
    return table


def _draw(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big") / 2**64
