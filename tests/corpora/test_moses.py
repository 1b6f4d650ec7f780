"""Moses folders: both directions, and damage named by file and line."""

import pytest

from pseudofam_core.corpora import SPLITS, Choices, MosesCorpus, open_corpus
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import pair

BE_EN = pair("be-en")


@pytest.fixture
def root(tmp_path):
    for split in SPLITS:
        write(tmp_path / "be-en" / f"{split}.be", f"бел {split}\nдва\n")
        write(tmp_path / "be-en" / f"{split}.en", f"bel {split}\ntwo\n")
    write(tmp_path / "uk-en" / "train.uk", "укр\n")
    write(tmp_path / "uk-en" / "train.en", "ukr\n")
    write(tmp_path / "README.md", "not a pair\n")
    write(tmp_path / "re-spect" / "train.re", "not a pair either\n")
    return tmp_path


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_pairs_and_splits(root):
    corpus = MosesCorpus(root)
    assert [str(pair) for pair in corpus.pairs()] == ["be-en", "uk-en"]
    assert corpus.splits(BE_EN) == ("train", "dev", "test")
    assert corpus.splits(pair("uk-en")) == ("train",)
    assert corpus.splits(pair("sr-en")) == ()
    assert corpus.name == root.name


def test_read(root):
    bitext = MosesCorpus(root).read(BE_EN, "train")
    assert (bitext.pair, bitext.split) == (BE_EN, "train")
    assert bitext.sources == ("бел train", "два")
    assert bitext.targets == ("bel train", "two")


def test_the_other_direction_swaps_the_sides(root):
    corpus = MosesCorpus(root)
    bitext, swapped = corpus.read(BE_EN, "dev"), corpus.read(pair("en-be"), "dev")
    assert str(swapped.pair) == "en-be"
    assert (swapped.sources, swapped.targets) == (bitext.targets, bitext.sources)
    assert corpus.splits(pair("en-be")) == SPLITS


def test_a_folder_of_the_asked_direction_is_preferred(root):
    write(root / "en-be" / "dev.en", "other\n")
    write(root / "en-be" / "dev.be", "іншы\n")
    corpus = MosesCorpus(root)
    assert corpus.read(pair("en-be"), "dev").sources == ("other",)
    assert corpus.splits(pair("en-be")) == ("dev",)


def test_folders_may_spell_codes_otherwise(tmp_path):
    write(tmp_path / "bel_Cyrl-eng_Latn" / "valid.bel_Cyrl", "адзін\n")
    write(tmp_path / "bel_Cyrl-eng_Latn" / "valid.eng_Latn", "one\n")
    assert MosesCorpus(tmp_path).read(BE_EN, "dev").targets == ("one",)


def test_line_separators_inside_a_sentence_do_not_misalign(root):
    write(root / "be-en" / "train.be", "а\u2028б\nв\x85г\n")
    assert MosesCorpus(root).read(BE_EN, "train").sources == ("а\u2028б", "в\x85г")


def test_unequal_line_counts_are_both_said(root):
    write(root / "be-en" / "train.en", "one\ntwo\nthree\n")
    message = r"train\.en:3: .*train\.be has 2 lines and train\.en has 3"
    with pytest.raises(CorpusError, match=message):
        MosesCorpus(root).read(BE_EN, "train")


def test_a_missing_side_is_named(root):
    (root / "be-en" / "train.en").unlink()
    with pytest.raises(CorpusError, match=r"train\.en: The file can't be read"):
        MosesCorpus(root).read(BE_EN, "train")


def test_bad_bytes_are_placed(root):
    write(root / "be-en" / "train.be", b"ok\n\xe9t\xe9\n")
    with pytest.raises(CorpusError, match=r"train\.be:2: Byte 1"):
        MosesCorpus(root).read(BE_EN, "train")


def test_an_empty_split_is_refused(root):
    write(root / "be-en" / "dev.be", "")
    write(root / "be-en" / "dev.en", "")
    with pytest.raises(CorpusError, match="The dev split of be-en is empty"):
        MosesCorpus(root).read(BE_EN, "dev")


