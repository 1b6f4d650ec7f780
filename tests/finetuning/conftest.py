"""A small corpus with train and test, one thread, and runs of a tiny model on it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import SMALL, Arm, Budget, BudgetMode, FinetuneRequest, specs_of
from pseudofam_core.languages import pair
from tests.cases import ENGLISH

TARGET = pair("tr-en")
RECIPE = replace(SMALL, batch_tokens=80, eval_every=2, learning_rate=5e-3, warmup_updates=2, precision="float32")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def write_pair(root, code, split, sources, targets):
    folder = root / f"{code}-en"
    folder.mkdir(parents=True, exist_ok=True)
    for side, lines in ((code, sources), ("en", targets)):
        (folder / f"{split}.{side}").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Four pairs that share their English side: 30 sentences to train on, 5 to test."""
    root = tmp_path_factory.mktemp("tuning")
    lines = [f"{a} {b}" for a in ENGLISH for b in ENGLISH if a != b][:35]
    for code in ("tr", "az", "de", "sv"):
        for split, own in (("train", lines[:30]), ("test", lines[30:])):
            write_pair(root, code, split, [" ".join([code, *one.split()[::-1]]) for one in own], own)
    return root


@pytest.fixture
def tuning(saved_model, corpus):
    return Workspace(model=str(saved_model), corpus=str(corpus), max_length=40)


@pytest.fixture
def request_of(tuning):
    def make(*members, budget=None, **changes):
        budget = budget or Budget(BudgetMode.EQUAL_UPDATES, 6, None)
        arm = Arm("arm", tuple(sorted(map(pair, members))))
        request = FinetuneRequest(tuning, TARGET, (Arm("zero-shot", None), arm), budget, RECIPE, beams=1)
        return replace(request, **changes)

    return make


@pytest.fixture
def spec_of(request_of):
    def make(*members, seed=1, **changes):
        return specs_of(request_of(*members, seeds=(seed,), **changes))["arm", seed]

    return make
