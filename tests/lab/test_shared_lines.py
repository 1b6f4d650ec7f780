"""Text with gaps, brought to the lines that all languages have: benchmarks of what the same sentences say rest on it."""

from __future__ import annotations

import pytest

from benchmarks._shared_lines import shared_lines, written
from pseudofam_core.corpora import Bitext, open_corpus
from pseudofam_core.languages import pair

ENGLISH = ("one", "two", "", "four", "five")
SWAHILI = Bitext(pair("sw-en"), "test", ("moja", "", "tatu", "nne", "tano"), ENGLISH)
ZULU = Bitext(pair("zu-en"), "test", ("kunye", "kubili", "kuthathu", " ", "isihlanu"), ENGLISH)


def test_a_line_that_any_language_lacks_is_left_out_for_all(tmp_path):
    written(shared_lines([SWAHILI, ZULU]), tmp_path / "verses", "train")
    corpus = open_corpus(tmp_path / "verses")
    texts = [corpus.read(text.pair, "train") for text in (SWAHILI, ZULU)]
    assert [text.sources for text in texts] == [("moja", "tano"), ("kunye", "isihlanu")]
    assert {text.targets for text in texts} == {("one", "five")}


def test_texts_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match=r"aligned line by line with one another\. Got 4 to 5 lines"):
        shared_lines([SWAHILI, ZULU.rows(range(4))])
