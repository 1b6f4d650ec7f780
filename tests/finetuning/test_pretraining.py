"""Making a small M2M100: what is drawn, what is saved, the same seed twice, a run that was cut off."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from pseudofam_core.corpora import open_corpus
from pseudofam_core.finetuning.pretraining import PretrainingSpec, draw_batches, pretrain
from pseudofam_core.languages import pair
from pseudofam_core.models.loading import load_model
from pseudofam_core.models.tokenization import ModelFamily
from pseudofam_core.progress import Meter

SPEC = PretrainingSpec(
    (pair("de-en"), pair("tr-en")),
    vocabulary_size=380,
    d_model=16,
    encoder_layers=1,
    decoder_layers=1,
    steps=6,
    batch_tokens=300,
    warmup_steps=2,
)
# transformers warns of a private torch call of its own.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def weights(folder):
    return {name: one.detach() for name, one in load_model(folder).parameters().items()}


def test_the_result_is_an_ordinary_folder_and_a_seed_makes_it_again(saved_corpus, tmp_path):
    corpus = open_corpus(saved_corpus)
    first = weights(pretrain(SPEC, corpus, tmp_path / "one"))
    model = load_model(tmp_path / "one")
    assert model.family is ModelFamily.M2M100
    assert model.module.config.d_model == 16
    ids = model.tokenizer("Çorba çok sıcaktı 中.")["input_ids"]
    assert model.tokenizer.unk_token_id not in ids
    assert model.tokenizer.decode(ids, skip_special_tokens=True) == "Çorba çok sıcaktı 中."
    again = weights(pretrain(SPEC, corpus, tmp_path / "two"))
    assert all(torch.equal(one, again[name]) for name, one in first.items())
    other = weights(pretrain(replace(SPEC, seed=2), corpus, tmp_path / "three"))
    assert any(not torch.equal(one, other[name]) for name, one in first.items() if one.shape == other[name].shape)


def test_a_run_that_was_cut_off_is_gone_on_with(saved_corpus, tmp_path):
    corpus = open_corpus(saved_corpus)
    whole = weights(pretrain(SPEC, corpus, tmp_path / "whole", save_every=2))
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    shutil.rmtree(tmp_path / "cut" / "checkpoint-6")
    (tmp_path / "cut" / "model.safetensors").unlink()
    resumed = weights(pretrain(SPEC, corpus, tmp_path / "cut", save_every=2))
    for name, one in whole.items():
        torch.testing.assert_close(resumed[name], one, rtol=1e-5, atol=1e-7)


def test_caps_keep_so_many_sentences(saved_corpus, tmp_path):
    capped = replace(SPEC, steps=2, caps={pair("de-en"): 2, pair("tr-en"): 2}, vocabulary_size=330)
    pretrain(capped, open_corpus(saved_corpus), tmp_path / "capped")
    vocabulary = (tmp_path / "capped" / "vocab.json").read_text()
    assert vocabulary.count("<0x") == 256


def test_batches_hold_the_budget_and_the_temperature():
    lengths = [[4] * 900, [6] * 100]
    batches = draw_batches(lengths, n_batches=400, max_tokens=60, temperature=2, seed=3)
    assert len(batches) == 400
    flat = np.concatenate([np.array(one) for one in lengths])
    assert all(flat[batch].max() * len(batch) <= 60 for batch in batches)
    drawn = np.concatenate([np.array(batch) for batch in batches])
    # sqrt(900) : sqrt(100) is 3 : 1
    assert (drawn >= 900).mean() == pytest.approx(0.25, abs=0.03)
    assert draw_batches(lengths, n_batches=700, max_tokens=60, temperature=2, seed=3)[:400] == batches


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pairs": ()}, "pairs"),
        ({"steps": 0}, "steps"),
        ({"dropout": 1.0}, "dropout"),
        ({"temperature": 0}, "temperature"),
    ],
)
def test_what_can_not_be_trained_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(SPEC, **change)


def test_a_meter_tells_rate_and_remaining_time(monkeypatch):
    clock = iter([100.0, 102.0, 110.0])
    monkeypatch.setattr("pseudofam_core.progress.time.monotonic", lambda: next(clock))
    seen = []
    meter = Meter(seen.append, lambda: False, phase="estimating", total=100, done=40)
    meter.advance(10)
    meter.advance(30)
    assert [one.done for one in seen] == [40, 50, 80]
    assert seen[0].remaining_s is None
    assert seen[1].rate == pytest.approx(5)
    assert seen[2].remaining_s == pytest.approx(5)
