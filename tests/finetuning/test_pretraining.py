"""Making a small M2M100: what is drawn, what is saved, the same seed twice, a run that was cut off."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration

from pseudofam_core.__main__ import main
from pseudofam_core.corpora import open_corpus
from pseudofam_core.corpora.kept_back import read_kept_back
from pseudofam_core.errors import CorpusError, ModelError
from pseudofam_core.finetuning import pretraining
from pseudofam_core.finetuning.plan import drawn_anew
from pseudofam_core.finetuning.pretraining import PretrainingSpec, pretrain
from pseudofam_core.languages import pair
from pseudofam_core.models.loading import load_model
from pseudofam_core.models.tokenization import ModelFamily
from pseudofam_core.progress import Meter
from tests.cases import ENGLISH

DE, TR = pair("de-en"), pair("tr-en")
SMALLEST = M2M100Config(
    vocab_size=8, d_model=4, encoder_layers=1, decoder_layers=1, encoder_attention_heads=1, decoder_attention_heads=1
)
SPEC = PretrainingSpec(
    (DE, TR),
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


@pytest.fixture
def read(monkeypatch):
    """What the tokenizer and the model were given, without training either."""
    found = {"vocabulary": [], "model": []}

    def tokenizer(bitexts, out, **_):
        found["vocabulary"] += bitexts
        (out / "sentencepiece.bpe.model").touch()

    class Trainer:
        def __init__(self, *_):
            self.model = M2M100ForConditionalGeneration(SMALLEST)

        def train(self, **_):
            return None

    monkeypatch.setattr(pretraining, "train_tokenizer", tokenizer)
    monkeypatch.setattr(pretraining, "encode", lambda tokenizer, family, bitext, **_: found["model"].append(bitext))
    monkeypatch.setattr(pretraining, "_trainer", Trainer)
    monkeypatch.setattr(pretraining, "model_config", lambda spec, tokenizer: SMALLEST)
    monkeypatch.setattr(pretraining.M2M100Tokenizer, "from_pretrained", lambda out: Mock(pad_token_id=1))
    return found


def n_rows(bitexts):
    return {str(one.pair): len(one) for one in bitexts}


def test_caps_keep_so_many_sentences_of_the_model_and_the_vocabulary(saved_corpus, tmp_path, read):
    pretrain(replace(SPEC, caps={DE: 2, TR: 3}), open_corpus(saved_corpus), tmp_path)
    assert n_rows(read["model"]) == n_rows(read["vocabulary"]) == {"de-en": 2, "tr-en": 3}


def test_the_vocabulary_covers_pairs_that_are_capped_or_not_trained_on(saved_corpus, tmp_path, read):
    spec = replace(SPEC, caps={DE: 2}, vocabulary_pairs=(DE, pair("sv-en")))
    pretrain(spec, open_corpus(saved_corpus), tmp_path)
    assert n_rows(read["model"]) == {"de-en": 2, "tr-en": 7}
    assert n_rows(read["vocabulary"]) == {"de-en": 7, "tr-en": 7, "sv-en": 7}


def test_nothing_that_is_kept_back_is_read_in_any_pair(saved_corpus, tmp_path, read):
    corpus = open_corpus(saved_corpus)
    pretrain(replace(SPEC, keep_back=0.5, vocabulary_pairs=(pair("sv-en"),)), corpus, tmp_path)
    kept = read_kept_back(tmp_path)
    seen = Counter(line for one in (*read["model"], *read["vocabulary"]) for line in (*one.sources, *one.targets))
    for one in corpus.pairs():
        whole = corpus.read(one, "train")
        unread = kept.only_kept(whole)
        assert 0 < len(unread) < len(whole)
        assert not seen.keys() & {*unread.sources, *unread.targets}
    assert all(one == kept.without_kept(corpus.read(one.pair, "train")) for one in read["model"])


def test_the_split_is_of_the_corpus_whatever_pairs_are_trained_on(saved_corpus, tmp_path, read):
    corpus, half = open_corpus(saved_corpus), replace(SPEC, keep_back=0.5)
    pretrain(half, corpus, tmp_path / "two")
    pretrain(replace(half, pairs=(DE,)), corpus, tmp_path / "one")
    assert read_kept_back(tmp_path / "one") == read_kept_back(tmp_path / "two")


def test_dev_and_test_of_any_pair_are_not_read(saved_corpus, tmp_path, read):
    folder = Path(shutil.copytree(saved_corpus, tmp_path / "corpus"))
    for split, line in (("dev", ENGLISH[1].upper()), ("test", ENGLISH[2])):
        (folder / "sv-en" / f"{split}.sv").write_text("svenska\n", encoding="utf-8")
        (folder / "sv-en" / f"{split}.en").write_text(f"{line}\n", encoding="utf-8")
    pretrain(SPEC, open_corpus(folder), tmp_path / "model")
    for one in (*read["model"], *read["vocabulary"]):
        assert one.targets == (ENGLISH[0], *ENGLISH[3:])


@pytest.mark.parametrize(("before", "now"), [(0.0, 0.5), (0.5, 0.0), (0.5, 0.4)])
def test_what_was_begun_with_another_split_is_not_gone_on_with(saved_corpus, tmp_path, read, before, now):
    corpus = open_corpus(saved_corpus)
    pretrain(replace(SPEC, keep_back=before), corpus, tmp_path)
    pretrain(replace(SPEC, keep_back=before, pairs=(DE,)), corpus, tmp_path)  # other pairs may go on
    with pytest.raises(ModelError, match="another split of the text"):
        pretrain(replace(SPEC, keep_back=now), corpus, tmp_path)


def test_a_pair_of_which_nothing_may_be_read_is_an_error(saved_corpus, tmp_path, read):
    folder = Path(shutil.copytree(saved_corpus, tmp_path / "corpus"))
    for side in ("de", "en"):
        shutil.copy(folder / "de-en" / f"train.{side}", folder / "de-en" / f"test.{side}")
    with pytest.raises(CorpusError, match="No training sentence of de-en"):
        pretrain(SPEC, open_corpus(folder), tmp_path / "model")


@pytest.mark.parametrize("able", [True, False])
def test_the_precision_is_what_the_machine_can_do_unless_it_is_named(machine_that, tmp_path, caplog, able):
    machine_that(able)
    caplog.set_level("INFO")
    assert pretraining._arguments(SPEC, tmp_path, 1).bf16 is able
    assert f"Training in {'bf16' if able else 'float32'}." in caplog.text
    assert not pretraining._arguments(replace(SPEC, precision="float32"), tmp_path, 1).bf16
    assert pretraining._arguments(replace(SPEC, precision="bf16"), tmp_path, 1).bf16
    assert ("bf16 is emulated here" in caplog.text) is not able
    with pytest.raises(ValueError, match="precision must be one of auto, float32, bf16, fp16"):
        replace(SPEC, precision="half")


def test_half_a_text_trains_a_model_that_another_goes_on_from(saved_corpus, tmp_path):
    """For real, by the command: the low-resource pair joins later, in a copy of the folder, from its last whole checkpoint."""
    options = ["pretrain", "--corpus", str(saved_corpus), "--keep-back", "0.5", "--vocabulary-pairs", "de-en"]
    options += ["--vocabulary-size", "340", "--d-model", "16", "--encoder-layers", "1", "--decoder-layers", "1"]
    options += [
        "--aligned-start",
        "--dropout",
        "0",
        "--batch-tokens",
        "300",
        "--warmup-steps",
        "1",
        "--save-every",
        "2",
    ]
    main([*options, "--pairs", "tr-en", "--steps", "4", "--out", str(tmp_path / "unseen")])
    shutil.copytree(tmp_path / "unseen", tmp_path / "fresh")
    (tmp_path / "fresh" / "checkpoint-4" / "trainer_state.json").unlink()  # cut off while it was written
    main([*options, "--pairs", "tr-en,de-en", "--cap", "de-en=1", "--steps", "5", "--out", str(tmp_path / "fresh")])
    unseen, fresh = weights(tmp_path / "unseen"), weights(tmp_path / "fresh")
    assert any(not torch.equal(one, fresh[name]) for name, one in unseen.items())
    state = json.loads((tmp_path / "fresh" / "checkpoint-5" / "trainer_state.json").read_text())
    assert state["global_step"] == 5
    assert (tmp_path / "fresh" / "vocab.json").read_text() == (tmp_path / "unseen" / "vocab.json").read_text()
    assert read_kept_back(tmp_path / "fresh") == read_kept_back(tmp_path / "unseen")


def test_batches_hold_the_budget_and_the_temperature():
    lengths = [np.full(900, 4), np.full(100, 6)]
    batches = list(drawn_anew(lengths, n_batches=400, max_tokens=60, temperature=2, seed=3))
    assert len(batches) == 400
    flat = np.concatenate(lengths)
    assert all(flat[list(batch)].max() * len(batch) <= 60 for batch in batches)
    drawn = np.concatenate([np.array(batch) for batch in batches])
    # sqrt(900) : sqrt(100) is 3 : 1
    assert (drawn >= 900).mean() == pytest.approx(0.25, abs=0.03)
    assert list(drawn_anew(lengths, n_batches=700, max_tokens=60, temperature=2, seed=3))[:400] == batches


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pairs": ()}, "pairs"),
        ({"steps": 0}, "steps"),
        ({"dropout": 1.0}, "dropout"),
        ({"temperature": 0}, "temperature"),
        ({"keep_back": 1.0}, "keep_back"),
        ({"keep_back": -0.5}, "keep_back"),
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
