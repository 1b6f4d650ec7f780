"""Results of version 0.1.0 are found by today's code: `earlier_cache` and `earlier_keys.json` were written by it.

A change that alters a key here makes every user compute again what they have. Raise a stage's version if the *value*
changes; never regenerate these files because a test fails.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from pseudofam_core.estimates import FISHER_FILE, Estimator, Workspace, find_fisher, fisher_key, fisher_specs
from pseudofam_core.finetuning import PAPER, SMALL, Arm, Budget, BudgetMode, FinetuneRequest, runs_of, specs_of
from pseudofam_core.finetuning.costs import timing_key
from pseudofam_core.finetuning.runs import finetune_key
from pseudofam_core.languages import pair
from pseudofam_core.similarity.spec import PoolSpec
from pseudofam_core.store.cache import Cache
from pseudofam_core.store.keys import key_of
from pseudofam_core.store.restoring import restored
from tests.cases_estimates import fisher_spec_of

HERE = Path(__file__).parent
KEYS = json.loads((HERE / "earlier_keys.json").read_text(encoding="utf-8"))
EARLIER_SMALL = replace(SMALL, precision="bf16")  # as it was for every machine
REQUEST = FinetuneRequest(
    workspace=Workspace(),
    target=pair("be-en"),
    arms=(Arm("zero-shot", None), Arm("single", ()), Arm("mine", (pair("sr-en"), pair("uk-en")))),
    budget=Budget(BudgetMode.EARLY_STOPPING, updates=30, patience=3),
    recipe=EARLIER_SMALL,
    seeds=(1, 2),
)
EQUAL_TARGET_TOKENS = replace(
    REQUEST,
    recipe=replace(PAPER, precision="float32"),
    budget=Budget(BudgetMode.EQUAL_TARGET_TOKENS, updates=30, patience=None),
)


@pytest.fixture
def earlier(tmp_path):
    """A copy, for a cache may be written to."""
    return Cache(Path(shutil.copytree(HERE / "earlier_cache", tmp_path / "earlier")))


@pytest.mark.parametrize("name", ["be-en", "uk-en", "kk-en", "tr-en"])
def test_an_earlier_estimate_is_found(earlier, name):
    found = find_fisher(fisher_spec_of(name), earlier)
    assert found is not None
    values = load_file(found.file(FISHER_FILE))["model.encoder.layers.0.fc1.weight"]
    assert float(values.sum(dtype=np.float64)) == pytest.approx(found.manifest["total"], rel=1e-6)


def test_earlier_runs_are_found(earlier):
    runs = {one.seed: one for one in runs_of(earlier, target=pair("be-en"))}
    assert {seed: tuple(map(str, one.members)) for seed, one in runs.items()} == {None: (), 2: ("kk-en", "uk-en")}
    assert [len(one.outputs["test"]["hypotheses"]) for one in runs.values()] == [40, 40]


def test_keys_of_the_samples_estimates_are_what_they_were():
    assert {str(one): fisher_key(spec) for one, spec in fisher_specs(Workspace()).items()} == KEYS["sample fisher"]
    other = Workspace(
        estimator=Estimator.PER_BATCH,
        max_sentences=50,
        seed=3,
        parameters="attention",
        pairs=(pair("be-en"), pair("uk-en")),
    )
    found = {str(one): fisher_key(spec) for one, spec in fisher_specs(other).items()}
    assert found == KEYS["sample fisher, per batch"]


@pytest.mark.parametrize(("name", "request_"), [("small", REQUEST), ("paper", EQUAL_TARGET_TOKENS)])
def test_keys_of_the_samples_runs_are_what_they_were(name, request_):
    found = {f"{arm}/{seed}": finetune_key(spec) for (arm, seed), spec in specs_of(request_).items()}
    assert found == KEYS[f"sample finetune, {name}"]


def test_the_key_of_a_timing_is_what_it_was():
    assert timing_key("revision", EARLIER_SMALL, 5) == KEYS["timing"]["small"]


def test_an_earlier_jobs_payload_is_read():
    assert FinetuneRequest.from_payload(KEYS["payload"]) == REQUEST


def test_a_comparisons_spec_is_what_it_was():
    """Its stage's version may rise with the measures; what it names is the same."""
    was = KEYS["comparison"]
    assert key_of(was["stage"], was["version"], restored(PoolSpec, was["spec"])) == was["key"]
