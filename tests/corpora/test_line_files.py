"""One file per language: both layouts, and any two languages."""

import pytest

from pseudofam_core.corpora import Cleaning, LineFilesCorpus, clean, open_corpus
from pseudofam_core.corpora.held_out import held_out
from pseudofam_core.errors import CorpusError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.estimates.texts import drawn_text
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
    with pytest.raises(
        CorpusError, match=r"No language pair into en found. Languages found: be, uk; .*--corpus .*#target=be"
    ):
        LineFilesCorpus(tmp_path).pairs()


def test_unequal_line_counts_are_both_said(tmp_path):
    write_languages(tmp_path, "train.{}")
    (tmp_path / "train.be").write_text("адзін\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"train\.en:2: .*train\.be has 1 lines and train\.en has 2"):
        LineFilesCorpus(tmp_path).read(pair("be-en"), "train")


def write(folder, **texts):
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")


def test_two_splits_of_one_role_are_asked_for_and_both_held_out(tmp_path):
    write(
        tmp_path,
        test_be="раз\n",
        test_en="one\n",
        devtest_be="два\n",
        devtest_en="two\n",
        train_be="x\n",
        train_en="y\n",
    )
    corpus = open_corpus(tmp_path)
    with pytest.raises(CorpusError, match=r"be-en has 2 texts for test: devtest, test\. .*--corpus \S+#test=devtest"):
        corpus.read(pair("be-en"), "test")
    assert corpus.read(pair("be-en"), "train").targets == ("y",)
    chosen = open_corpus(f"{tmp_path}#test=test")
    assert chosen.read(pair("be-en"), "test").targets == ("one",)
    assert held_out(chosen, chosen.pairs(), seed=1)["en"] >= {"one", "two"}
    assert held_out(corpus, corpus.pairs(), seed=1)["en"] >= {"one", "two"}


def test_two_files_of_one_language_are_asked_for_and_block_no_other(tmp_path, caplog):
    write(tmp_path, test_be="раз\n", test_en="one\n", test_zh="一\n")
    (tmp_path / "test.zh-cn").write_text("另\n", encoding="utf-8")
    (tmp_path / "test.zh-TW").write_text("貳\n", encoding="utf-8")
    corpus = open_corpus(tmp_path)
    assert [str(one) for one in corpus.pairs()] == ["be-en", "zho_Hant-en"]
    assert "Chinese · zh is left out. It could be test.zh or test.zh-cn" in caplog.text
    with pytest.raises(CorpusError, match=r"It could be test.zh or test.zh-cn. .*#zh=test.zh"):
        corpus.read(pair("zh-en"), "test")
    assert open_corpus(f"{tmp_path}#zh=zh-cn").read(pair("zh-en"), "test").sources == ("另",)
    assert open_corpus(f"{tmp_path}#zh=test.zh").read(pair("zh-en"), "test").sources == ("一",)


def test_two_files_of_the_common_language_are_asked_for(tmp_path):
    write(tmp_path, test_be="раз\n", test_en="one\n", test_eng="a system's\n")
    with pytest.raises(CorpusError, match=r"English · en: It could be test.en or test.eng. .*#en=test.en"):
        open_corpus(tmp_path).pairs()
    assert open_corpus(f"{tmp_path}#en=en").read(pair("be-en"), "test").targets == ("one",)


def test_files_of_numbers_and_of_a_system_are_no_languages(tmp_path, caplog):
    write(tmp_path, test_be="раз два\n", test_en="one two\n", test_id="17\n", test_mt="one too\n")
    (tmp_path / "test.hyp.en").write_text("one too\n", encoding="utf-8")
    corpus = open_corpus(tmp_path)
    assert [str(one) for one in corpus.pairs()] == ["be-en"]
    assert "files test.id hold numbers" in caplog.text
    assert "files test.mt repeat another language's words" in caplog.text
    assert "files test.hyp.en name no split" in caplog.text


def test_unknown_languages_are_told_and_block_nothing(tmp_path, caplog):
    write(tmp_path, train_be="раз\n", train_en="one\n", train_bbj="x\n", README_txt="About.\n")
    assert [str(one) for one in open_corpus(tmp_path).pairs()] == ["be-en"]
    assert "files train.bbj name no known language (name them by code, like be, bel_Cyrl or pt-BR" in caplog.text
    assert "README" not in caplog.text


def test_bible_verses_without_text_are_neither_trained_on_nor_scored(tmp_path):
    verses = {"eng-web": "In the beginning\nwas the Word\n<range>\nand\n", "ukr-nt": "На початку\n\nбуло\n<range> \n"}
    verses |= {"acu-nt": "x\n" * 4, "vref": "JHN 1:1\n" * 4}
    for name, text in verses.items():
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    corpus = open_corpus(tmp_path)
    assert [str(one) for one in corpus.pairs()] == ["uk-en"]
    bitext = corpus.read(pair("uk-en"), "test")
    assert len(bitext) == 4
    assert (bitext.complete.sources, bitext.complete.targets) == (("На початку",), ("In the beginning",))
    kept, report = clean(bitext, Cleaning(min_characters=0))
    assert (kept.sources, report.n_dropped) == (("На початку",), 3)


@pytest.mark.parametrize(
    ("source", "target", "kept"),
    [
        ("a|b|c", "A B|<range>|C", [("c", "C")]),
        ("a b|<range>|c", "A|B|C", [("c", "C")]),
        ("a b|<range>|c", "A B|<range> |C", [("a b", "A B"), ("c", "C")]),
        ("x|a|b c|<range>|d", "X|A B|<range>|C|D", [("x", "X"), ("d", "D")]),
        ("x|a b c|<range>|<range>", "X|A B C|<range>|<range>", [("x", "X"), ("a b c", "A B C")]),
        ("<range>|a", "Z|A", [("a", "A")]),
        ("x|a|b|c", "X|A B C|<range>|<range>", [("x", "X")]),
    ],
)
def test_verses_that_one_side_holds_together_are_left_out_on_both(tmp_path, source, target, kept):
    write(tmp_path, train_be=source.replace("|", "\n") + "\n", train_en=target.replace("|", "\n") + "\n")
    bitext = open_corpus(tmp_path).read(pair("be-en"), "train")
    assert len(bitext) == source.count("|") + 1  # rows keep their places over all pairs
    assert list(zip(bitext.complete.sources, bitext.complete.targets, strict=True)) == kept


def test_pools_without_english_are_named_by_a_target_or_by_pairs(tmp_path):
    write(tmp_path, train_wo="benn\nñaar\n", train_fr="un\ndeux\n", test_wo="ñaar\n", test_fr="Deux !\n")
    write(tmp_path, dev_wo="ñett\n", dev_fr="trois\n")
    with pytest.raises(
        CorpusError, match=r"into en found. Languages found: fr, wo; .*#target=fr`, or name .*`--pairs`"
    ):
        open_corpus(tmp_path).pairs()
    assert [str(one) for one in open_corpus(f"{tmp_path}#target=fr").pairs()] == ["wo-fr"]
    for pairs in ((pair("wo-fr"),), None):  # an estimate's own workspace names no pairs
        assert drawn_text(Workspace(corpus=str(tmp_path), pairs=pairs), pair("wo-fr"))[0].targets == ("un",)
