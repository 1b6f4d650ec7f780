"""The commands `compare` and `comet` on stored runs."""

from __future__ import annotations

import io
import shutil

import pandas as pd
import pytest

from pseudofam_core.__main__ import main
from pseudofam_core.finetuning import Budget, BudgetMode, TextCut
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.scoring.comet import COMET_PYTHON
from tests.cases_runs import store_run
from tests.cases_translations import sentences

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
EVERY = Budget(BudgetMode.EQUAL_TARGET_TOKENS, updates=100, patience=None)


@pytest.fixture
def options(saved_model, tmp_path, cache):
    """Options of a corpus whose test text is that of stored runs: zero-shot, target alone, traditional family."""
    references = sentences(40, seed=sum(map(ord, "be-en")))
    for code in ("be", "uk", "de"):
        folder = tmp_path / "corpus" / f"{code}-en"
        folder.mkdir(parents=True)
        for split, lines in (("train", sentences(5)), ("test", references)):
            (folder / f"{split}.{code}").write_text("".join(f"source of {line}\n" for line in lines), encoding="utf-8")
            (folder / f"{split}.en").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    store(saved_model, cache, None, error=0.35)
    store(saved_model, cache, [], error=0.3)
    store(saved_model, cache, ["uk"], error=0.05)
    return ["--model", str(saved_model), "--corpus", str(tmp_path / "corpus"), "--cache", str(cache.root)]


def store(model, cache, members, **rest):
    return store_run(cache, members, model_revision=resolve_model(str(model)).revision, **rest)


def test_runs_become_a_table(options, tmp_path, capsys):
    assert main(["compare", *options, "--target", "be-en"]) == 0
    told = capsys.readouterr()
    table = pd.read_csv(io.StringIO(told.out), comment="#").set_index("arm")
    assert list(table.index) == ["zero-shot", "single", "traditional"]
    assert table.loc["traditional", "verdict"] == "differs on these sentences"  # one seed: its luck is not counted
    assert table.loc["single", "verdict"] == "pinned"
    assert (
        main(["compare", *options, "--target", "be-en", "--pinned", "traditional", "--out", str(tmp_path / "x.tex")])
        == 0
    )
    assert r"\begin{tabular}" in (tmp_path / "x.tex").read_text()


@pytest.mark.skipif(CHROMIUM is None, reason="kaleido draws in Chrome or Chromium")
def test_runs_become_figures(options, tmp_path, capsys):
    pytest.importorskip("kaleido")
    assert main(["compare", *options, "--target", "be-en", "--out", str(tmp_path / "x.svg")]) == 0
    files = [tmp_path / f"x-{name}.svg" for name in ("scores", "differences")]  # no random family: nothing against it
    assert capsys.readouterr().out.split() == list(map(str, files))
    for file, word in zip(files, ("Belarusian", "BLEU minus that of single"), strict=True):
        assert file.read_text().startswith("<svg")
        assert word in file.read_text()


def test_without_kaleido_the_way_out_is_told(options, tmp_path, monkeypatch, capsys):
    def to_image(*args, **kwargs):
        raise ValueError("no kaleido\nat all")

    monkeypatch.setattr("plotly.graph_objects.Figure.to_image", to_image)
    assert main(["compare", *options, "--target", "be-en", "--out", str(tmp_path / "x.svg")]) == 1
    told = capsys.readouterr().err
    assert "pip install kaleido" in told
    assert "no kaleido" in told


def test_a_file_of_another_kind_is_refused(options, tmp_path, capsys):
    assert main(["compare", *options, "--target", "be-en", "--out", str(tmp_path / "x.png")]) == 1
    assert "--out must end in .csv, .tex or .svg. Got" in capsys.readouterr().err
    assert not list(tmp_path.glob("x*"))


def test_a_target_without_such_runs_is_named(options, caplog):
    assert main(["compare", *options, "--target", "be-en,uk-en"]) == 0
    assert "Left out, for no such run of it is finished: uk-en" in caplog.text


def test_the_papers_protocol_is_labelled(options, capsys):
    assert main(["compare", *options, "--target", "be-en", "--protocol", "tokenised-filtered"]) == 0
    assert "# protocol: Tokenised text on a filtered test set" in capsys.readouterr().out


def test_runs_are_chosen_by_their_cut(options, saved_model, cache, capsys):
    for members, error in (([], 0.3), (["uk"], 0.1)):
        store(
            saved_model,
            cache,
            members,
            error=error,
            cut=TextCut(target_sentences=3),
            train_digests=["a", "b"][: 1 + len(members)],
        )
    compare = ["compare", *options, "--target", "be-en"]
    assert main(compare) == 1
    assert "Name one" in capsys.readouterr().err
    for said, cut in (("3", "3"), ("all", "none")):
        assert main([*compare, "--target-sentences", said]) == 0
        assert f"# cut: target_sentences: {cut}" in capsys.readouterr().out
    assert main([*compare, "--target-sentences", "4"]) == 1
    assert "--target-sentences must be one that runs were trained on: 3, all. Got 4." in capsys.readouterr().err


def test_what_cannot_be_compared_is_chosen_by_group(options, saved_model, cache, capsys):
    store(saved_model, cache, [], error=0.3, budget=EVERY)
    assert main(["compare", *options, "--target", "be-en"]) == 1
    told = capsys.readouterr().err
    assert "--group 1: 2 runs; budget mode equal-target-tokens"[:38] in told
    assert "--group 2: 3 runs; budget mode equal-upd" in told
    assert main(["compare", *options, "--target", "be-en", "--group", "2"]) == 0
    assert ",traditional," in capsys.readouterr().out
    assert main(["compare", *options, "--target", "be-en", "--group", "3"]) == 1
    assert "--group must be at most 2" in capsys.readouterr().err


def test_without_runs_the_way_out_is_told(options, capsys):
    assert main(["compare", *options, "--target", "de-en"]) == 1
    assert "No run of de-en is finished with this model and corpus. Run `finetune` first." in capsys.readouterr().err
    assert main(["compare", *options, "--target", "be-en", "--pinned", "kl"]) == 1
    assert (
        "pinned must be an arm of be-en with a finished run: zero-shot, single, traditional" in capsys.readouterr().err
    )


def test_comet_needs_its_own_environment(options, monkeypatch, capsys):
    monkeypatch.delenv(COMET_PYTHON, raising=False)
    assert main(["comet", *options, "--target", "be-en"]) == 1
    assert "python3 -m venv comet-env" in capsys.readouterr().err


def test_comet_scores_every_arm(options, monkeypatch, tmp_path, capsys):
    other = tmp_path / "python"
    # A score per line read but the first: 0.5 for all.
    other.write_text("#!/bin/sh\nsed 1d | sed 's/.*/0.5/'\necho '{\"version\": \"2.2.6\"}'\n")
    other.chmod(0o755)
    monkeypatch.setenv(COMET_PYTHON, str(other))
    assert main(["comet", *options, "--target", "be-en"]) == 0
    told = capsys.readouterr().out
    assert "# COMET: COMET|model:Unbabel/wmt22-comet-da|version:2.2.6" in told
    table = pd.read_csv(io.StringIO(told), comment="#")
    assert list(table["COMET"]) == [0.5] * 3
    assert list(table["difference"]) == [0] * 3
