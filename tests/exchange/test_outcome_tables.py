"""The table of a comparison as CSV and LaTeX."""

from __future__ import annotations

import io
from dataclasses import replace

import pandas as pd
import pytest
from sacrebleu import utils
from sacrebleu.tokenizers import tokenizer_spm

from pseudofam_core.exchange.outcome_tables import comparison_csv, comparison_frame, comparison_latex
from pseudofam_core.finetuning import Arm
from pseudofam_core.languages import pair
from pseudofam_core.outcomes.testing import compare_arms
from pseudofam_core.scoring.protocols import Protocol
from tests.cases import sentencepiece_model
from tests.cases_runs import BE, store_run

UK, DE = pair("uk-en"), pair("de-en")
BN = pair("bn-en")


@pytest.fixture
def comparison(cache):
    single, evil = Arm("single", ()), Arm("=mine & 50%_", (DE, UK))
    runs = [
        store_run(cache, members, error=error, target=target)
        for target in (BE, BN)
        for members, error in (([], 0.3), (["uk", "de"], 0.1))
    ]
    return compare_arms(runs, {BE: (single, evil), BN: (single, evil)}, n_resamples=50)


def test_the_csv_has_a_row_per_arm_and_the_averages(comparison):
    text = comparison_csv(comparison)
    table = pd.read_csv(io.StringIO(text), comment="#")
    assert list(table["target"]) == ["be-en", "be-en", "bn-en", "bn-en", "mean of 2", "mean of 2"]
    assert list(table["verdict"]) == ["pinned", "differs on these sentences"] * 3
    first = comparison.outcomes[1]
    row = table.iloc[1]
    assert row["BLEU"] == first.scores["bleu"].value
    assert row["chrF++_low"] == first.scores["chrf"].low
    assert row["difference_high"] == first.verdict.delta.high
    assert row["p"] == first.verdict.p_holm
    assert pd.isna(row["visible_gain"])  # one seed can show none
    assert (row["updates"], row["target_tokens"], row["auxiliary_tokens"]) == (80, 1000, 833)
    assert row["budget"] == "equal-updates"
    assert row["members"] == "de-en uk-en"


def test_what_random_families_say_is_told_where_there_are_any(cache, comparison):
    assert "control_difference" not in comparison_frame(comparison)
    arms = (Arm("single", ()), Arm("mse", (DE, UK)), Arm("random-2-1", (BN, UK)))
    runs = [store_run(cache, members, error=error) for members, error in (([], 0.3), (["uk", "de"], 0.1))]
    found = compare_arms([*runs, store_run(cache, ["bn", "uk"], error=0.3)], {BE: arms}, n_resamples=50)
    table = pd.read_csv(io.StringIO(comparison_csv(found)), comment="#").set_index("arm")
    control = found.of(BE, "mse").control
    assert table.loc["mse", "control_difference"] == control.delta.value
    assert table.loc["mse", "control_p"] == control.p_holm
    assert table.loc["mse", "control_test"] == control.test
    assert list(table["control_verdict"].fillna("")) == ["", "differs on these sentences", ""]
    rows = comparison_latex(found).splitlines()
    assert r"\begin{tabular}{llrrrrlrlrrrr}" in rows
    assert any("p (Holm) & verdict & against random & verdict on random & runs" in row for row in rows)


def test_an_average_says_over_which_targets_its_control_goes(cache):
    arms = (Arm("single", ()), Arm("mse", (DE, UK)), Arm("random-2-1", (pair("hr-en"), UK)))
    runs = [
        store_run(cache, members, error=error, target=target)
        for target in (BE, BN, pair("sr-en"))
        for members, error in (([], 0.3), (["uk", "de"], 0.1))
    ]
    runs += [store_run(cache, ["hr", "uk"], error=0.3, target=target) for target in (BE, BN)]
    found = compare_arms(runs, {run.target: arms for run in runs}, n_resamples=50)
    row = comparison_frame(found).set_index(["target", "arm"]).loc[("mean of 3", "mse")]
    assert row["control_targets"] == "be-en bn-en"
    assert row["control_caveat"].startswith("over be-en bn-en only; luck not counted: ")


def test_the_csv_says_how_it_was_made_and_runs_no_formula(comparison):
    text = comparison_csv(comparison)
    comments = [line for line in text.splitlines() if line.startswith("#")]
    for told in ("protocol: Detokenised", "tok:13a", "pinned: single", "learning_rate: 3e-05", "The paper claims +1.7"):
        assert any(told in line for line in comments), told
    assert all(one.runs[0][0].key in text for one in comparison.outcomes)
    assert "'=mine" in text
    assert ",=mine" not in text


def test_spbleu_is_a_column_where_its_model_is_and_a_statement_elsewhere(comparison, tmp_path, monkeypatch):
    for module in (utils, tokenizer_spm):
        monkeypatch.setattr(module, "SACREBLEU_DIR", str(tmp_path))
    assert "# spBLEU: spBLEU is left out" in comparison_csv(comparison)
    assert "spBLEU" not in comparison_frame(comparison)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "flores200sacrebleuspm").write_bytes(sentencepiece_model())
    assert "# spBLEU: nrefs:1|case:mixed|eff:no|tok:flores200" in comparison_csv(comparison)
    # The paper's protocol scores other sentences: no spBLEU of all of them beside it.
    assert "spBLEU" not in comparison_frame(replace(comparison, protocol=Protocol.TOKENISED_FILTERED))
    values = comparison_frame(comparison)["spBLEU"]
    assert values[0] < values[1] < 100  # the family is better than the target alone


def test_latex_is_escaped_and_needs_no_package(comparison):
    text = comparison_latex(comparison)
    rows = [line for line in text.splitlines() if not line.startswith("%")]
    assert rows[0] == r"\begin{tabular}{llrrrrlrrrr}"
    assert rows[-1] == r"\end{tabular}"
    assert r"=mine \& 50\%\_" in text
    body = [line for line in rows if line.endswith(r"\\")]
    assert len(body) == 1 + len(comparison_frame(comparison))
    assert all(line.replace(r"\&", "").count("&") == 10 for line in body)
    one = comparison.outcomes[1].verdict.delta
    assert f"{one.value:+.1f} [{one.low:+.1f}, {one.high:+.1f}]" in body[2]
    assert "toprule" not in text
    assert "nan" not in text.lower().replace("unang", "")
