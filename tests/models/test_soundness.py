"""Folders that are not what they say: refused in a line that names what is wrong and the way out."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from pseudofam_core.errors import ModelError
from pseudofam_core.estimates import computing, find_fisher, fisher_key, fisher_spec
from pseudofam_core.estimates.fisher import estimate_fisher
from pseudofam_core.models.hub import _wanted, resolve_model
from pseudofam_core.models.loading import load_config, load_model
from pseudofam_core.models.precision import halved
from pseudofam_core.models.ties import take_weights
from tests.cases import FAMILIES, OTHER_TASKS, bitext, save_model

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 17832960\n"
MODEL_FILES = ("config.json", "generation_config.json", "model.safetensors")


@pytest.fixture
def folder_of(tmp_path):
    return lambda family="m2m100": save_model(tmp_path / family, family)


def change_weights(folder, change):
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("prefix", ["module.", "base_model.model.", "_orig_mod."])
def test_weights_with_a_prefix_are_not_random_ones(folder_of, prefix):
    folder = folder_of()
    change_weights(folder, lambda weights: {prefix + name: one for name, one in weights.items()})
    with pytest.raises(ModelError, match=rf"not the whole model: \d+ .* begin with '{prefix}'.*model\.module\."):
        load_model(folder)


@pytest.mark.parametrize("family", [*FAMILIES, *OTHER_TASKS])
def test_any_weight_that_is_missing_is_named(folder_of, family):
    folder = folder_of(family)
    lost = next(name for name in load_file(folder / "model.safetensors") if re.search("norm|ln_|LayerNorm", name))
    change_weights(folder, lambda weights: {name: one for name, one in weights.items() if name != lost})
    with pytest.raises(ModelError, match=rf"1 of its parameters .* such as {lost}, and would be random"):
        load_model(folder)


def test_tied_weights_that_are_held_once_are_not_missing_whichever_it_is(folder_of):
    folder = folder_of()
    whole = load_model(folder).module.lm_head.weight
    change_weights(
        folder, lambda w: {"lm_head.weight" if name == "model.shared.weight" else name: one for name, one in w.items()}
    )
    module = load_model(folder).module
    assert module.model.shared.weight is module.lm_head.weight
    assert torch.equal(module.lm_head.weight, whole)
    change_weights(folder, lambda w: {name: one for name, one in w.items() if name != "lm_head.weight"})
    with pytest.raises(ModelError, match=r"not among the weights, such as lm_head\.weight"):
        load_model(folder)


def test_layers_that_the_configuration_leaves_out_are_told(folder_of):
    folder = folder_of()
    change_config(folder, encoder_layers=1)
    with pytest.raises(ModelError, match=r"config\.json does not name, such as model\.encoder\.layers\.1\."):
        load_model(folder)


def test_weights_of_no_layer_that_the_model_has_no_use_for_do_not_matter(folder_of):
    folder = folder_of("classifier")
    change_weights(folder, lambda w: w | {"roberta.pooler.dense.weight": torch.ones(2, 2)})
    load_model(folder)


def test_a_vocabulary_of_another_size_is_told_with_both(folder_of):
    folder = folder_of()
    change_config(folder, vocab_size=223)
    with pytest.raises(ModelError, match=r"is 216 × 16 in the weights, 223 × 16 by config\.json.*vocab_size"):
        load_model(folder)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused_and_nothing_is_kept(workspace, cache, tmp_path, bad):
    folder = shutil.copytree(workspace.model, tmp_path / "bad")

    def spoil(weights):
        weights["model.decoder.layers.0.fc2.weight"][3, 5] = bad
        return weights

    change_weights(folder, spoil)
    spec = fisher_spec(type(workspace)(model=str(folder), corpus=workspace.corpus), bitext().pair)
    with pytest.raises(ModelError, match=r"NaN or infinity in model\.decoder\.layers\.0\.fc2\.weight"):
        computing.compute(spec, cache)
    assert find_fisher(spec, cache) is None


@pytest.mark.parametrize("where", ["loss", "values"])
def test_an_estimate_that_is_no_number_is_not_kept_and_begins_anew(workspace, cache, monkeypatch, where):
    spec = fisher_spec(workspace, bitext().pair)

    def spoilt(*one, **named):
        found = estimate_fisher(*one, **named)
        if where == "loss":
            object.__setattr__(found, "loss", float("nan"))
        else:
            next(iter(found.values.values()))[0, 0] = float("inf")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(computing, "estimate_fisher", spoilt)
        with pytest.raises(ModelError, match=r"tr-en can't be used: in float32 .* not finite"):
            computing.compute(spec, cache)
    assert find_fisher(spec, cache) is None
    assert not cache.partial("fisher", fisher_key(spec)).exists()
    computing.compute(spec, cache)


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json", "adapter_model.bin"])
def test_an_adapter_is_no_model_and_what_is_beside_it_is_not_guessed(folder_of, weights, name):
    folder = folder_of()
    held = folder / "model.safetensors"
    (folder / name).write_bytes(held.read_bytes())
    if weights:
        torch.save(load_file(held), folder / "pytorch_model.bin")
    held.unlink()
    said = "weights and an adapter" if weights else "an adapter without its model"
    with pytest.raises(ModelError, match=rf"{said} \({name}\).*merge_and_unload"):
        load_model(folder)
    if weights:
        (folder / name).unlink()
        load_model(folder)


def test_the_bin_that_is_loaded_belongs_to_the_revision_whatever_adapter_is_beside_it(folder_of):
    files = ["config.json", "adapter_model.safetensors", "pytorch_model.bin"]
    assert "pytorch_model.bin" in _wanted(files)
    folder = folder_of()
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    torch.save(weights, folder / "pytorch_model.bin")
    before = resolve_model(str(folder)).revision
    torch.save({name: one + 1 for name, one in weights.items()}, folder / "pytorch_model.bin")
    assert resolve_model(str(folder)).revision != before


@pytest.mark.parametrize("name", ["model.safetensors", "vocab.json", "sentencepiece.bpe.model", "config.json"])
def test_a_pointer_of_git_lfs_is_told_as_such(folder_of, name):
    folder = folder_of()
    (folder / name).write_text(POINTER)
    with pytest.raises(ModelError, match=rf"{name} is not the file but a pointer of Git LFS.*git lfs pull"):
        load_model(folder)
    with pytest.raises(ModelError, match="git lfs pull"):
        load_config(folder)


@pytest.mark.parametrize("n", [0, 1000])
def test_weights_that_were_cut_off_are_told(folder_of, n):
    path = folder_of() / "model.safetensors"
    path.write_bytes(path.read_bytes()[:n])
    with pytest.raises(ModelError, match="damaged or not whole: copy or download it again"):
        load_model(path.parent)


@pytest.mark.parametrize("kept", [MODEL_FILES, (*MODEL_FILES, "tokenizer_config.json", "added_tokens.json")])
@pytest.mark.parametrize("family", [*FAMILIES, *OTHER_TASKS])
def test_a_model_without_its_tokenizer_is_not_read_with_an_empty_one(folder_of, family, kept):
    folder = folder_of(family)
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
    with pytest.raises(ModelError, match=r"has no whole tokenizer: .*Copy all files of the tokenizer"):
        load_model(folder)


def test_a_tokenizer_that_is_larger_than_the_embedding_is_refused(folder_of):
    folder = folder_of()
    change_config(folder, vocab_size=200)
    change_weights(folder, lambda w: w | {"model.shared.weight": w["model.shared.weight"][:200].contiguous()})
    with pytest.raises(ModelError, match="go up to number 207, but the model has embeddings for 200"):
        load_model(folder)


@pytest.mark.parametrize(("family", "start"), [("m2m100", None), ("t5", None), ("mbart50", None), ("marian", 58100)])
def test_a_model_that_does_not_say_how_outputs_begin_is_refused(folder_of, family, start):
    folder = folder_of(family)
    change_config(folder, decoder_start_token_id=start)
    path = folder / "generation_config.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps({name: one for name, one in said.items() if name != "decoder_start_token_id"}))
    with pytest.raises(ModelError, match=rf"decoder_start_token_id .* Got {start}\. Write it there: T5 and Marian"):
        load_model(folder)


def untied(folder):
    """A model whose output layer is another than its embedding, though its configuration says that they are one."""
    change_weights(folder, lambda w: w | {"lm_head.weight": 1.5 * w["model.shared.weight"] + 0.1})
    assert json.loads((folder / "config.json").read_text())["tie_word_embeddings"]
    return folder


def test_an_output_layer_of_its_own_is_loaded_copied_and_saved_as_it_is(folder_of, tmp_path, caplog):
    base = load_model(untied(folder_of()))
    assert "the output layer is apart from the embedding" in caplog.text
    assert len(caplog.records) == 1
    copy = type(base.module)(load_config(tmp_path / "m2m100", dropout=0.0))
    take_weights(copy, base.module)
    assert [name for name, _ in copy.named_parameters()] == [name for name, _ in base.module.named_parameters()]
    assert copy.lm_head.weight is not copy.model.shared.weight
    assert copy.model.encoder.embed_tokens.weight is copy.model.shared.weight
    copy.save_pretrained(tmp_path / "again")
    shutil.copytree(tmp_path / "m2m100", tmp_path / "whole")
    shutil.copy(tmp_path / "again" / "model.safetensors", tmp_path / "whole" / "model.safetensors")
    again = load_model(tmp_path / "whole").module
    for one in (copy, again):
        assert torch.equal(one.lm_head.weight, base.module.lm_head.weight)
        assert torch.equal(one.model.shared.weight, base.module.model.shared.weight)
    copy.lm_head.weight.data.zero_()
    assert base.module.lm_head.weight.abs().sum() > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_a_copy_is_tied_like_its_base(folder_of, family, caplog):
    base = load_model(folder_of(family)).module
    assert not caplog.records
    copy = type(base)(base.config)
    take_weights(copy, base)
    places = [list(one.named_parameters(remove_duplicate=False)) for one in (base, copy)]
    for (name, weight), (other, copied) in zip(*places, strict=True):
        assert name == other
        assert torch.equal(weight, copied)
        assert weight is not copied
    same = [[[i is j for _, j in one] for _, i in one] for one in places]
    assert same[0] == same[1]


def test_weights_that_float16_cannot_hold_stay_as_they_are(folder_of):
    module = load_model(folder_of()).module
    module.lm_head.weight.data[0, 0] = 7e4
    assert halved(module).dtype is torch.float32
    module.lm_head.weight.data[0, 0] = 6e4
    assert halved(module).dtype is torch.float16
    assert torch.isfinite(module.lm_head.weight).all()
