"""A task says what it is scored by, and nobody else does: another one goes through tests, tables and figures by its entry."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from sacrebleu.metrics.ter import TER

import pseudofam_core
from pseudofam_core.charts.outcomes import difference_figure, score_figure
from pseudofam_core.errors import ScoringError
from pseudofam_core.exchange.outcome_tables import comparison_csv, comparison_frame, comparison_latex
from pseudofam_core.exchange.tables import scores_csv
from pseudofam_core.finetuning import Arm, FinetuneRun, Recipe
from pseudofam_core.languages import pair
from pseudofam_core.outcomes.failure_signs import no_gain
from pseudofam_core.outcomes.testing import compare_arms
from pseudofam_core.outcomes.translations import side_by_side
from pseudofam_core.scoring.metrics import LOSS, TextMetric
from pseudofam_core.scoring.significance import Word
from pseudofam_core.tasks.translation import TRANSLATION
from tests.cases import bitext
from tests.cases_runs import BE, store_run

ROOT = Path(pseudofam_core.__file__).parents[1]
WORSE, BETTER = (pair("bn-en"),), (pair("de-en"), pair("uk-en"))
ARMS = (Arm("single", ()), Arm("far", WORSE), Arm("near", BETTER))


def edits(references, *, target, protocol):
    return TER(references=None if references is None else [references])


ERRORS = TextMetric("ter", "edits", higher_is_better=False, decimals=2, made=edits)
OTHER = replace(
    TRANSLATION, metrics=(ERRORS,), dev_metrics=(LOSS, ERRORS), sentence_metric=ERRORS, beside=(), claim=None
)


@pytest.fixture
def comparison(cache, monkeypatch):
    monkeypatch.setattr(FinetuneRun, "task", OTHER)
    shares = ((), 0.2), (("bn",), 0.5), (("de", "uk"), 0.02)
    runs = [store_run(cache, members, error=error, seed=seed) for members, error in shares for seed in (1, 2)]
    return compare_arms(runs, {BE: ARMS}, n_resamples=100)


def test_only_the_task_names_its_metrics():
    naming = re.compile(r"(?<!sacre)bleu|chrf", re.IGNORECASE)
    files = [path for room in ("pseudofam_core", "pages") for path in (ROOT / room).rglob("*.py")]
    assert len(files) > 100
    found = {path.relative_to(ROOT).as_posix() for path in files if naming.search(path.read_text(encoding="utf-8"))}
    assert found == {"pseudofam_core/tasks/translation.py"}


def test_where_less_is_better_less_is_called_better(comparison):
    verdicts = {one.arm: one.verdict for one in comparison.outcomes}
    assert verdicts["near"].delta.value < 0 < verdicts["far"].delta.value
    assert (verdicts["near"].word, verdicts["far"].word) == (Word.BETTER, Word.WORSE)
    assert no_gain(BE, "near", verdicts["near"], metric=ERRORS, against="single") is None
    assert no_gain(BE, "far", verdicts["far"], metric=ERRORS, against="single").title == "No gain in edits shown."


def test_tables_and_figures_of_another_task_name_its_metric_and_no_other(comparison):
    table = comparison_frame(comparison)
    assert [name for name in table if name.startswith("edits")] == ["edits", "edits_low", "edits_high"]
    latex = comparison_latex(comparison)
    assert "target & arm & edits & edits difference & p (Holm)" in latex
    near = table.set_index("arm").loc["near"]
    assert f"{near['edits']:.2f} [{near['edits_low']:.2f}, {near['edits_high']:.2f}]" in latex
    figure = score_figure(comparison)
    assert figure.layout.xaxis.title.text == f"edits of {BE.label} with its 95% interval"
    assert "<br>edits %{customdata[1]}<br>%{customdata[2]}" in figure.data[-1].hovertemplate
    assert difference_figure(comparison).layout.xaxis.title.text.startswith("edits minus that of single")
    written = [comparison_csv(comparison), latex, figure.to_json(), difference_figure(comparison).to_json()]
    assert not [text for text in written if re.search(r"(?<!sacre)bleu|chrf", text, re.IGNORECASE)]
    first = side_by_side(comparison, BE, n=1)[0]
    assert first.scores["far"] == pytest.approx(
        TER().sentence_score("".join(one.text for one in first.spans["far"]), [first.reference]).score
    )


def test_scores_of_another_task_are_stored_and_written_under_its_names():
    text = bitext()
    found = OTHER.score(text, text.targets)
    assert found.stored == {"n_sentences": len(text), "ter": 0.0, "ter_signature": found.signatures["ter"]}
    assert "nrefs:1" in found.signatures["ter"]
    lines = scores_csv([found]).splitlines()
    assert lines[0] == f"# edits: {found.signatures['ter']}"
    assert lines[1:] == ["pair,split,sentences,ter", f"{text.pair},train,{len(text)},0.00", f"mean,,{len(text)},0.00"]


def test_stored_scores_keep_their_form():
    text = bitext()
    found = TRANSLATION.score(text, text.targets).stored
    assert list(found) == ["n_sentences", "bleu", "chrf", "bleu_signature", "chrf_signature"]


@pytest.mark.parametrize(("name", "up"), [("loss", False), ("bleu", True), ("chrf", True)])
def test_what_may_choose_weights_says_which_way_is_better(name, up):
    assert TRANSLATION.dev_metric(name).higher_is_better is up
    assert Recipe(dev_metric=name).dev_metric == name


def test_an_unknown_dev_metric_is_refused():
    with pytest.raises(ValueError, match=r"dev_metric must be one of loss, bleu, chrf\. Got 'ter'"):
        TRANSLATION.dev_metric("ter")


@pytest.mark.parametrize("target", ["th", "km", "my", "lo", "bo"])
def test_a_metric_that_means_nothing_for_a_language_chooses_no_weights(target):
    with pytest.raises(ScoringError, match=r"dev_metric can't be bleu: BLEU is meaningless: .*Take loss or chrf"):
        TRANSLATION.require_dev_metric("bleu", target)
    for name in ("loss", "chrf"):
        TRANSLATION.require_dev_metric(name, target)
    TRANSLATION.require_dev_metric("bleu", "en")
