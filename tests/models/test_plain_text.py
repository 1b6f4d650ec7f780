"""A model's own tokens in a text are letters; text without any is encoded as by the tokenizer itself."""

from __future__ import annotations

import pytest

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.models.loading import load_model
from pseudofam_core.models.plain_text import encode_plain
from pseudofam_core.models.tokenization import ModelFamily, encode
from tests.cases import ENGLISH, FAMILIES, OTHER_TASKS, TURKISH, save_model

OWN = ("</s>", "<s>", "<pad>", "<unk>", "__de__", "deu_Latn", "de_DE", ">>eng<<", "<2en>", "<mask>", "<|endoftext|>")
CUT = {"truncation": True, "max_length": 64}


@pytest.fixture(scope="module", params=[*FAMILIES, *OTHER_TASKS])
def model(request, tmp_path_factory):
    return load_model(save_model(tmp_path_factory.mktemp(request.param), request.param))


def encoded(model, sources, targets):
    translates = model.family.translates
    one = pair("tr-en") if translates else LanguagePair("tr", "tr")
    labels = {"yes": 0}
    return encode(model.tokenizer, model.family, Bitext(one, "test", sources, targets), max_length=64, labels=labels)


def own_ids(model):
    tokenizer = model.tokenizer
    known = tokenizer.get_vocab()
    return {known[one] for one in (*tokenizer.all_special_tokens, *OWN) if one in known} - {tokenizer.unk_token_id}


@pytest.mark.parametrize("place", ["{} kedi", "kedi {} uyuyor", "kedi{}uyuyor", "kedi {}", "{} {}", "{}"])
@pytest.mark.parametrize("token", OWN)
def test_own_tokens_in_a_text_are_no_control_tokens(model, token, place):
    text = place.format(token, token)
    is_label = model.family is ModelFamily.CLASSIFIER
    plain, found = encoded(model, ("x", text), ("yes",) * 2 if is_label else ("x", text))
    own = own_ids(model)
    for one, other in ((plain.source, found.source), *([] if is_label else [(plain.target, found.target)])):
        assert [i for i in other if i in own] == [i for i in one if i in own]  # the frame alone
        assert len(other) > len([i for i in one if i in own])


def test_the_letters_of_an_own_token_are_all_there(model):
    token = model.tokenizer.eos_token
    (ids,) = encode_plain(model.tokenizer, [f"kedi {token} uyuyor"], **CUT)
    text = model.tokenizer.decode(ids, skip_special_tokens=True)
    letters = {letter for letter in token if letter.isalpha()}
    assert letters < set(text)
    assert text.startswith("kedi")
    assert text.endswith("uyuyor")


def test_other_text_is_encoded_as_by_the_tokenizer(model):
    lines = [*TURKISH, *ENGLISH, "", "  a  b ", "< s > 2 < 3 >> 1", "__ de __ deu Latn", "＜ < ＞"]
    for max_length in (64, 7):
        cut = {"truncation": True, "max_length": max_length}
        for side in ("text", "text_target"):
            assert (
                encode_plain(model.tokenizer, lines, side=side, **cut)
                == model.tokenizer(**{side: lines}, **cut)["input_ids"]
            )


def test_a_text_with_own_tokens_is_cut_like_any(model):
    (ids,) = encode_plain(model.tokenizer, ["kedi <pad> </s> <|endoftext|> " * 20], truncation=True, max_length=12)
    (usual,) = model.tokenizer(["kedi uyuyor " * 20], truncation=True, max_length=12)["input_ids"]
    assert len(ids) == len(usual) == 12
    own = own_ids(model)
    assert [i for i in ids if i in own] == [i for i in usual if i in own]


def test_wide_letters_that_a_tokenizer_makes_plain_are_letters_too(model):
    plain, found = encode_plain(model.tokenizer, ["x", "kedi ＜/s＞ ＜pad＞ uyuyor"], **CUT)
    own = own_ids(model)
    assert [i for i in found if i in own] == [i for i in plain if i in own]
