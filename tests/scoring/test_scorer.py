"""Scores by either protocol, their signatures, and spBLEU where its model is at hand."""

from __future__ import annotations

import pytest
import sacrebleu
from sacrebleu import utils
from sacrebleu.tokenizers import tokenizer_spm

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.errors import ScoringError
from pseudofam_core.languages import pair
from pseudofam_core.scoring.protocols import Protocol, filtered, tokenised
from pseudofam_core.tasks.translation import SPBLEU_MISSING, TRANSLATION, require_tokenizer, spbleu
from tests.cases import sentencepiece_model
from tests.cases_translations import corrupted, sentences

LINES = sentences(12)
TEXT = Bitext(pair("be-en"), "test", LINES, LINES)


@pytest.mark.parametrize("protocol", Protocol)
def test_the_statistics_add_up_to_the_score(protocol):
    scorer = TRANSLATION.scorer(TEXT, protocol)
    lines = corrupted(LINES, 0.2, seed=1)
    report = scorer.score(lines)
    for metric, value in report.scores.items():
        sums = scorer.statistics(lines, metric).sum(axis=0)
        assert scorer.made[metric]._compute_score_from_stats(sums.tolist()).score == pytest.approx(value)


def test_the_default_is_sacrebleus_own_score_of_untouched_text():
    lines = corrupted(LINES, 0.3, seed=2)
    report = TRANSLATION.score(TEXT, lines)
    assert report.scores["bleu"] == pytest.approx(sacrebleu.corpus_bleu(lines, [list(LINES)]).score)
    assert report.scores["chrf"] == pytest.approx(sacrebleu.corpus_chrf(lines, [list(LINES)], word_order=2).score)
    assert "tok:13a" in report.signatures["bleu"]
    assert report.n_sentences == len(LINES)


def test_the_papers_protocol_scores_tokens_without_smoothing():
    report = TRANSLATION.scorer(TEXT, Protocol.TOKENISED_FILTERED).score(corrupted(LINES, 0.3, seed=2))
    assert "tok:none" in report.signatures["bleu"]
    assert "smooth:none" in report.signatures["bleu"]


def test_tokens_are_split_and_punctuation_made_plain():
    assert tokenised(["“Yes”,  she said … 3,000 & more."], "en") == ['" Yes , " she said ... 3,000 & more .']


@pytest.mark.parametrize(
    ("source", "target", "kept"),
    [
        ("one two three", "eins zwei drei", True),
        ("one", "eins zwei drei", True),
        ("one", "eins zwei drei vier", False),
        ("one two three four", "eins", False),
        ("word " * 251, "Wort " * 251, False),
        ("word " * 250, "Wort " * 250, True),
        ("?!?!-a", "nur ein Wort", False),
        ("drei kurze Worte", "...abc", False),
        ("", "eins", False),
    ],
)
def test_the_filter_keeps_what_its_label_says(source, target, kept):
    assert filtered(Bitext(pair("sv-de"), "test", (source,), (target,))) == ((0,) if kept else ())


def test_scripts_without_spaces_count_characters():
    text = Bitext(pair("ja-en"), "test", ("猫は木の下で寝ている",), ("the cat sleeps under the tree",))
    assert filtered(text) == (0,)


def test_filtered_sentences_are_not_scored():
    sources, targets = (*LINES, "x"), (*LINES, "far too many words for one")
    text = Bitext(pair("be-en"), "test", sources, targets)
    scorer = TRANSLATION.scorer(text, Protocol.TOKENISED_FILTERED)
    report = scorer.score((*LINES, "nothing alike"))
    assert (report.scores["bleu"], report.n_sentences) == (pytest.approx(100), len(LINES))
    assert TRANSLATION.scorer(text).score((*LINES, "nothing alike")).scores["bleu"] < 99


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(ValueError, match="one per sentence, 12 in all"):
        TRANSLATION.score(TEXT, ["one"])
    with pytest.raises(ValueError, match="split with Moses"):
        TRANSLATION.scorer(Bitext(pair("en-ja"), "test", LINES, LINES), Protocol.TOKENISED_FILTERED)
    with pytest.raises(ValueError, match="a sentence to score"):
        TRANSLATION.scorer(Bitext(pair("be-en"), "test", ("x",), ("a b c d",)), Protocol.TOKENISED_FILTERED)


def test_a_language_that_wants_another_package_is_told_before_anything_is_translated(monkeypatch):
    def missing(tokenizer):
        raise RuntimeError("no such package")

    monkeypatch.setattr("sacrebleu.metrics.bleu._get_tokenizer", missing)
    with pytest.raises(ScoringError, match=r"BLEU of text in Japanese needs .* pip install 'sacrebleu\[ja\]'"):
        require_tokenizer("ja")
    with pytest.raises(ScoringError, match="Japanese"):
        TRANSLATION.score(Bitext(pair("en-ja"), "test", LINES, LINES), LINES)


@pytest.mark.parametrize(("file", "name"), [("flores200sacrebleuspm", "flores200"), (None, None)])
def test_spbleu_is_scored_where_its_model_is_and_never_fetched(tmp_path, monkeypatch, file, name):
    def refuse(*_):
        raise AssertionError("the network was asked")

    for module in (utils, tokenizer_spm):
        monkeypatch.setattr(module, "SACREBLEU_DIR", str(tmp_path))
    monkeypatch.setattr(tokenizer_spm, "download_file", refuse)
    if file:
        (tmp_path / "models").mkdir()
        (tmp_path / "models" / file).write_bytes(sentencepiece_model())
    found = spbleu(LINES, LINES)
    if name is None:
        assert found is None
        assert "left out" in SPBLEU_MISSING
    else:
        assert found is not None
        assert found[0] == pytest.approx(100)
        assert f"tok:{name}" in found[1]
