"""Names of splits and languages, as folders and headers spell them."""

import pytest

from pseudofam_core.corpora.choices import Choices
from pseudofam_core.corpora.naming import code_of, language_columns, split_named, split_of
from pseudofam_core.corpora.reader import pairs_into


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


def columns_of(*names, cells=None, **columns):
    found = language_columns({name: name for name in names}, choices=Choices(columns=columns), cells=cells)
    return found, {one.name: one.why for one in found.skipped}


def test_two_columns_of_one_language_are_told_not_taken():
    found, skipped = columns_of("talk_name", "bel_Cyrl", "en", "be", "calv")
    assert found.of == {"en": "en"}
    assert found.rivals == {"be": ("bel_Cyrl", "be")}
    assert list(skipped) == ["talk_name", "calv"]


def test_a_chosen_column_is_taken_whatever_it_is_called():
    found, _ = columns_of("bel_Cyrl", "en", "be", "raw", be="bel_Cyrl", uk="raw")
    assert found.of == {"en": "en", "be": "bel_Cyrl", "uk": "raw"}
    assert not found.rivals


def test_variants_are_read_and_told_and_never_merged():
    found, _ = columns_of("en", "pt-br", "zh-TW", "zh")
    assert found.of == {"en": "en", "pt": "pt-br", "zho_Hant": "zh-TW", "zh": "zh"}
    assert found.read_as == {"pt-br": "pt"}
    assert columns_of("zh", "zh-cn", "zh-tw")[0].rivals == {"zh": ("zh", "zh-cn")}
    assert columns_of("sr", "sr_latn")[0].rivals == {"sr": ("sr", "sr_latn")}


@pytest.mark.parametrize(
    ("cells", "is_text"),
    [
        (["1", "2"], False),
        ([1, 2], False),
        (["doc1.s3", "a9f3", None, ""], False),
        (["17:3", "-"], False),
        (["Ini kalimat.", "2"], True),
        (["Ja.", "Nej."], True),
        (["2時に来た", "3時"], True),
        ([None, ""], True),
        ([], True),
    ],
)
@pytest.mark.parametrize("name", ["id", "no", "min"])
def test_a_column_of_numbers_is_no_language(name, cells, is_text):
    found, skipped = columns_of(name, "en", cells={name: cells, "en": ["one", "two"]})
    assert (name in found.of.values()) == is_text
    assert is_text or "hold numbers" in skipped[name]
    code = code_of(name)
    assert columns_of(name, "en", cells={name: cells}, **{code: name})[0].of[code] == name


def test_a_systems_output_is_not_maltese():
    english, output = ["The cat is on the roof .", "No ."], ["The cat is at the roof .", "No ."]
    found, skipped = columns_of("mt", "en", cells={"mt": output, "en": english})
    assert "mlt" not in found.of
    assert "system's output" in skipped["mt"]
    maltese = ["Il-qattus qiegħed fuq il-bejt .", "Le ."]
    assert columns_of("mt", "en", cells={"mt": maltese, "en": english})[0].of == {"mlt": "mt", "en": "en"}


def test_code_of_reads_any_spelling():
    assert [code_of(spelling) for spelling in ("be", "bel_Cyrl", "BEL", "nonsense")] == ["be", "be", "be", None]


def test_pairs_into_a_language_that_is_not_there_are_none():
    assert pairs_into("en", ["be", "uk"]) == ()
    assert [str(pair) for pair in pairs_into("en", ["uk", "en", "be"])] == ["be-en", "uk-en"]
