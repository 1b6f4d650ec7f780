"""Names of splits and languages, as folders and headers spell them."""

import pytest

from pseudofam_core.corpora.reader import code_of, language_columns, pairs_into, split_named, split_of


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("all_talks_dev.tsv", "dev"),
        ("flores101-devtest", "test"),
        ("validation", "dev"),
        ("be-en.VALID.jsonl", "dev"),
        ("contest", None),
        ("trained", None),
    ],
)
def test_split_named(name, split):
    assert split_named(name) == split


def test_a_file_without_a_split_takes_its_folders(tmp_path):
    assert split_of(tmp_path / "my-train" / "be.txt") == "train"
    assert split_of(tmp_path / "my-train" / "test.tsv") == "test"


def test_text_of_unknown_purpose_is_test(tmp_path):
    assert split_of(tmp_path / "somewhere" / "be.txt") == "test"


def test_language_columns_prefer_the_plain_code_and_log_the_rest(tmp_path, caplog):
    with caplog.at_level("INFO"):
        columns = language_columns(["talk_name", "bel_Cyrl", "en", "be", "calv"], where=tmp_path)
    assert columns == {"en": "en", "be": "be"}
    assert "talk_name, bel_Cyrl, calv" in caplog.text


def test_code_of_reads_any_spelling():
    assert [code_of(spelling) for spelling in ("be", "bel_Cyrl", "BEL", "nonsense")] == ["be", "be", "be", None]


def test_pairs_into_a_language_that_is_not_there_are_none():
    assert pairs_into("en", ["be", "uk"]) == ()
    assert [str(pair) for pair in pairs_into("en", ["uk", "en", "be"])] == ["be-en", "uk-en"]
