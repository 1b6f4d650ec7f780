"""A bitext's rows by their places, and those that are complete."""

from __future__ import annotations

import pytest

from pseudofam_core.corpora import Bitext
from pseudofam_core.languages import pair

BITEXT = Bitext(pair("be-en"), "train", ("а", "б", " ", "г"), ("one", "", "three", "four"))


def test_rows_come_in_the_order_they_are_asked_for():
    found = BITEXT.rows(i for i in (3, 0, 3))
    assert (found.sources, found.targets) == (("г", "а", "г"), ("four", "one", "four"))
    assert (found.pair, found.split) == (BITEXT.pair, BITEXT.split)
    assert len(BITEXT.rows([])) == 0


def test_a_row_that_there_is_not_is_no_row():
    with pytest.raises(IndexError):
        BITEXT.rows([4])


def test_complete_rows_have_both_sides():
    assert BITEXT.complete == BITEXT.rows([0, 3])
    whole = BITEXT.rows([0, 3])
    assert whole.complete is whole
