"""Known answers: how they are told, on values by hand and on real evidence of a tiny model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pseudofam_core.__main__ import main
from pseudofam_core.errors import CorpusError
from pseudofam_core.estimates import drawn_text
from pseudofam_core.languages import pair
from pseudofam_core.signals import SIGNALS, Need, signal_matrices
from pseudofam_core.signals.between import values_between
from pseudofam_core.signals.selfcheck import Answer, _answer, fewest_sentences, self_check

PAIRS = tuple(map(pair, ("az-en", "sv-en", "tr-en")))


def values(*rows):
    """(3, 3, 3) of rows: each pair with the three other halves, its kept copy, its enciphered one."""
    found = np.full((3, 3, 3), 0.1)
    for i, (halves, kept, changed) in enumerate(rows):
        found[i, 0], found[i, 1, i], found[i, 2, i] = halves, kept, changed
    return found


def test_an_answer_names_those_that_are_wrong():
    right = values(([3, 1, 2], 2.5, 1), ([1, 3, 2], 2.5, 1), ([1, 2, 3], 2.5, 1))
    assert _answer("mse", 5, PAIRS, right).is_right
    wrong = values(([3, 4, 2], 2.5, 1), ([1, 3, 2], 2.5, 2.6), ([1, 2, 3], 3.0, 1))
    found = _answer("mse", 5, PAIRS, wrong)
    assert found.not_nearest == (PAIRS[0],)
    assert found.out_of_order == (PAIRS[1], PAIRS[2])
    assert not found.is_right


def test_equal_values_and_unknown_ones_are_no_answer():
    assert not _answer("amount", 5, PAIRS, np.ones((3, 3, 3))).is_right
    unknown = values(([np.nan, 1, 2], 2.5, 1), ([1, 3, 2], 2.5, 1), ([1, 2, 3], 2.5, 1))
    assert _answer("mse", 5, PAIRS, unknown).not_nearest == (PAIRS[0],)


def test_the_fewest_sentences_are_those_from_which_on_it_holds():
    def answers(*right):
        return [Answer("mse", 10 * (i + 1), PAIRS, () if one else PAIRS, ()) for i, one in enumerate(right)]

    assert fewest_sentences(answers(False, True, True), "mse") == 20
    assert fewest_sentences(answers(True, False, True), "mse") == 30
    assert fewest_sentences(answers(True, True), "mse") == 10
    assert fewest_sentences(answers(True, False), "mse") is None


def test_between_texts_signals_say_what_they_say_of_a_pool(workspace, cache):
    pairs = tuple(map(pair, ("az-en", "de-en", "sv-en", "tr-en")))
    texts = [drawn_text(workspace, one)[0] for one in pairs]
    asked = [one for one in SIGNALS.values() if one.needs in (Need.TEXT, Need.STATES, Need.FISHER)]
    asked = [one for one in asked if one.name != "consensus"]  # ranks among all texts, not among a pool's
    found = values_between(workspace, texts[:2], texts[2:], asked)
    pool = signal_matrices(workspace, cache, signals=[one.name for one in asked])
    assert set(found) == set(pool)
    for name, matrix in pool.items():
        np.testing.assert_allclose(found[name], matrix.values[:2, 2:], rtol=1e-4, atol=1e-7, err_msg=name)


def test_a_text_is_nearest_to_itself_by_every_signal_that_can_tell(tunable):
    text = [drawn_text(tunable, one)[0] for one in map(pair, ("sv-en", "tr-en"))]
    asked = [
        one for one in SIGNALS.values() if one.needs is not Need.LANGUAGES and one.name not in ("amount", "script")
    ]
    found = values_between(tunable, text, text, asked)
    assert set(found) == {one.name for one in asked}
    for name in (
        "subword-types",
        "subword-kl",
        "character-trigrams",
        "gradient-cosine",
        "gradient-fisher-cosine",
        "mse",
    ):
        assert found[name][0, 0] > found[name][0, 1], name
        assert found[name][1, 1] > found[name][1, 0], name


def test_the_check_asks_each_signal_with_each_number_of_sentences(workspace):
    found = self_check(workspace, sentences=(2, 3, 50), signals=["subword-types", "mse", "kinship", "amount"])
    assert [(one.signal, one.n_sentences) for one in found] == [
        ("amount", 2),
        ("subword-types", 2),
        ("mse", 2),
        ("amount", 3),
        ("subword-types", 3),
        ("mse", 3),
    ]
    assert all(len(one.pairs) == 4 for one in found)
    assert all(one.not_nearest == one.pairs for one in found if one.signal == "amount")


def test_too_little_text_and_strange_numbers_are_refused(workspace):
    with pytest.raises(CorpusError, match=r"At least two pairs must have 200 sentences. Got az-en: 7"):
        self_check(workspace, sentences=(100,))
    with pytest.raises(ValueError, match=r"at least 2 a half\. Got 1"):
        self_check(workspace, sentences=(1, 2))
    with pytest.raises(ValueError, match="signals must be of"):
        self_check(workspace, signals=["astrology"])


def test_the_command_tells_a_verdict_for_each_signal(workspace, tmp_path):
    options = ["--model", workspace.model, "--corpus", workspace.corpus, "--cache", str(tmp_path / "cache")]
    out = tmp_path / "check.csv"
    chosen = ["--signals", "subword-types,amount", "--sentences", "2,3"]
    assert main(["selfcheck", *options, *chosen, "--out", str(out)]) == 0
    table = pd.read_csv(out, comment="#", keep_default_na=False)
    assert list(table.columns) == ["signal", "sentences", "pairs", "not_nearest", "out_of_order", "verdict"]
    assert table[table["signal"] == "amount"]["verdict"].eq("fails").all()
    assert replace(workspace).model in out.read_text()
