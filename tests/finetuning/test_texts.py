"""No dev or test sentence is ever trained on, and none of test chooses anything."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from pseudofam_core.corpora import Cleaning
from pseudofam_core.corpora.held_out import folded
from pseudofam_core.errors import CorpusError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import TextCut, open_texts
from pseudofam_core.languages import pair
from pseudofam_core.tasks.translation import TRANSLATION
from tests.finetuning.conftest import TARGET, write_pair

POOL = tuple(map(pair, ("tr-en", "az-en", "de-en")))


@pytest.fixture
def leaky(tmp_path):
    """Every way a sentence can leak: the target's test in its own train and, in English, in an auxiliary's; a third
    pair's dev in an auxiliary's train; with other case, punctuation and normal form."""
    english = [f"Sentence number {n} is here." for n in range(40)]
    write_pair(tmp_path, "tr", "train", [f"cümle {n}" for n in range(20)], english[:20])
    write_pair(tmp_path, "tr", "dev", ["cümle 18", "deneme"], [english[18], "A dev sentence."])
    write_pair(tmp_path, "tr", "test", ["cümle 3", "son"], ["unlike any", "Café olé."])
    leaks = [
        english[17].upper(),
        unicodedata.normalize("NFD", "Café olé!"),
        "a DEV sentence",
        "Only de has this.",
        english[5],
    ]
    write_pair(tmp_path, "az", "train", [f"az {n}" for n in range(len(leaks))], leaks)
    write_pair(tmp_path, "az", "dev", ["ayrı"], ["Unlike all others."])
    write_pair(tmp_path, "de", "train", ["Satz", "noch"], [english[30], english[31]])
    write_pair(tmp_path, "de", "dev", ["nur"], ["Only de has this."])
    write_pair(tmp_path, "de", "test", ["siebzehn"], [english[17]])
    return Workspace(corpus=str(tmp_path), cleaning=Cleaning(nfc=False, drop_held_out=False), pairs=POOL)


def test_leaks_are_found_by_either_side_in_every_pair(leaky):
    texts = open_texts(leaky, TARGET)
    trained = texts.train(TARGET)
    assert "cümle 3" not in trained.sources  # test, by its source
    assert "cümle 18" not in trained.sources  # dev
    assert "cümle 17" not in trained.sources  # another pair's test, in English
    assert len(trained) == 17
    # Only what is nobody's dev or test is left of the auxiliary that leaks.
    assert texts.train(pair("az-en")).targets == ("Sentence number 5 is here.",)
    held_out = {folded(line) for one in (texts.dev, texts.test) for line in (*one.sources, *one.targets)}
    for one in POOL:
        assert not held_out & {
            folded(line) for side in (texts.train(one).sources, texts.train(one).targets) for line in side
        }


def test_dev_never_holds_a_test_sentence(leaky):
    write_pair(Path(leaky.corpus), "tr", "dev", ["son", "x"], ["other", "unlike ANY"])
    with pytest.raises(CorpusError, match="No dev sentence"):
        _ = open_texts(leaky, TARGET).dev


def test_without_a_dev_split_the_same_sentences_are_set_apart_in_all_pairs(tuning):
    texts = {one: open_texts(tuning, one) for one in (TARGET, pair("az-en"))}
    dev = {one: set(text.dev.targets) for one, text in texts.items()}
    assert dev[TARGET] == dev[pair("az-en")]
    assert len(dev[TARGET]) == 6  # a fifth of 30
    for one in map(pair, ("tr-en", "az-en", "de-en", "sv-en")):
        trained = texts[TARGET].train(one)
        assert len(trained) == 24
        assert not dev[TARGET] & set(trained.targets)
    assert open_texts(replace(tuning, seed=2), TARGET).dev.digest != texts[TARGET].dev.digest


def test_a_larger_cut_holds_the_smaller(tuning):
    few = open_texts(tuning, TARGET, TextCut(5, 3))
    more = open_texts(tuning, TARGET, TextCut(9, None))
    assert (len(few.train(TARGET)), len(few.train(pair("az-en"))), len(more.train(pair("az-en")))) == (5, 3, 24)
    assert set(few.train(TARGET).targets) < set(more.train(TARGET).targets)
    assert few.dev == more.dev


def test_what_is_compared_of_a_sentence():
    assert folded("“Ça va?”, he said.") == folded("ça va he SAID")
    assert folded("क") != folded("कि")  # a vowel sign is a mark
    assert folded(" ?! ") == "?!"


def test_a_target_without_test_is_refused(tmp_path):
    write_pair(tmp_path, "tr", "train", ["a", "b"], ["c", "d"])
    with pytest.raises(CorpusError, match="no test split for tr-en"):
        open_texts(Workspace(corpus=str(tmp_path)), TARGET)


def test_references_are_the_bytes_of_the_file_and_blank_rows_are_not_scored(tmp_path):
    references = [
        "Cafe\u0301 \u201colé\u201d",
        " two  spaces ",
        'a "quote"',
        "zero\u200djoiner\u2028line",
        "",
        "</s> <pad>",
        "5\u00a0%",
    ]
    write_pair(tmp_path, "tr", "train", [f"cümle {n}" for n in range(9)], [f"line {n}" for n in range(9)])
    write_pair(tmp_path, "tr", "test", [f"kaynak {n}" for n in range(6)] + [" "], references)
    test = open_texts(Workspace(corpus=str(tmp_path)), TARGET).test
    kept = [line for line in references[:6] if line]
    assert [line.encode() for line in test.targets] == [line.encode() for line in kept]
    assert test.sources == ("kaynak 0", "kaynak 1", "kaynak 2", "kaynak 3", "kaynak 5")
    assert TRANSLATION.scorer(test).prepared(test.targets) == kept
