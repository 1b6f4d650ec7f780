"""Translations side by side: order, marks, and safety of what is shown."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.chrf import CHRF

from pseudofam_core.finetuning import Arm
from pseudofam_core.languages import pair
from pseudofam_core.outcomes.testing import compare_arms
from pseudofam_core.outcomes.translations import Span, marked_html, side_by_side, word_differences
from tests.cases_runs import BE, store_run


def test_words_that_differ_are_marked():
    spans = word_differences("the old dog sleeps.", "the green dog sleeps well.")
    assert [one.text.strip() for one in spans if one.differs] == ["green", "well"]


@given(st.text("ab .,", max_size=20), st.text("ab .,<&", max_size=20))
def test_the_pieces_make_the_translation(pinned, other):
    spans = word_differences(pinned, other)
    assert "".join(one.text for one in spans) == other
    if pinned == other:
        assert not any(one.differs for one in spans)


def test_translations_are_shown_as_text():
    evil = "<script>alert('*x*')</script> $a$ [b](c) :red[d] `e` _f_ &amp;"
    shown = marked_html([Span(evil, True), Span(" plain", False)])
    assert re.sub(r"</?mark>", "", shown).count("<") == 0
    assert html.unescape(re.sub(r"</?mark>", "", shown)) == evil + " plain"
    assert not re.search(r"[*$\[`_:]", shown)


def test_sentences_on_which_arms_differ_most_come_first(cache):
    runs = [
        store_run(cache, [], error=0.3),
        store_run(cache, ["uk"], error=0.1),
        store_run(cache, ["uk"], error=0.1, seed=2),
    ]
    found = compare_arms(runs, {BE: (Arm("single", ()), Arm("kl", (pair("uk-en"),)))}, n_resamples=10)
    every = side_by_side(found, BE, n=None)
    assert sorted(one.position for one in every) == list(range(40))
    gaps = [one.disagreement_of(one.scores) for one in every]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] > every[0].disagreement_of(["single"]) == 0
    first = every[0]
    texts = runs[1].outputs["test"]
    assert (first.source, first.reference) == (texts["sources"][first.position], texts["references"][first.position])
    own = texts["hypotheses"][first.position]  # the first seed speaks
    assert "".join(span.text for span in first.spans["kl"]) == own
    assert first.scores["kl"] == pytest.approx(CHRF(word_order=2).sentence_score(own, [first.reference]).score)
    assert [span.differs for span in first.spans["single"]] == [False]
    assert side_by_side(found, BE, n=3) == every[:3]
    with pytest.raises(ValueError, match="target must be one of be-en"):
        side_by_side(found, pair("uk-en"))
