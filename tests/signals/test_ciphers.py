"""Enciphered copies: other words, the same order and number of them."""

from __future__ import annotations

import unicodedata

from pseudofam_core.corpora import Bitext
from pseudofam_core.languages import pair
from pseudofam_core.signals.ciphers import enciphered

SOURCES = ("Добры дзень, 12 сяброў! Привет", "Tom i jego кот. Кот", "हिन्दी भाषा ठीक है", "")
TEXT = Bitext(pair("be-en"), "train", SOURCES, ("a", "b", "c", "d"))


def test_letters_are_exchanged_one_for_one_within_their_script():
    copy = enciphered(TEXT, seed=1)
    assert copy.targets == TEXT.targets
    table: dict[str, str] = {}
    for before, after in zip(SOURCES, copy.sources, strict=True):
        assert len(before) == len(after)
        for one, other in zip(before, after, strict=True):
            if not one.isalpha():
                assert one == other
                continue
            assert one != other
            assert unicodedata.name(one).split()[0] == unicodedata.name(other).split()[0]
            assert one.isupper() == other.isupper()
            assert table.setdefault(one, other) == other
    assert len(set(table.values())) == len(table)
    small = {one: other for one, other in table.items() if one.islower()}
    assert all(table[one.upper()] == other.upper() for one, other in small.items() if one.upper() in table)


def test_the_seed_decides():
    assert enciphered(TEXT, seed=1) == enciphered(TEXT, seed=1)
    assert enciphered(TEXT, seed=1) != enciphered(TEXT, seed=2)


def test_most_words_are_kept_wherever_they_stand():
    words = [f"{a}{b}{c}" for a in "bcdfg" for b in "aeiou" for c in "klmnp"]
    lines = tuple(f"{one} {one.title()}, {one}!" for one in words)
    copy = enciphered(Bitext(pair("tr-en"), "train", lines, ("x",) * len(lines)), seed=3, kept_words=0.8)
    kept = [before == after for before, after in zip(lines, copy.sources, strict=True)]
    assert 0.65 < sum(kept) / len(kept) < 0.92
    for before, after, stays in zip(lines, copy.sources, kept, strict=True):
        if not stays:
            assert all(one != other for one, other in zip(before.split(), after.split(), strict=True))
