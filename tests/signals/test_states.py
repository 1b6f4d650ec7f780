"""Encoder states against their slow twin, and what the model's states are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pseudofam_core.models.loading import load_model
from pseudofam_core.progress import Meter, never, silent
from pseudofam_core.signals.computing import encoder_states
from pseudofam_core.signals.states import FEWEST_SHARED, EncoderStates, state_cosine
from tests import reference_signals as reference
from tests.cases import bitext, labelled, prompted, save_model


def made(n: int, meanings: range, seed: int) -> EncoderStates:
    rows = np.random.default_rng(seed).normal(size=(n, 5)).astype(np.float32)
    return EncoderStates(rows, np.array(meanings, np.int64))


def test_own_sentences_where_few_are_shared():
    one, other = made(30, range(30), 1), made(30, range(20, 50), 2)
    found = state_cosine(one, other)
    assert found == pytest.approx(reference.cosine_of_means(one.states.tolist(), other.states.tolist()), abs=1e-12)


def test_shared_sentences_where_there_are_enough():
    n = FEWEST_SHARED
    one, other = made(n + 5, range(n + 5), 1), made(n + 5, range(5, n + 10), 2)
    expected = reference.cosine_of_means(one.states[5:].tolist(), other.states[:n].tolist())
    assert state_cosine(one, other) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("family", "text"), [("m2m100", bitext()), ("classifier", labelled()), ("gpt2", prompted())])
def test_states_are_means_over_subwords_whatever_the_batch(tmp_path: Path, family, text):
    model = load_model(save_model(tmp_path, family))
    found = encoder_states(model, text, 64, Meter(silent, never, phase="reading", total=len(text)))
    encoded = model.encode(text, max_length=64)
    marks = {*model.tokenizer.all_special_ids, *getattr(model.tokenizer, "lang_token_to_id", {}).values()}
    for i, one in enumerate(encoded):
        ids = torch.tensor([one.source])
        with torch.inference_mode():
            if family == "m2m100":
                last = model.module.model.encoder(input_ids=ids).last_hidden_state[0]
            else:
                last = model.module(input_ids=ids, output_hidden_states=True).hidden_states[-1][0]
        words = [t for t, token in enumerate(one.source) if token not in marks or token == model.tokenizer.unk_token_id]
        np.testing.assert_allclose(found.states[i], last[words].mean(0).numpy(), rtol=1e-4, atol=1e-5)
    assert len(set(found.meanings.tolist())) == len(set(text.targets))
