"""A corpus limited to what a model has not read: by its name, wherever a corpus is named, with keys of its own."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest

from pseudofam_core.commands.options import add_families_from, add_workspace, chosen_workspace, families_workspace
from pseudofam_core.corpora.choices import Choices, limited_source, parse_source
from pseudofam_core.corpora.kept_back import keep_back, read_kept_back, write_kept_back
from pseudofam_core.errors import CorpusError
from pseudofam_core.estimates import corpus_of, drawn_text, fisher_key, pool_of
from pseudofam_core.estimates.lookup import spec_of_text
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning.texts import open_texts, refuse_seen, tuned_workspace
from pseudofam_core.jobs.control import placed
from pseudofam_core.languages import pair

BE, UK = pair("be-en"), pair("uk-en")


@pytest.fixture
def whole(tmp_path):
    """Two pairs of 60 rows with dev and test, one English side."""
    for code in ("be", "uk"):
        (tmp_path / "text" / f"{code}-en").mkdir(parents=True)
        for split, rows in (("train", range(60)), ("dev", range(60, 66)), ("test", range(66, 72))):
            for side in (code, "en"):
                text = "".join(f"{side} sentence {i}\n" for i in rows)
                (tmp_path / "text" / f"{code}-en" / f"{split}.{side}").write_text(text, encoding="utf-8")
    return Workspace(corpus=str(tmp_path / "text"), max_sentences=None)


@pytest.fixture
def model(whole, tmp_path):
    """The folder of a model that has kept half of it back."""
    (tmp_path / "model").mkdir()
    write_kept_back(keep_back(corpus_of(whole), share=0.5, seed=1), tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def limited(whole, model):
    return replace(whole, corpus=limited_source(whole.corpus, str(model)))


def test_a_source_is_limited_beside_its_other_choices():
    assert parse_source(limited_source("text", "runs/fresh")) == ("text", Choices(kept_back="runs/fresh"))
    assert parse_source(limited_source("hf:a/b#target=fr", "m")) == ("hf:a/b", Choices(target="fr", kept_back="m"))


def test_train_is_what_was_kept_back_and_dev_and_test_are_the_corpus_s_own(whole, limited, model):
    kept, part = read_kept_back(model), corpus_of(limited)
    assert part.pairs() == corpus_of(whole).pairs() == pool_of(limited)
    assert part.readable() == corpus_of(whole).readable()
    assert "kept back" in part.name
    for one in part.pairs():
        train = corpus_of(whole).read(one, "train")
        assert part.read(one, "train") == kept.only_kept(train)
        assert 0 < len(part.read(one, "train")) < len(train)
        assert not set(part.read(one, "train").targets) & set(kept.without_kept(train).targets)
        for split in ("dev", "test"):
            assert part.read(one, split) == corpus_of(whole).read(one, split)
        assert part.read_all(one, "train") == (part.read(one, "train"),)


def test_estimates_and_fine_tuning_read_the_kept_half_alone(whole, limited, model):
    rows = read_kept_back(model).only_kept(corpus_of(whole).read(BE, "train"))
    assert sorted(drawn_text(limited, BE)[0].targets) == sorted(rows.targets)
    texts = open_texts(limited, BE)
    assert sorted(texts.train(BE).targets) == sorted(rows.targets)
    assert texts.test == open_texts(whole, BE).test


def test_keys_differ_from_those_of_the_whole_and_from_those_of_another_half(whole, limited, model, tmp_path):
    def key(workspace):
        return fisher_key(spec_of_text(workspace, drawn_text(workspace, BE)[0], revision="r"))

    write_kept_back(keep_back(corpus_of(whole), share=0.5, seed=2), tmp_path)
    other = replace(whole, corpus=limited_source(whole.corpus, str(tmp_path)))
    assert len({key(whole), key(limited), key(other)}) == 3


def test_another_corpus_gives_only_listed_sentences(model, tmp_path):
    place = tmp_path / "other" / "de-en"
    place.mkdir(parents=True)
    for side in ("de", "en"):
        (place / f"train.{side}").write_text(f"{side} sentence 1\n{side} sentence 2\n", encoding="utf-8")
    limited = Workspace(corpus=limited_source(str(tmp_path / "other"), str(model)))
    with pytest.raises(CorpusError, match="Nothing of de-en in other was kept back"):
        corpus_of(limited).read(pair("de-en"), "train")


def test_a_model_that_lists_nothing_is_an_error(whole, tmp_path):
    with pytest.raises(CorpusError, match="pretrain --keep-back"):
        corpus_of(replace(whole, corpus=limited_source(whole.corpus, str(tmp_path))))


def test_jobs_keep_both_paths_in_full(whole, model, limited, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    named = replace(whole, corpus=limited_source("text#target=en", "model"))
    assert placed(named).corpus == limited_source(f"{whole.corpus}#target=en", str(model))


def test_families_of_the_limited_text_have_not_seen_what_scores_it(limited):
    refuse_seen(limited, (BE, UK), open_texts(tuned_workspace(limited, limited.corpus), BE))


@pytest.mark.parametrize(
    ("asked", "corpus"),
    [
        ([], "text"),
        (["--only-kept-back"], "text#kept-back=base"),
        (["--only-kept-back", "other"], "text#kept-back=other"),
    ],
)
def test_the_option_limits_the_corpus_by_the_model_or_by_another(asked, corpus):
    parser = argparse.ArgumentParser()
    add_workspace(parser)
    add_families_from(parser)
    options = parser.parse_args(["--model", "base", "--corpus", "text", *asked])
    assert chosen_workspace(options).corpus == families_workspace(options).corpus == corpus
    options = parser.parse_args(["--model", "base", "--corpus", "text", "--families-from", "sample", *asked])
    assert families_workspace(options).corpus == "sample"
