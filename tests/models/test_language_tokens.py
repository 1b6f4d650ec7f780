"""Every spelling of a language that a tokenizer may have, and tokens that a user names."""

from __future__ import annotations

import json

import pytest

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.errors import LanguageNotCovered, ModelError
from pseudofam_core.languages import language, pair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.models.language_tokens import SETTING, written_token
from pseudofam_core.models.loading import load_model
from pseudofam_core.models.tokenization import check_coverage, encode, first_target_token
from tests.cases import save_model


class Words:
    """A tokenizer of which only the vocabulary is looked at."""

    def __init__(self, *tokens: str, **settings: object) -> None:
        self.init_kwargs = settings
        self._vocabulary = {token: i for i, token in enumerate(tokens)}

    def get_vocab(self) -> dict[str, int]:
        return self._vocabulary


@pytest.mark.parametrize(
    ("code", "token"),
    [
        ("et", ">>est<<"),
        ("ar", ">>ara<<"),
        ("zh", ">>cmn_Hans<<"),
        ("zho_Hant", ">>cmn_Hant<<"),
        ("he", "<2iw>"),
        ("tl", "<2fil>"),
        ("sr", ">>srp_Cyrl<<"),
        ("fa", ">>fas<<"),
        ("ms", ">>zlm_Latn<<"),
        ("no", ">>nob<<"),
        ("sat", ">>sat_Olck<<"),
        ("uz", "<2uz_Latn>"),
        ("id", "<2in>"),
        ("prs", ">>fa_AF<<"),
    ],
)
def test_any_spelling_of_the_language_is_found(code, token):
    tokenizer = Words("</s>", ">>qqq<<", "<2zz>", ">>srp_Latn<<", "word", token)
    assert written_token(tokenizer, language(code), ("nothing", None)) == token


def test_a_usual_spelling_comes_first_and_a_variant_never_by_itself():
    tokenizer = Words(">>est<<", ">>ekk<<", ">>srp_Latn<<", ">>pt_BR<<")
    assert written_token(tokenizer, language("et"), ("ekk", "et")) == ">>ekk<<"
    assert written_token(tokenizer, language("sr"), ("srp", "sr")) is None
    named = Words(">>srp_Latn<<", language_tokens={"srp": ">>srp_Latn<<"})
    assert written_token(named, language("sr"), ("srp", "sr")) == ">>srp_Latn<<"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"sr": ">>qqq<<"}, "'>>qqq<<' for 'sr', which it has not"),
        ({"qqq": ">>est<<"}, "Got 'qqq'"),
        (["sr"], r"like .*srp_Latn.*Got \['sr'\]"),
    ],
)
def test_what_cannot_be_named_is_refused(setting, message):
    with pytest.raises(ModelError, match=message):
        written_token(Words(">>est<<", language_tokens=setting), language("sr"), ())


def name_tokens(folder, **tokens):
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {SETTING: tokens}))


@pytest.mark.parametrize(
    ("family", "token"),
    [("m2m100", "__hr__"), ("nllb", "hrv_Latn"), ("mbart50", "hr_HR"), ("marian", ">>eng<<"), ("madlad", "<2tr>")],
)
def test_a_named_token_is_what_the_model_reads_or_writes(tmp_path, family, token):
    folder = save_model(tmp_path / family, family)
    before = resolve_model(str(folder)).revision
    name_tokens(folder, sr=token)
    assert resolve_model(str(folder)).revision != before  # and so no key is shared
    model = load_model(folder)
    one = pair("tr-sr")
    check_coverage(model.tokenizer, model.family, one)
    (found,) = encode(model.tokenizer, model.family, Bitext(one, "test", ("a",), ("b",)), max_length=32)
    named = model.tokenizer.convert_tokens_to_ids(token)
    assert named in (found.source if family in ("marian", "madlad") else found.target)
    assert first_target_token(model.tokenizer, model.family, one) in (None, named)


def test_the_refusal_says_how_to_name_a_token(tmp_path):
    model = load_model(save_model(tmp_path / "madlad", "madlad"))
    with pytest.raises(
        LanguageNotCovered, match=r'tokenizer_config\.json: "language_tokens": \{"sr": ">>srp_Latn<<"\}'
    ):
        check_coverage(model.tokenizer, model.family, pair("en-sr"))


def test_marian_models_of_one_side_are_known_by_any_code(tmp_path):
    model = load_model(save_model(tmp_path / "marian", "marian"))
    model.tokenizer.target_lang = "est"
    check_coverage(model.tokenizer, model.family, pair("tr-et"))
    with pytest.raises(LanguageNotCovered):
        check_coverage(model.tokenizer, model.family, pair("tr-fi"))
    model.tokenizer.source_lang = "ara"
    check_coverage(model.tokenizer, model.family, pair("ar-et"))
    with pytest.raises(LanguageNotCovered):
        check_coverage(model.tokenizer, model.family, pair("tr-et"))
