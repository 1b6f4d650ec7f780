"""Estimates, and so the families chosen by them, never see a sentence that will choose or score a model."""

from dataclasses import replace

import pytest

from pseudofam_core.corpora.held_out import dev_rows, folded, held_out, without
from pseudofam_core.errors import CorpusError
from pseudofam_core.estimates import corpus_of, drawn_text, pool_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning.texts import open_texts, refuse_lacking, refuse_seen, tuned_workspace
from pseudofam_core.languages import pair

BE, UK = pair("be-en"), pair("uk-en")


def write(folder, name, split, rows):
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    for side, column in ((name[:2], 0), ("en", 1)):
        (place / f"{split}.{side}").write_text("".join(f"{row[column]}\n" for row in rows), encoding="utf-8")


@pytest.fixture
def leaking(tmp_path):
    """Each pair's train holds the other's dev and test sentences, in another case or punctuation."""
    write(
        tmp_path, "be-en", "train", [("а", "The first one."), ("б", "tested in Ukrainian"), ("в", "Dev in Ukrainian!")]
    )
    write(tmp_path, "be-en", "test", [("г", "Tested in Belarusian.")])
    write(tmp_path, "be-en", "dev", [("ґ", "Dev in Belarusian.")])
    write(
        tmp_path, "uk-en", "train", [("д", "Another one."), ("е", "TESTED IN BELARUSIAN"), ("є", "Dev in Belarusian")]
    )
    write(tmp_path, "uk-en", "test", [("ж", "Tested in Ukrainian.")])
    write(tmp_path, "uk-en", "dev", [("з", "Dev in Ukrainian.")])
    return Workspace(corpus=str(tmp_path))


def test_an_estimate_sees_nobodys_dev_and_test(leaking):
    assert drawn_text(leaking, BE)[0].targets == ("The first one.",)
    assert drawn_text(leaking, UK)[0].targets == ("Another one.",)


def test_what_is_held_out_does_not_depend_on_the_chosen_pairs(leaking):
    alone = Workspace(corpus=leaking.corpus, pairs=(BE,))
    assert drawn_text(alone, BE)[0].digest == drawn_text(leaking, BE)[0].digest


def test_an_estimate_from_another_split_holds_nothing_out(leaking):
    drawn, _ = drawn_text(Workspace(corpus=leaking.corpus, split="test"), BE)
    assert drawn.targets == ("Tested in Belarusian.",)


def test_a_pair_that_cannot_be_read_does_not_stop_the_others(leaking, tmp_path):
    (tmp_path / "uk-en" / "test.en").write_text("one\ntwo\n", encoding="utf-8")
    assert set(drawn_text(leaking, BE)[0].targets) == {"The first one.", "tested in Ukrainian", "Dev in Ukrainian!"}


def test_the_samples_estimates_share_no_sentence_with_its_dev_and_test():
    workspace = Workspace()
    evaluated = set()
    for one in pool_of(workspace):
        texts = open_texts(workspace, one)
        evaluated |= {folded(line) for part in (texts.dev, texts.test) for line in (*part.sources, *part.targets)}
    for one in pool_of(workspace):
        drawn, _ = drawn_text(workspace, one)
        assert len(drawn) >= 150
        assert not evaluated & {folded(line) for line in (*drawn.sources, *drawn.targets)}


def test_rows_set_apart_as_dev_are_the_same_sentences_in_all_pairs():
    corpus = corpus_of(Workspace())
    apart = {dev_rows(corpus, one, seed=1).targets for one in corpus.pairs()}
    assert len(apart) == 1
    assert len(next(iter(apart))) == 40
    assert {dev_rows(corpus, BE, seed=2).targets} != apart


def test_without_drops_rows_by_either_side(leaking):
    train = corpus_of(leaking).read(BE, "train")
    assert len(without(train, {"en": {folded("The first one")}})) == 2
    assert len(without(train, {"be": {folded("б")}})) == 2
    assert len(without(train, {"uk": {folded("б")}})) == 3
    assert len(without(train, held_out(corpus_of(leaking), (), seed=1))) == 3


def test_families_are_not_told_from_sentences_that_score(leaking, tmp_path):
    texts = open_texts(leaking, BE)
    refuse_seen(leaking, (BE, UK), texts)
    with pytest.raises(CorpusError, match="test: 1 of the sentences that the estimate of be-en read"):
        refuse_seen(replace(leaking, split="test"), (BE, UK), texts)
    with pytest.raises(CorpusError, match="dev: 1 of the sentences that the estimate of be-en read"):
        refuse_seen(replace(leaking, split="dev"), (UK, BE), texts)
    careless = replace(leaking, cleaning=replace(leaking.cleaning, drop_held_out=False))
    with pytest.raises(CorpusError, match="train: 2 of the sentences that the estimate of uk-en read"):
        refuse_seen(careless, (BE, UK), texts)


def test_families_from_another_corpus_are_held_to_the_same(leaking, tmp_path):
    write(tmp_path / "other", "be-en", "train", [("а", "Something else.")])
    write(tmp_path / "other", "uk-en", "train", [("я", "Tested in Belarusian!")])
    other = Workspace(corpus=str(tmp_path / "other"))
    tuned = tuned_workspace(other, leaking.corpus)
    assert (tuned.corpus, tuned.pairs, tuned.split) == (leaking.corpus, (BE, UK), "train")
    assert tuned_workspace(other, other.corpus) == other
    texts = open_texts(tuned, BE)
    refuse_seen(other, (BE,), texts)
    with pytest.raises(CorpusError, match="other, train: 1 of the sentences that the estimate of uk-en read"):
        refuse_seen(other, (BE, UK), texts)


def test_a_corpus_that_lacks_a_pair_of_the_pool_is_not_tuned_on(leaking, tmp_path):
    write(tmp_path / "other", "kk-en", "train", [("а", "Something else.")])
    with pytest.raises(CorpusError, match="has no training text for kk-en"):
        refuse_lacking(tuned_workspace(Workspace(corpus=str(tmp_path / "other")), leaking.corpus))
    refuse_lacking(tuned_workspace(leaking, leaking.corpus))
