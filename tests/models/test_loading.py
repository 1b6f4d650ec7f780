"""Loading and encoding with the real tokenizer classes of each family, saved to disk."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
import transformers

from pseudofam_core.errors import LanguageNotCovered, ModelError
from pseudofam_core.languages import pair
from pseudofam_core.models.hub import _wanted, resolve_model, sample_model
from pseudofam_core.models.loading import IGNORED_LABEL, load_config, load_model, padded_batch
from pseudofam_core.models.parameters import select_parameters
from pseudofam_core.models.tokenization import EncodedPair, ModelFamily, check_coverage, covered_languages, encode
from tests.cases import FAMILIES, bitext, save_model

CLASSES = {
    "m2m100": "M2M100Tokenizer",
    "nllb": "NllbTokenizer",
    "mbart50": "MBart50Tokenizer",
    "marian": "MarianTokenizer",
    "t5": "T5Tokenizer",
    "madlad": "T5Tokenizer",
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {family: save_model(tmp_path_factory.mktemp(family), family) for family in FAMILIES}


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_loads_with_its_own_tokenizer(folders, family):
    model = load_model(folders[family])
    assert type(model.tokenizer).__name__ == CLASSES[family]
    assert model.family is ModelFamily[family.upper()]
    assert not model.module.training


def sides(folders, family, name="tr-en"):
    """The first sentence pair as tokens."""
    model = load_model(folders[family])
    first = encode(model.tokenizer, model.family, bitext(name), max_length=64)[0]
    return [model.tokenizer.convert_ids_to_tokens(ids) for ids in (first.source, first.target)]


@pytest.mark.parametrize(
    ("family", "source", "target"),
    [("m2m100", "__tr__", "__en__"), ("nllb", "tur_Latn", "eng_Latn"), ("mbart50", "tr_TR", "en_XX")],
)
def test_language_codes_begin_both_sides(folders, family, source, target):
    ours = sides(folders, family)
    assert [ours[0][0], ours[1][0]] == [source, target]
    assert [ours[0][-1], ours[1][-1]] == ["</s>", "</s>"]
    turned = sides(folders, family, "en-tr")
    assert [turned[0][0], turned[1][0]] == [target, source]


def test_madlad_is_told_the_target_before_the_text(folders):
    source, target = sides(folders, "madlad")
    assert "<2en>" in source[:2]
    assert "<2en>" not in target


def test_marian_gets_its_target_token_and_t5_its_prompt(folders):
    assert sides(folders, "marian")[0][0] == ">>eng<<"
    model = load_model(folders["t5"])
    prompted = encode(model.tokenizer, model.family, bitext(), max_length=64)[0].source
    assert prompted == model.tokenizer(f"translate Turkish to English: {bitext().sources[0]}")["input_ids"]


@pytest.mark.parametrize("family", ["mbart50", "marian", "madlad"])
def test_a_missing_language_is_refused_with_what_is_covered(folders, family):
    model = load_model(folders[family])
    missing = {"mbart50": "be-en", "marian": "be-en", "madlad": "tr-be"}[family]
    with pytest.raises(LanguageNotCovered, match=r"Belarusian · be.*covers tr-en"):
        check_coverage(model.tokenizer, model.family, pair(missing), [pair("tr-en"), pair(missing)])


def test_covered_languages_are_those_of_the_tokenizer(folders):
    counts = {}
    for family in ("m2m100", "nllb", "mbart50"):
        model = load_model(folders[family])
        counts[family] = len(covered_languages(model.tokenizer, model.family))
    assert counts == {"m2m100": 100, "nllb": 202, "mbart50": 52}


def test_long_sentences_are_cut(folders):
    model = load_model(folders["m2m100"])
    cut = encode(model.tokenizer, model.family, bitext(), max_length=8)
    assert max(len(one.source) for one in cut) == 8
    assert all(one.source[-1] == model.tokenizer.eos_token_id for one in cut)


def test_padding_does_not_count():
    batch = padded_batch([EncodedPair([5, 6, 2], [7, 2]), EncodedPair([5, 2], [7, 8, 9, 2])], pad_id=1)
    assert batch["input_ids"].tolist() == [[5, 6, 2], [5, 2, 1]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch["labels"].tolist() == [[7, 2, IGNORED_LABEL, IGNORED_LABEL], [7, 8, 9, 2]]


def test_a_bin_checkpoint_is_read_with_weights_only(folders, tmp_path):
    folder = tmp_path / "bin"
    shutil.copytree(folders["m2m100"], folder)
    kept = load_model(folder)
    torch.save(kept.module.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    for name, one in load_model(folder).parameters().items():
        assert torch.equal(one, kept.parameters()[name])


class Trap:
    """A pickle that would run code."""

    def __reduce__(self):
        return (open, ("trapped", "w"))


def test_a_bin_checkpoint_that_is_a_pickle_of_code_is_refused(folders, tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    shutil.copytree(folders["m2m100"], folder)
    (folder / "model.safetensors").unlink()
    torch.save({"model.shared.weight": Trap()}, folder / "pytorch_model.bin")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="can't be loaded"):
        load_model(folder)
    assert not (tmp_path / "trapped").exists()


def test_what_is_no_translation_model_is_told(tmp_path):
    with pytest.raises(ModelError, match="can't be loaded"):
        load_model(tmp_path)
    config = transformers.BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    transformers.BertModel(config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="can't be loaded"):
        load_model(tmp_path)


def test_the_revision_follows_the_files(folders, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(folders["m2m100"], folder)
    before = resolve_model(str(folder)).revision
    assert before == resolve_model(str(folders["m2m100"])).revision
    (folder / "README.md").write_text("a word")
    (folder / "checkpoint-10").mkdir()
    assert resolve_model(str(folder)).revision == before
    (folder / "config.json").write_text((folder / "config.json").read_text() + "\n")
    assert resolve_model(str(folder)).revision != before


@pytest.mark.parametrize("name", ["not a hub name", "nobody/nothing"])
def test_an_unknown_model_is_told(name):
    with pytest.raises(ModelError, match="`sample`, a local Hugging Face folder or a hub name"):
        resolve_model(name)


def test_a_folder_without_a_model_is_told(tmp_path):
    with pytest.raises(ModelError, match=r"no config\.json|has none"):
        resolve_model(str(tmp_path))


def test_a_model_in_the_hub_cache_is_found_by_its_commit(folders, tmp_path, monkeypatch):
    """The layout of the hub's own cache: snapshots by commit, and a ref that names one."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--someone--tiny"
    shutil.copytree(folders["m2m100"], repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    source = resolve_model("someone/tiny")
    assert source.revision == commit
    assert source.folder is not None
    assert load_model(source.folder).family is ModelFamily.M2M100


def test_one_format_of_weights_is_fetched():
    files = ["config.json", "model.safetensors", "pytorch_model.bin", "vocab.json", "flax_model.msgpack", "README.md"]
    assert _wanted(files) == ["config.json", "model.safetensors", "vocab.json"]
    files.remove("model.safetensors")
    assert _wanted(files) == ["config.json", "pytorch_model.bin", "vocab.json"]


@pytest.mark.parametrize("family", FAMILIES)
def test_groups_name_the_right_parameters(folders, family):
    parameters = load_model(folders[family]).parameters()
    count = {group: len(select_parameters(parameters, group)) for group in ("ffn", "encoder-ffn", "decoder-ffn")}
    per_layer = 3 if family == "madlad" else 2  # gated: wi_0, wi_1, wo
    assert count == {"ffn": 3 * per_layer, "encoder-ffn": 2 * per_layer, "decoder-ffn": per_layer}
    assert set(select_parameters(parameters, "ffn")) < set(select_parameters(parameters, "layers")) < set(parameters)
    assert select_parameters(parameters, "all") == tuple(parameters)
    attention = select_parameters(parameters, "attention")
    assert len(attention) > 0
    assert not set(attention) & set(select_parameters(parameters, "ffn"))
    assert not any("norm" in name for name in attention)


def test_a_regular_expression_selects_and_errors_are_told(folders):
    names = list(load_model(folders["m2m100"]).parameters())
    assert select_parameters(names, r"decoder\.layers\.0\.fc1\.bias") == ("model.decoder.layers.0.fc1.bias",)
    with pytest.raises(ValueError, match="selects none"):
        select_parameters(names, "nowhere")
    with pytest.raises(ValueError, match="regular expression"):
        select_parameters(names, "(")


def test_a_configuration_of_a_million_layers_is_refused(tmp_path):
    sound = json.loads((sample_model() / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**sound, "encoder_layers": 10**6}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"encoder_layers in .* must be at most 1,000"):
        load_config(tmp_path)


@pytest.mark.parametrize("dtype", [[], [1], "", "nobody", float("nan")])
def test_a_configuration_with_a_value_of_another_kind_ends_in_a_line(tmp_path, dtype):
    sound = json.loads((sample_model() / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**sound, "dtype": dtype}), encoding="utf-8")
    with pytest.raises(ModelError, match="can't be loaded"):
        load_config(tmp_path)
