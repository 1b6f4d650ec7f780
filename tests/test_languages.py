"""The language table covers the tokenizers, every spelling finds its language, and pairs are read exactly."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES as M2M100_CODES
from transformers.models.mbart50.tokenization_mbart50 import FAIRSEQ_LANGUAGE_CODES as MBART50_CODES
from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES as NLLB_CODES

from pseudofam_core.language_tags import OTHER_CODES
from pseudofam_core.languages import (
    Language,
    LanguagePair,
    is_variant,
    language,
    languages,
    pair,
    pair_sides,
)

ALL = list(languages().values())
PAPER_FAMILIES = {
    "Slavic": "bg sr hr uk sk be",
    "Indo-Iranian": "fa hi bn",
    "Austronesian": "id ms",
    "Turkic": "kk tr",
    "Germanic": "de sv",
    "Japonic": "ja",
    "Koreanic": "ko",
}


@pytest.mark.parametrize(
    ("column", "codes"),
    [("m2m100", M2M100_CODES["m2m100"]), ("nllb", NLLB_CODES), ("mbart50", MBART50_CODES)],
    ids=["m2m100", "nllb", "mbart50"],
)
def test_table_covers_each_code_of_a_tokenizer_exactly_once(column: str, codes: list[str]) -> None:
    assert Counter(code for row in ALL if (code := getattr(row, column))) == Counter(codes)


def test_every_row_belongs_to_some_model() -> None:
    assert [row.code for row in ALL if not (row.m2m100 or row.nllb or row.mbart50)] == []


def test_codes_and_names_are_unique() -> None:
    assert [key for key, row in languages().items() if key != row.code] == []
    # Compared in one pool without case: a name that is another language's code would make a lookup ambiguous.
    spellings = Counter(spelling for row in ALL for spelling in {row.code.lower(), row.name.lower()})
    assert [spelling for spelling, count in spellings.items() if count > 1] == []


def test_code_is_that_of_m2m100_else_that_of_nllb() -> None:
    for row in ALL:
        nllb = row.nllb or ""
        assert row.code == row.m2m100 or (row.m2m100 is None and row.code in (nllb, nllb.split("_")[0])), row


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.code)
def test_row_is_complete_and_well_formed(row: Language) -> None:
    assert re.fullmatch(r"[a-z]{2}", row.iso639_1 or "aa")
    assert re.fullmatch(r"[a-z]{3}", row.iso639_3)
    assert re.fullmatch(r"[A-Z][a-z]{3}", row.script)
    assert row.family
    for value in (row.code, row.name, row.family, row.branch):
        assert value is None or value == value.strip() != ""


def test_every_indo_european_language_has_a_branch() -> None:
    assert [row.code for row in ALL if row.family == "Indo-European" and row.branch is None] == []


def test_script_agrees_with_the_code_of_nllb() -> None:
    differing = {row.nllb: row.script for row in ALL if row.nllb and not row.nllb.endswith("_" + row.script)}
    # NLLB's label for Santali names the Bengali script; its text is in Ol Chiki.
    assert differing == {"sat_Beng": "Olck"}


@pytest.mark.parametrize("column", ["code", "name", "m2m100", "nllb", "mbart50"])
def test_unique_spellings_find_their_own_row_whatever_the_case(column: str) -> None:
    for row in ALL:
        if spelling := getattr(row, column):
            assert language(spelling) is language(f" {spelling.upper()} ") is row


@pytest.mark.parametrize("column", ["iso639_1", "iso639_3"])
def test_iso_spellings_find_a_row_of_the_same_language(column: str) -> None:
    for row in ALL:
        if spelling := getattr(row, column):
            assert getattr(language(spelling), column) == spelling, row


@pytest.mark.parametrize("spelling", ["be", "bel", "bel_Cyrl", "bel-cyrl", "Belarusian", "BE"])
def test_spellings_of_belarusian(spelling: str) -> None:
    assert language(spelling) == Language(
        code="be",
        name="Belarusian",
        iso639_1="be",
        iso639_3="bel",
        script="Cyrl",
        family="Indo-European",
        branch="Slavic",
        m2m100="be",
        nllb="bel_Cyrl",
        mbart50=None,
    )


def test_macrolanguages_resolve_to_individual_languages() -> None:
    individual = (
        "ar:arb az:azj et:ekk fa:pes ff:fuv lv:lvs mg:plt mn:khk ms:zsm ne:npi no:nob ns:nso or:ory ps:pbt sq:als "
        "sw:swh tl:tgl uz:uzn yi:ydd zh:cmn zho_Hant:cmn aka:twi grn:gug kmr:kmr"
    )
    assert {entry: language(entry.split(":")[0]).iso639_3 for entry in individual.split()} == {
        entry: entry.split(":")[1] for entry in individual.split()
    }
    # srd is left out on purpose: the header of the table says why.
    macrolanguages = (
        "aka ara aym aze din est fas ful grn kau kon kur lav mlg mon msa nep nor ori pus que sqi swa tmh uzb yid zho"
    )
    assert {row.iso639_3 for row in ALL}.isdisjoint(macrolanguages.split())


@pytest.mark.parametrize(
    ("macrolanguage", "code"),
    [("fas", "fa"), ("zho", "zh"), ("ara", "ar"), ("msa", "ms"), ("est", "et"), ("nor", "no"), ("KUR", "kmr")],
)
def test_a_macrolanguage_code_finds_the_language_that_the_models_cover(macrolanguage: str, code: str) -> None:
    assert language(macrolanguage).code == code


@pytest.mark.parametrize(
    ("spelling", "code", "varies"),
    [
        ("iw", "he", False),
        ("in", "id", False),
        ("ji", "yi", False),
        ("mo", "ro", False),
        ("fil", "tl", False),
        ("ger", "de", False),
        ("zho-CN", "zh", False),
        ("zh_TW", "zho_Hant", False),
        ("zh-HK", "zho_Hant", False),
        ("zh-Hant-TW", "zho_Hant", False),
        ("cmn_Hans", "zh", False),
        ("cmn-Hant", "zho_Hant", False),
        ("sat_Olck", "sat", False),
        ("uz_Latn", "uz", False),
        ("ace_Arab", "ace_Arab", False),
        ("srp-Latn", "sr", True),
        ("sr_latn", "sr", True),
        ("uz-Cyrl", "uz", True),
        ("pt-BR", "pt", True),
        ("es-419", "es", True),
        ("be-tarask", "be", True),
        ("be_BY", "be", False),
        ("fa-AF", "prs", False),
    ],
)
def test_retired_codes_and_tags_of_script_and_region_are_understood(spelling, code, varies):
    assert language(spelling).code == code
    assert is_variant(spelling) == varies


@pytest.mark.parametrize("spelling", ["en-pt", "zho-XX", "be_qq", "be-en", "xx", "zh__tw"])
def test_not_any_two_letters_are_a_region(spelling):
    with pytest.raises(ValueError, match="language must be a known code"):
        language(spelling)


def test_no_retired_or_other_code_hides_a_language_of_the_table():
    own = {
        spelling for row in ALL for spelling in (row.code, row.iso639_1, row.iso639_3, row.m2m100, row.nllb) if spelling
    }
    assert {code for code in OTHER_CODES if code in own} == set()
    assert set(OTHER_CODES.values()) <= set(languages())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("en_luo", "en-luo"),
        ("pt-br-en", "pt-en"),
        ("en-pt-br", "en-pt"),
        ("srp-Latn-en", "sr-en"),
        ("zh_TW-en", "zho_Hant-en"),
        ("eng_Latn-sat_Olck", "en-sat"),
        ("iw→fil", "he-tl"),
    ],
)
def test_pairs_with_tags_or_an_underscore_are_read(text, name):
    assert str(pair(text)) == name


@pytest.mark.parametrize("text", ["kk_KZ", "zh_TW", "fr_CA"])
def test_one_language_with_a_tag_is_no_pair(text):
    assert pair_sides(text) == ()
    with pytest.raises(ValueError, match="language pair is written"):
        pair(text)


def test_second_script_of_a_language_is_a_row_of_its_own() -> None:
    assert language("zh").nllb == "zho_Hans"
    assert language("zho_Hant").name == "Chinese (Traditional)"
    assert language("ace").nllb == "ace_Latn"
    assert language("ace_Arab").code == "ace_Arab"
    assert language("sr").nllb == "srp_Cyrl"


def test_the_pool_of_the_paper_has_the_paper_s_families() -> None:
    found = {code: language(code).traditional_family for codes in PAPER_FAMILIES.values() for code in codes.split()}
    assert found == {code: family for family, codes in PAPER_FAMILIES.items() for code in codes.split()}


@pytest.mark.parametrize(
    ("code", "family"),
    [("ht", "Romance"), ("el", "Hellenic"), ("sq", "Albanian"), ("hu", "Uralic"), ("eo", "Artificial Language")],
)
def test_traditional_family_is_the_branch_only_inside_indo_european(code: str, family: str) -> None:
    assert language(code).traditional_family == family


@pytest.mark.parametrize(("typo", "offered"), [("Belarussian", "belarusian"), (" bel-Cyr ", "bel_cyrl")])
def test_unknown_language_is_refused_with_near_ones(typo: str, offered: str) -> None:
    with pytest.raises(ValueError, match=rf"Got {typo!r}\. Did you mean .*{offered}"):
        language(typo)


@pytest.mark.parametrize("code", ["", "???"])
def test_unknown_language_without_near_ones_names_the_list(code: str) -> None:
    with pytest.raises(ValueError, match=r"languages\(\)` lists them"):
        language(code)


@pytest.mark.parametrize("text", ["be-en", "be→en", "BE-EN", " be - en ", "bel_Cyrl-eng_Latn", "Belarusian→English"])
def test_pair_reads_every_spelling(text: str) -> None:
    assert pair(text) == LanguagePair("be", "en")


def test_pair_writes_itself_as_it_is_read() -> None:
    assert str(pair("be→en")) == "be-en"
    assert pair(str(pair("zho_Hant-en"))) == LanguagePair("zho_Hant", "en")


@pytest.mark.parametrize("text", ["", "be", "be-", "be-en-uk", "been"])
def test_pair_that_is_not_two_languages_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"(language pair is written|known code)"):
        pair(text)


def test_pair_with_an_unknown_language_names_it() -> None:
    with pytest.raises(ValueError, match="Got 'qqq'"):
        pair("be-qqq")


@pytest.mark.parametrize("text", ["be-be", "be-bel_Cyrl"])
def test_pair_of_one_language_is_text_that_is_not_translated(text: str) -> None:
    assert str(pair(text)) == "be-be"
    assert pair(text).label == "Belarusian · be"


@pytest.mark.parametrize("text", ["be-en", "en-be"])
def test_pair_is_labelled_by_the_side_that_is_not_english(text: str) -> None:
    assert pair(text).language.code == "be"
    assert pair(text).label == language("be").label == "Belarusian · be"


def test_pairs_sort_by_source_then_target() -> None:
    assert sorted(map(pair, ["uk-en", "be-uk", "be-en"])) == [pair("be-en"), pair("be-uk"), pair("uk-en")]


def test_tables_cannot_be_modified() -> None:
    with pytest.raises(TypeError):
        languages()["xx"] = ALL[0]  # type: ignore[index]  # a read-only mapping is the point of the test
