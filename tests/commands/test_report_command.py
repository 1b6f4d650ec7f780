"""The command `report`: one file of what is known of a target."""

from __future__ import annotations

import pytest

from pseudofam_core.__main__ import main
from pseudofam_core.estimates import Workspace, computing
from pseudofam_core.store.cache import Cache


@pytest.fixture(scope="module")
def options(saved_model, saved_corpus, tmp_path_factory):
    """Options of an estimated pool."""
    cache = Cache(tmp_path_factory.mktemp("report"))
    computing.estimate(Workspace(model=str(saved_model), corpus=str(saved_corpus)), cache=cache)
    return ["--model", str(saved_model), "--corpus", str(saved_corpus), "--cache", str(cache.root)]


def test_a_report_is_one_file(options, tmp_path, capsys):
    out = tmp_path / "az.html"
    assert main(["report", *options, "--target", "az-en", "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    page = out.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<h1>Azerbaijani · az: " in page
    assert "100 resamples draw the sentences" in page


def test_the_rule_and_the_measure_are_those_that_were_asked_for(options, capsys):
    asked = ["--measure", "mse", "--rule", "nearest", "--largest", "1"]
    assert main(["report", *options, "--target", "az-en", *asked]) == 0
    page = capsys.readouterr().out
    assert "<h1>Azerbaijani · az: 1 auxiliary</h1>" in page
    assert "<td>nearest: " in page
    assert "<td>MSE</td>" in page


def test_another_kind_of_file_is_refused(options, tmp_path, capsys):
    assert main(["report", *options, "--target", "az-en", "--out", str(tmp_path / "az.pdf")]) == 1
    assert "--out must end in .html. Got" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_is_not_estimated_is_named_with_the_way_out(options, saved_model, saved_corpus, tmp_path, capsys):
    missing = ["--model", str(saved_model), "--corpus", str(saved_corpus), "--cache", str(tmp_path)]
    assert main(["report", *missing, "--target", "az-en"]) == 1
    assert "Run `estimate` with the same options" in capsys.readouterr().err


def test_a_target_outside_of_the_pool_is_refused(options, capsys):
    assert main(["report", *options, "--target", "ja-en"]) == 1
    assert "target must be a pair of the matrix. Got ja-en." in capsys.readouterr().err
