"""Classifiers and causal language models: exact against a plain loop, and run from the command line."""

from __future__ import annotations

import json

import pytest
import torch

from pseudofam_core.__main__ import main
from pseudofam_core.errors import ModelError
from pseudofam_core.estimates.fisher import SquaredGradients, estimate_fisher
from pseudofam_core.estimates.spec import Estimator, MiniBatches
from pseudofam_core.models.loading import IGNORED_LABEL, load_model
from pseudofam_core.models.tokenization import EncodedPair, ModelFamily
from tests import reference_fisher as reference
from tests.cases import LABELS, OTHER_TASKS, bitext, labelled, prompted, save_model, save_tasks

FFN = {"classifier": r"(intermediate|\d\.output)\.dense\.weight", "gpt2": r"mlp\.c_", "llama": r"mlp\."}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: save_model(tmp_path_factory.mktemp(name), name) for name in OTHER_TASKS}


@pytest.fixture(scope="module", params=OTHER_TASKS)
def batch(request, folders):
    model = load_model(folders[request.param], dtype=torch.float64)
    text = labelled() if request.param == "classifier" else prompted()
    return model, text


def test_every_parameter_agrees_with_one_sentence_at_a_time(batch):
    model, text = batch
    encoded = model.encode(text, max_length=64)
    expected = reference.squared_gradients(model, encoded)
    squares = SquaredGradients(model.module, list(expected))
    loss = squares.add(model.collate(encoded))
    # The loss of causal models in the library rounds logits to float32.
    tolerance = 1e-12 if model.family is ModelFamily.CLASSIFIER else 1e-6
    assert loss == pytest.approx(reference.summed_loss(model, encoded), rel=tolerance)
    for name, value in expected.items():
        assert (squares.totals[name] - value).abs().max() <= tolerance * value.abs().max() + 1e-28, name
    assert sum(bool(value.abs().max() > 0) for value in expected.values()) > len(expected) // 2


def test_training_updates_take_the_same_labels(batch):
    """With one text in a batch, no smoothing and no dropout, an update is a sentence whose loss is averaged."""
    model, text = batch
    settings = MiniBatches(tokens=1, accumulation=1, label_smoothing=0.0)
    for layer in model.module.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    encoded = model.encode(text, max_length=64)
    name = next(name for name in model.parameters() if name.endswith(("dense.weight", "c_fc.weight", "up_proj.weight")))
    options = {"parameters": "all", "estimator": Estimator.PER_BATCH, "mini_batches": settings}
    found = estimate_fisher(model, text, max_length=64, **options)
    expected = sum(reference.squared_gradients(model, [one])[name] / len(one.target) ** 2 for one in encoded)
    torch.testing.assert_close(found.values[name], expected / len(encoded), rtol=1e-10, atol=1e-20)


def test_an_answer_follows_its_prompt_and_counts_alone(folders):
    model = load_model(folders["gpt2"])
    tensors = model.collate([EncodedPair([5, 6], [7, 8, 9]), EncodedPair([5], [7])])
    assert tensors["input_ids"][0].tolist() == [5, 6, 7, 8, 9]
    assert tensors["attention_mask"].tolist() == [[1] * 5, [1, 1, 0, 0, 0]]
    ignored = IGNORED_LABEL
    assert tensors["labels"].tolist() == [[ignored, ignored, 7, 8, 9], [ignored, 7, ignored, ignored, ignored]]
    first = model.encode(prompted(), max_length=256)[0]
    assert model.tokenizer.decode(first.source) == prompted().sources[0]
    assert model.tokenizer.decode(first.target) == prompted().targets[0] + "<|endoftext|>"
    assert max(len(one.target) for one in model.encode(prompted(), max_length=9)) == 9


def test_labels_are_names_or_numbers_of_the_model(folders):
    model = load_model(folders["classifier"])
    assert [one.target for one in model.encode(labelled(), max_length=64)][:4] == [[0], [1], [2], [0]]
    text = labelled()
    numbered = type(text)(text.pair, text.split, text.sources[:2], ("2", "neutral"))
    assert [one.target for one in model.encode(numbered, max_length=64)] == [[2], [1]]
    wrong = type(text)(text.pair, text.split, text.sources[:1], ("3",))
    with pytest.raises(ModelError, match=f"{', '.join(LABELS)}.*Got '3'"):
        model.encode(wrong, max_length=64)


@pytest.mark.parametrize("name", OTHER_TASKS)
def test_a_translation_is_refused(folders, name):
    model = load_model(folders[name])
    with pytest.raises(ModelError, match=r"does not translate\. Got tr-en.*text and label"):
        model.encode(bitext(), max_length=64)


def test_a_regression_model_is_refused(folders, tmp_path):
    config = json.loads((folders["classifier"] / "config.json").read_text())
    config |= {"id2label": {"0": "score"}, "label2id": {"score": 0}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="at least 2 labels"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", OTHER_TASKS)
def test_estimates_and_similarities_from_the_command_line(folders, tmp_path, capsys, name):
    corpus = save_tasks(tmp_path / "corpus", name)
    options = ["--model", str(folders[name]), "--corpus", str(corpus), "--cache", str(tmp_path / "cache")]
    options += ["--parameters", FFN[name]]
    assert main(["estimate", *options]) == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == ["az-az", "de-de", "tr-tr"]
    assert main(["similarity", *options, "--measure", "mse"]) == 0
    rows = [line.split(",") for line in capsys.readouterr().out.splitlines() if not line.startswith("#")]
    assert rows[0] == ["target", "az-az", "de-de", "tr-tr"]
    assert all(float(cell) > 0 for i, row in enumerate(rows[1:]) for j, cell in enumerate(row[1:]) if i != j)
    assert main(["families", *options, "--measure", "kl"]) == 0
    assert "tr-tr" in capsys.readouterr().out
