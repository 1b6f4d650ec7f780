"""What is said after a corpus's name."""

import pytest

from pseudofam_core.corpora.choices import Choices, absolute_source, parse_source, source_name
from pseudofam_core.errors import CorpusError


def test_a_place_alone_leaves_all_open():
    assert parse_source("my/corpus") == ("my/corpus", Choices())
    assert parse_source("hf:someone/talks:be-en") == ("hf:someone/talks:be-en", Choices())


def test_what_follows_the_mark_is_chosen():
    place, chosen = parse_source("my/corpus#test=devtest, zh=zh-cn,target=fra,quotes=text")
    assert place == "my/corpus"
    assert chosen == Choices("fr", "text", {"test": "devtest"}, {"zh": "zh-cn"})


@pytest.mark.parametrize("written", ["devtest", "test=", "qqq=zh", "quotes=some", "target=qqq", "zh-cn"])
def test_what_cannot_be_chosen_is_refused(written):
    with pytest.raises(CorpusError, match=r"After # a corpus takes train, dev, test, target, quotes"):
        parse_source(f"my/corpus#{written}")


def test_a_folder_may_have_the_mark_in_its_name(tmp_path):
    (tmp_path / "c#1").mkdir()
    assert parse_source(str(tmp_path / "c#1")) == (str(tmp_path / "c#1"), Choices())
    assert parse_source(f"{tmp_path}/c#1#target=fr")[1].target == "fr"


def test_jobs_keep_the_choice_with_the_path_in_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus").mkdir()
    assert absolute_source("corpus#target=fr") == f"{tmp_path}/corpus#target=fr"
    assert absolute_source("hf:someone/talks#target=fr") == "hf:someone/talks#target=fr"


def test_a_corpus_is_called_by_its_place_and_whose_unread_text_it_is():
    assert source_name("sample") == "sample"
    assert source_name("my/corpora/tatoeba") == "tatoeba"
    assert source_name("my/corpora/tatoeba#kept-back=my/models/fresh,test=devtest") == "tatoeba kept back from fresh"
    assert source_name("my/corpora/tatoeba#of no sense") == "tatoeba"
