"""BLEU of text without spaces between words: split by script where sacreBLEU can, said to be meaningless where it can't."""

from __future__ import annotations

import pytest
import sacrebleu

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.exchange.tables import scores_csv
from pseudofam_core.languages import LanguagePair, languages, pair
from pseudofam_core.scoring.metrics import meaningful_first
from pseudofam_core.scoring.protocols import Protocol
from pseudofam_core.tasks.translation import TRANSLATION, no_words

CHINESE = ("貓在老椅子上睡覺。", "我們明天在車站見面。", "整夜都在下雨，街上沒有人。")
OUTPUT = ("貓在椅子上睡覺。", "我們明天在車站見面。", "整夜都在下雨，路上沒有人。")
THAI = ("แมวนอนบนเก้าอี้เก่า", "เราจะพบกันที่สถานีพรุ่งนี้")


def scored(code, references, outputs):
    return TRANSLATION.score(Bitext(LanguagePair("en", code), "test", outputs, references), outputs)


@pytest.mark.parametrize("code", ["zh", "zho_Hant", "yue"])
def test_chinese_script_is_split_into_letters(code):
    report = scored(code, CHINESE, OUTPUT)
    assert report.scores["bleu"] == pytest.approx(sacrebleu.corpus_bleu(OUTPUT, [CHINESE], tokenize="zh").score)
    assert report.scores["bleu"] > 50  # unsplit, a sentence is a word: 13a gives 0
    assert "tok:zh" in report.signatures["bleu"]
    assert "meaningless" not in report.signatures["bleu"]


@pytest.mark.parametrize("code", ["th", "my", "lo", "km", "bod", "dzo", "shn"])
def test_bleu_is_said_to_be_meaningless_and_stands_behind_chrf(code):
    report = scored(code, THAI, THAI)
    assert "tok:13a" in report.signatures["bleu"]
    assert "BLEU is meaningless" in report.signatures["bleu"]
    assert "meaningless" not in report.signatures["chrf"]
    lines = scores_csv([report]).splitlines()
    assert [line for line in lines if line.startswith("pair,")] == ["pair,split,sentences,chrf,bleu"]
    assert sum("BLEU is meaningless" in line for line in lines) == 1


def test_other_languages_keep_their_order_and_signature():
    report = scored("be", ("Кот спіць.",), ("Кот спіць.",))
    assert report.signatures["bleu"] == str(sacrebleu.BLEU(references=[["x"]]).get_signature())
    assert "pair,split,sentences,bleu,chrf" in scores_csv([report])
    assert [one.name for one in meaningful_first(TRANSLATION.metrics, ["be", "ja"])] == ["bleu", "chrf"]


def test_signatures_of_several_targets_say_which_is_whose():
    text = scores_csv([scored("zho_Hant", CHINESE, OUTPUT), scored("be", ("Кот спіць.",), ("Кот спіць.",))])
    assert "# BLEU into zho_Hant: " in text
    assert "# BLEU into be: " in text
    assert text.count("# chrF++: ") == 1


def test_every_language_of_such_a_script_is_told():
    unsplit = {code for code in languages() if no_words(code)}
    assert unsplit == {"bod", "dzo", "km", "lo", "my", "shn", "th"}


@pytest.mark.parametrize("code", ["zho_Hant", "yue", "lo", "km", "bod", "dzo"])
def test_the_papers_protocol_is_refused_where_moses_splits_nothing(code):
    text = Bitext(pair(f"en-{code}"), "test", ("One word.",), ("一",))
    with pytest.raises(ValueError, match="split with Moses"):
        TRANSLATION.scorer(text, Protocol.TOKENISED_FILTERED)