def test_a_missing_language_says_which_exist(root):
    with pytest.raises(CorpusError, match=r"has no sr-en. It holds be-en, uk-en"):
        MosesCorpus(root).read(pair("sr-en"), "train")


def test_a_missing_split_says_which_exist(root):
    with pytest.raises(CorpusError, match=r"uk-en has no test split. It has train"):
        MosesCorpus(root).read(pair("uk-en"), "test")


def test_an_unknown_split_is_the_callers_mistake(root):
    with pytest.raises(ValueError, match=r"split must be one of train, dev, test. Got 'valid'"):
        MosesCorpus(root).read(BE_EN, "valid")


def test_a_split_that_stands_twice_is_asked_for(root):
    write(root / "be-en" / "valid.be", "раз\n")
    write(root / "be-en" / "valid.en", "once\n")
    with pytest.raises(CorpusError, match=r"be-en has 2 texts for dev: dev, valid\. .*`--corpus \S+#dev=dev`"):
        MosesCorpus(root).read(BE_EN, "dev")
    chosen = MosesCorpus(root, choices=Choices(splits={"dev": "valid"}))
    assert chosen.read(BE_EN, "dev").targets == ("once",)
    assert [one.targets[0] for one in chosen.read_all(BE_EN, "dev")] == ["bel dev", "once"]
    with pytest.raises(CorpusError, match=r"has no .val. for dev\. It has dev, valid"):
        MosesCorpus(root, choices=Choices(splits={"dev": "val"})).read(BE_EN, "dev")


def test_two_files_of_one_side_are_asked_for(root):
    write(root / "be-en" / "test.eng", "other\nwords\n")
    with pytest.raises(CorpusError, match=r"English · en: It could be en or eng\. .*#en=en"):
        MosesCorpus(root).read(BE_EN, "test")
    assert MosesCorpus(root).read(BE_EN, "train").targets == ("bel train", "two")
    chosen = MosesCorpus(root, choices=Choices(columns={"en": "eng"}))
    assert chosen.read(BE_EN, "test").targets == ("other", "words")


@pytest.mark.parametrize(
    ("folder", "side", "name"),
    [
        ("en_luo", "luo", "en-luo"),
        ("srp-Latn-en", "srp-Latn", "sr-en"),
        ("zh_TW-en", "zh_TW", "zho_Hant-en"),
        ("en-pt-br", "pt-br", "en-pt"),
        ("iw-en", "iw", "he-en"),
        ("fil-eng", "tl", "tl-en"),
        ("eng_Latn-sat_Olck", "sat_Olck", "en-sat"),
    ],
)
def test_folders_in_any_spelling_are_read(tmp_path, folder, side, name):
    for one, text in ((side, "x\n"), ("en", "one\n")):
        write(tmp_path / folder / f"train.{one}", text)
    corpus = MosesCorpus(tmp_path)
    assert corpus.pairs() == (pair(name),)
    found = corpus.read(pair(name), "train")
    assert {found.sources, found.targets} == {("x",), ("one",)}


def test_what_is_skipped_is_told_once_and_blocks_nothing(root, caplog):
    write(root / "fr-bbj" / "train.fr", "un\n")
    write(root / "be-en" / "newstest2019.be", "ще\n")
    corpus = MosesCorpus(root)
    assert corpus.read(BE_EN, "train").sources == ("бел train", "два")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "folders fr-bbj, re-spect name no pair of known languages (name them like be-en" in caplog.text
    assert "files be-en/newstest2019.be name no split" in caplog.text
    assert corpus.notes == (caplog.records[0].getMessage().partition(": ")[2],)


def test_only_unknown_folders_are_named_when_nothing_is_recognised(tmp_path):
    write(tmp_path / "fr-bbj" / "train.fr", "un\n")
    with pytest.raises(CorpusError, match=r"No corpus is recognised[\s\S]*Skipped: folders fr-bbj name no pair"):
        open_corpus(tmp_path)
