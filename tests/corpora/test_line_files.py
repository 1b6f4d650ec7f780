"""One file per language: both layouts, and any two languages."""

import pytest

from pseudofam_core.corpora import LineFilesCorpus
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import pair

WORDS = {"be": "адзін\nдва\n", "en": "one\ntwo\n", "uk": "один\nдва\n"}


def write_languages(folder, pattern):
    folder.mkdir(exist_ok=True)
    for language, text in WORDS.items():
        (folder / pattern.format(language)).write_text(text, encoding="utf-8")
    (folder / "SOURCE.md").write_text("About this.\n", encoding="utf-8")
    (folder / "README.txt").write_text("About this.\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("folder", "split"), [("flores-devtest", "test"), ("flores-dev", "dev"), ("my-train", "train"), ("flores", "test")]
)
def test_the_folder_names_the_split_of_txt_files(tmp_path, folder, split):
    write_languages(tmp_path / folder, "{}.txt")
    corpus = LineFilesCorpus(tmp_path / folder)
    assert [str(pair) for pair in corpus.pairs()] == ["be-en", "uk-en"]
    assert corpus.splits(pair("be-en")) == (split,)
    assert corpus.read(pair("uk-en"), split).sources == ("один", "два")


@pytest.mark.parametrize("pattern", ["train.{}", "{}.train"])
def test_split_and_language_in_the_files_name(tmp_path, pattern):
    write_languages(tmp_path, pattern)
    write_languages(tmp_path, "dev.{}")
    corpus = LineFilesCorpus(tmp_path)
    assert corpus.splits(pair("be-en")) == ("train", "dev")
    assert corpus.read(pair("be-en"), "train").targets == ("one", "two")


def test_any_two_languages_can_be_read(tmp_path):
    write_languages(tmp_path, "train.{}")
    bitext = LineFilesCorpus(tmp_path).read(pair("en-uk"), "train")
    assert (bitext.sources, bitext.targets) == (("one", "two"), ("один", "два"))


def test_another_target_is_listed_on_demand(tmp_path):
    write_languages(tmp_path, "train.{}")
    assert [str(pair) for pair in LineFilesCorpus(tmp_path, target="be").pairs()] == ["en-be", "uk-be"]


def test_codes_of_another_model_are_read(tmp_path):
    (tmp_path / "bel_Cyrl.devtest").write_text("адзін\n", encoding="utf-8")
    (tmp_path / "eng_Latn.devtest").write_text("one\n", encoding="utf-8")
    assert LineFilesCorpus(tmp_path).read(pair("be-en"), "test").sources == ("адзін",)


def test_no_pair_into_the_target_says_what_is_there(tmp_path):
    write_languages(tmp_path, "train.{}")
    (tmp_path / "train.en").unlink()
    with pytest.raises(CorpusError, match=r"No language pair found. Languages found: be, uk"):
        LineFilesCorpus(tmp_path).pairs()


def test_unequal_line_counts_are_both_said(tmp_path):
    write_languages(tmp_path, "train.{}")
    (tmp_path / "train.be").write_text("адзін\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"train\.en:2: .*train\.be has 1 lines and train\.en has 2"):
        LineFilesCorpus(tmp_path).read(pair("be-en"), "train")
