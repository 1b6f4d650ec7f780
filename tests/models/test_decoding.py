"""Evaluation's beam search: the same for every model, whatever its generation settings ask for; what does not hold is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import GenerationConfig

from pseudofam_core.errors import ModelError
from pseudofam_core.models import hub
from pseudofam_core.models.decoding import BEAM_SEARCH, HOLDS, OFF, own_settings
from pseudofam_core.models.generating import generate
from pseudofam_core.models.hub import ModelSource, resolve_model
from pseudofam_core.models.loading import load_model
from tests.cases import FAMILIES, bitext, save_model

ODD = {
    "do_sample": True,
    "temperature": 3.0,
    "num_beams": 7,
    "num_return_sequences": 2,
    "max_new_tokens": 3,
    "min_new_tokens": 20,
    "min_length": 20,
    "return_dict_in_generate": True,
    "output_scores": True,
    "length_penalty": 0.0,
    "early_stopping": True,
    "no_repeat_ngram_size": 1,
    "encoder_no_repeat_ngram_size": 1,
    "repetition_penalty": 4.0,
    "encoder_repetition_penalty": 4.0,
    "exponential_decay_length_penalty": [1, 5.0],
    "sequence_bias": [[[5], 9.0]],
    "renormalize_logits": True,
    "guidance_scale": 2.0,
    "max_time": 0.0001,
    "stop_strings": ["a"],
    "penalty_alpha": 0.6,
    "num_beam_groups": 5,
    "diversity_penalty": 1.0,
}
# Without effect on the outputs of beam search.
WITHOUT_EFFECT = {
    *(
        "num_beams",
        "max_length",
        "use_cache",
        "output_attentions",
        "output_hidden_states",
        "output_logits",
        "output_scores",
    ),
    *("transformers_version", "_from_model_config"),
    # Of sampling.
    *("temperature", "top_k", "top_p", "min_p", "top_h", "typical_p", "epsilon_cutoff", "eta_cutoff"),
    # Of a second model that guesses ahead.
    *("is_assistant", "num_assistant_tokens", "num_assistant_tokens_schedule", "assistant_confidence_threshold"),
    *(
        "assistant_early_exit",
        "assistant_lookbehind",
        "assistant_ensemble_weight",
        "target_lookbehind",
        "speculation_type",
    ),
    "max_matching_ngram_size",
    # Of speed and memory.
    *("cache_config", "max_cache_len", "compile_config", "disable_compile", "continuous_batching_config", "low_memory"),
    "prefill_chunk_size",
}


def said(folder, **settings):
    path = folder / "generation_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = save_model(tmp_path_factory.mktemp("plain"), "m2m100")
    return generate(load_model(folder), bitext(), beams=3, max_length=16)


def test_every_setting_that_transformers_knows_has_its_place():
    assert {*HOLDS, *OFF, *WITHOUT_EFFECT} == set(GenerationConfig().to_dict())
    assert not {*HOLDS} & {*OFF}
    assert BEAM_SEARCH.items() <= OFF.items()


def test_what_is_off_is_what_transformers_leaves_out():
    usual = GenerationConfig._get_default_generation_params()
    assert {name: usual.get(name) for name in OFF} == {name: value or usual.get(name) for name, value in OFF.items()}


@pytest.mark.parametrize("name", ODD)
def test_no_setting_of_the_model_changes_the_search(tmp_path, plain, name):
    model = load_model(said(save_model(tmp_path, "m2m100"), **{name: ODD[name]}))
    assert generate(model, bitext(), beams=3, max_length=16) == plain


def test_not_all_of_them_together(tmp_path, plain, caplog):
    folder = said(save_model(tmp_path, "m2m100"), **ODD)
    aside = own_settings(resolve_model(str(folder))).set_aside
    assert set(ODD) - {one.split(" = ")[0] for one in aside} == {"temperature", "num_beams", "output_scores"}
    assert "no_repeat_ngram_size = 1" in aside
    torch.manual_seed(1)
    model = load_model(folder)
    assert generate(model, bitext(), beams=3, max_length=16) == plain
    assert "length_penalty = 0.0" in caplog.text
    model.module.save_pretrained(tmp_path / "again")  # refused by transformers with what was said there


def test_older_models_say_it_in_their_configuration(tmp_path, plain):
    folder = save_model(tmp_path, "m2m100")
    own = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").unlink()
    path = folder / "config.json"
    path.write_text(
        json.dumps(json.loads(path.read_text()) | own | {"no_repeat_ngram_size": 1, "early_stopping": True})
    )
    aside = own_settings(resolve_model(str(folder))).set_aside
    assert aside == ("early_stopping = true", "no_repeat_ngram_size = 1")
    assert generate(load_model(folder), bitext(), beams=3, max_length=16) == plain


@pytest.mark.parametrize("name", ["suppress_tokens", "bad_words_ids"])
def test_tokens_that_the_model_must_not_write_stay_forbidden(tmp_path, plain, name):
    assert all("ro" in text for text in plain)
    folder = save_model(tmp_path, "m2m100")
    token = load_model(folder).tokenizer.convert_tokens_to_ids("ro")
    value = [token] if name == "suppress_tokens" else [[token]]
    found = generate(load_model(said(folder, **{name: value})), bitext(), beams=3, max_length=16)
    assert not any("ro" in text for text in found)
    own = own_settings(resolve_model(str(folder)))
    assert (own.told, own.set_aside) == ((f"{name} = {json.dumps(value)}",), ())


@pytest.mark.parametrize("family", FAMILIES)
def test_usual_models_have_nothing_set_aside(tmp_path, family):
    assert own_settings(resolve_model(str(save_model(tmp_path, family)))).set_aside == ()


def test_a_length_penalty_of_nothing_is_one():
    assert own_settings_of(length_penalty=0.0, num_return_sequences=1, early_stopping=False, min_length=None) == (
        "length_penalty = 0.0",
    )


def own_settings_of(**settings):
    return hub_settings(json.dumps(settings)).set_aside


def hub_settings(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pseudofam_core.models.decoding.read_text", lambda source, name: text)
        return own_settings(ModelSource("someone/model", "0", None))


@pytest.mark.parametrize("text", ["{", "[1]", "3"])
def test_settings_that_cannot_be_read_are_told(text):
    with pytest.raises(ModelError, match=r"generation_config\.json of someone/model must be JSON.*Correct it"):
        hub_settings(text)


def test_of_a_model_on_the_hub_the_one_file_is_fetched_beside_its_cache(monkeypatch, tmp_path):
    fetched = []

    def download(model, name, *, revision, local_dir):
        fetched.append((model, name, revision))
        if name == "generation_config.json":
            raise hub.RemoteEntryNotFoundError.__new__(hub.RemoteEntryNotFoundError)
        path = Path(local_dir) / name
        path.write_text('{"do_sample": true}')
        return str(path)

    hub._fetched_text.cache_clear()
    monkeypatch.setattr(hub, "hf_hub_download", download)
    for _ in range(2):
        assert own_settings(ModelSource("someone/model", "c0ffee", None)).set_aside == ("do_sample = true",)
    assert fetched == [("someone/model", name, "c0ffee") for name in ("generation_config.json", "config.json")]
