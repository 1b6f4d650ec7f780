"""Translation by each family, in its target language, and scores that say how they were made."""

from __future__ import annotations

import pytest

from pseudofam_core.__main__ import main
from pseudofam_core.exchange.tables import scores_csv
from pseudofam_core.models.generating import generate
from pseudofam_core.models.loading import load_model
from pseudofam_core.models.tokenization import first_target_token
from pseudofam_core.tasks.translation import TRANSLATION
from tests.cases import FAMILIES, bitext, save_model


@pytest.mark.parametrize("family", FAMILIES)
def test_generation_begins_with_the_target_language(tmp_path, family):
    model = load_model(save_model(tmp_path, family))
    text = bitext()
    begin = first_target_token(model.tokenizer, model.family, text.pair)
    expected = {"m2m100": "__en__", "nllb": "eng_Latn", "mbart50": "en_XX"}.get(family)
    assert (begin is None) == (expected is None)
    if begin is not None:
        assert model.tokenizer.convert_ids_to_tokens(begin) == expected
    found = generate(model, text, beams=2, max_length=12, batch_tokens=40)
    assert len(found) == len(text)
    assert not any("__" in one or "</s>" in one or "_Latn" in one for one in found)


def test_translations_come_in_the_order_of_the_sources(tmp_path):
    model = load_model(save_model(tmp_path))
    text = bitext()
    one_by_one = generate(model, text, beams=2, max_length=16, batch_tokens=1)
    assert generate(model, text, beams=2, max_length=16, batch_tokens=999) == one_by_one


def test_scores_carry_their_signature():
    text = bitext()
    perfect = TRANSLATION.score(text, text.targets)
    assert (perfect.scores["bleu"], perfect.scores["chrf"]) == (pytest.approx(100), pytest.approx(100))
    assert "tok:13a" in perfect.signatures["bleu"]
    assert "nw:2" in perfect.signatures["chrf"]
    worse = TRANSLATION.score(text, [line.replace("the", "a") for line in text.targets])
    assert 0 < worse.scores["bleu"] < 100
    table = scores_csv([perfect, worse])
    assert "# BLEU: nrefs:1" in table
    assert table.splitlines()[-1].startswith("mean,,14,")


def test_hypotheses_must_align():
    with pytest.raises(ValueError, match="one per sentence"):
        TRANSLATION.score(bitext(), ["one"])


def test_the_command_scores_every_pair(saved_model, saved_corpus, tmp_path, capsys):
    options = ["--model", str(saved_model), "--corpus", str(saved_corpus), "--split", "train", "--beams", "1"]
    assert main(["score", *options, "--pairs", "tr-en,de-en", "--out", str(tmp_path / "scores.csv")]) == 0
    rows = [line.split(",")[0] for line in (tmp_path / "scores.csv").read_text().splitlines() if line[0] != "#"]
    assert rows == ["pair", "de-en", "tr-en", "mean"]


def test_the_command_scores_so_many_sentences_and_takes_no_option_that_it_would_not_read(
    saved_model, saved_corpus, tmp_path, capsys
):
    options = ["--model", str(saved_model), "--corpus", str(saved_corpus), "--split", "train", "--beams", "1"]
    assert main(["score", *options, "--pairs", "tr-en", "--max-sentences", "3"]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("tr-en,")]
    assert row.startswith("tr-en,train,3,")
    with pytest.raises(SystemExit):
        main(["score", *options, "--parameters", "nonsense"])
