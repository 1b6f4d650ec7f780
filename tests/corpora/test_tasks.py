"""Text of one language with labels or answers."""

from __future__ import annotations

import pytest

from pseudofam_core.corpora import Bitext, Cleaning, Reason, TableCorpus, TaskCorpus, clean, open_corpus
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import LanguagePair

BE, TR = LanguagePair("be", "be"), LanguagePair("tr", "tr")


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_labels_may_be_names_or_numbers(tmp_path):
    write(tmp_path / "train.be.jsonl", '{"text": "Добра", "label": "good"}', '{"text": "Дрэнна", "label": 2}')
    write(tmp_path / "train.tr.tsv", "id\ttext\tlabel", "1\tİyi\tgood", "2\t\tbad")
    corpus = open_corpus(tmp_path)
    assert isinstance(corpus, TaskCorpus)
    assert corpus.pairs() == (BE, TR)
    assert corpus.read(BE, "train") == Bitext(BE, "train", ("Добра", "Дрэнна"), ("good", "2"))
    assert corpus.read(TR, "train").targets == ("good",)


def test_prompts_have_answers_and_folders_name_languages(tmp_path):
    for split in ("train", "test"):
        write(tmp_path / "be" / f"{split}.jsonl", '{"prompt": "Сталіца?", "answer": "Мінск"}')
    corpus = open_corpus(tmp_path)
    assert corpus.splits(BE) == ("train", "test")
    assert corpus.read(BE, "test").targets == ("Мінск",)


def test_a_file_alone_is_read_and_one_without_a_language_is_told(tmp_path):
    write(tmp_path / "be.tsv", "prompt\tanswer", "a\tb")
    assert open_corpus(tmp_path / "be.tsv").splits(BE) == ("test",)
    write(tmp_path / "reviews" / "train.tsv", "text\tlabel", "a\tb")
    with pytest.raises(CorpusError, match=r"be\.jsonl"):
        open_corpus(tmp_path / "reviews" / "train.tsv").pairs()


def test_a_file_of_an_unknown_language_blocks_no_other_and_two_of_one_are_asked_for(tmp_path, caplog):
    for name in ("be", "bel", "bbj"):
        write(tmp_path / f"{name}.tsv", "text\tlabel", f"Добра {name}\tgood")
    corpus = open_corpus(tmp_path)
    assert corpus.pairs() == (BE,)
    assert "files bbj.tsv say the language neither" in caplog.text
    with pytest.raises(CorpusError, match=r"be-be has 2 texts for test: be.tsv, bel.tsv. .*#test=be.tsv"):
        corpus.read(BE, "test")
    assert open_corpus(f"{tmp_path}#test=bel.tsv").read(BE, "test").sources == ("Добра bel",)


def test_parallel_tables_are_left_to_their_reader(tmp_path):
    write(tmp_path / "train.tsv", "be\ten", "Добра\tGood")
    assert isinstance(open_corpus(tmp_path), TableCorpus)


def test_a_label_is_no_held_out_sentence(tmp_path):
    text = Bitext(BE, "train", ("Добра", "Дрэнна"), ("good", "bad"))
    held_out = [Bitext(BE, "test", ("Дрэнна",), ("good",))]
    kept, report = clean(text, Cleaning(), held_out=held_out)
    assert kept.sources == ("Добра",)
    assert report.dropped[Reason.HELD_OUT] == 1
