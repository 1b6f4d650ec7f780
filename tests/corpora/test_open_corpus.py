"""Each layout finds its reader; what has none says what was looked for."""

import pytest

from pseudofam_core.corpora import (
    READERS,
    HubCorpus,
    LineFilesCorpus,
    MosesCorpus,
    SavedDatasetCorpus,
    TableCorpus,
    TedTalksCorpus,
    open_corpus,
)
from pseudofam_core.errors import CorpusError


@pytest.mark.parametrize(
    ("file", "reader"),
    [
        ("be-en/train.be", MosesCorpus),
        ("train.be", LineFilesCorpus),
        ("be.txt", LineFilesCorpus),
        ("all_talks_train.tsv", TedTalksCorpus),
        ("train.tsv", TableCorpus),
        ("be-en/train.jsonl", TableCorpus),
        ("dataset_dict.json", SavedDatasetCorpus),
    ],
)
def test_the_layout_finds_its_reader(tmp_path, file, reader):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("text\n", encoding="utf-8")
    assert type(open_corpus(tmp_path)) is reader
    assert type(open_corpus(str(tmp_path))) is reader


def test_a_file_is_a_source_too(tmp_path):
    (tmp_path / "train.tsv").write_text("be\ten\nдва\ttwo\n", encoding="utf-8")
    assert [str(pair) for pair in open_corpus(tmp_path / "train.tsv").pairs()] == ["be-en"]


def test_the_hub_is_not_a_path():
    corpus = open_corpus("hf:someone/talks:be-en")
    assert isinstance(corpus, HubCorpus)
    assert corpus.name == "someone/talks:be-en"


def test_an_unknown_layout_lists_what_was_looked_for(tmp_path):
    (tmp_path / "notes.md").touch()
    with pytest.raises(CorpusError, match="No corpus is recognised here") as caught:
        open_corpus(tmp_path)
    assert all(reader.layout in str(caught.value) for reader in READERS)


def test_a_source_that_does_not_exist(tmp_path):
    with pytest.raises(CorpusError, match="nowhere: There is no such file or folder"):
        open_corpus(tmp_path / "nowhere")
