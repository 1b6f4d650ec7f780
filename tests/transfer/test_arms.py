"""Arms by measured gains and signed signals: who is taken, what each weighs, and that they are the runs of their members."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pseudofam_core.errors import PseudoFamError
from pseudofam_core.finetuning import (
    Arm,
    Budget,
    BudgetMode,
    FinetuneRequest,
    named_arms,
    specs_of,
    weights_of,
)
from pseudofam_core.finetuning.runs import finetune_key
from pseudofam_core.languages import pair
from pseudofam_core.transfer import TransferMatrix
from pseudofam_core.transfer.arms import (
    SIGNED,
    WEIGHT_SOURCES,
    families_told,
    further_arms,
    gains_of,
    largest,
    spelled_out,
)
from pseudofam_core.transfer.kept import kept_matrix
from pseudofam_core.transfer.learned import gain_elsewhere
from tests.cases_runs import store_run
from tests.cases_transfer import store_matrix
from tests.finetuning.conftest import RECIPE
from tests.transfer.test_foresight import kept

AZ, DE, TR, SV = (pair(f"{one}-en") for one in ("az", "de", "tr", "sv"))
GAINS = {(TR, AZ): 0.3, (TR, DE): -0.2, (AZ, DE): 0.1, (AZ, TR): 0.2, (SV, AZ): 0.01, (SV, DE): 0.5, (SV, TR): -0.4}


@pytest.fixture
def measured(matrix_of_three, cache):
    """Gains of three targets by three auxiliaries, kept."""
    request = matrix_of_three(targets=(TR, AZ, SV), auxiliaries=(AZ, DE, TR), updates=2)
    store_matrix(cache, request, lambda target, member, seed: 3 - GAINS.get((target, member), 0.0))
    return request


def arms_of(names, target, known, *, size=2, weights_from=()):
    further = further_arms(target, lambda: known, dict, size=size)
    pool = (AZ, DE, TR, SV)
    spelled = spelled_out(names, size=size, weights_from=weights_from)
    return named_arms(spelled, target, pool, family_of=lambda measure: (), further=further)


@pytest.mark.parametrize(("name", "first"), [("fresh", ["de", "fa", "id"]), ("unseen", ["de", "id", "sr"])])
def test_gains_elsewhere_are_those_that_were_judged(name, first):
    table = kept(name)
    nothing = np.full(table.mean.shape, np.nan)
    matrix = TransferMatrix(table.targets, table.auxiliaries, table.seeds, table.gains, nothing, nothing)
    for target, row in zip(table.targets, gain_elsewhere(table.mean), strict=True):
        others = [(one, value) for one, value in zip(table.auxiliaries, row, strict=True) if one != target]
        assert gains_of(matrix, target)["foreseen"] == pytest.approx(dict(others))
    (hi,) = [one for one in table.auxiliaries if one.source == "hi"]
    assert sorted(one.source for one in largest(gains_of(matrix, hi)["foreseen"], 3)) == first


def test_kept_gains_are_of_other_targets_and_of_the_target_itself(measured, cache):
    known = gains_of(kept_matrix(measured.workspace, cache), TR)
    assert known["foreseen"] == pytest.approx({AZ: 0.01, DE: 0.3})  # az: of sv alone; de: of az and sv
    assert known["measured"] == pytest.approx({AZ: 0.3, DE: -0.2})
    assert gains_of(kept_matrix(measured.workspace, cache), DE) == {"foreseen": pytest.approx({AZ: 0.155, TR: -0.1})}
    assert [arm.members for arm in arms_of(["foreseen", "measured"], TR, known, size=1)] == [(DE,), (AZ,)]


def test_nothing_kept_gives_no_gains_and_the_way_to_them_is_told(matrix_of_three, cache):
    assert kept_matrix(matrix_of_three().workspace, cache) is None
    assert gains_of(None, TR) == {}
    with pytest.raises(PseudoFamError, match=r"No gain of another target than tr-en is measured .* Run `transfer`"):
        arms_of(["foreseen"], TR, {})
    with pytest.raises(PseudoFamError, match=r"No gain of tr-en is measured .* Run `transfer --targets tr-en`"):
        arms_of(["measured"], TR, {})
    with pytest.raises(PseudoFamError, match=r"Run `signals --targets tr-en --signals gradient-cosine`"):
        arms_of(["weighted"], TR, {}, weights_from=["gradient-cosine"])
    with pytest.raises(ValueError, match="size must be at most 1"):
        arms_of(["foreseen"], TR, {"foreseen": {AZ: 0.1}})


def test_gains_of_text_that_has_changed_are_no_gains(measured, cache):
    assert gains_of(kept_matrix(replace(measured.workspace, seed=9), cache), TR) == {}


def test_weights_come_from_any_source_and_leave_out_who_harms():
    known = {"foreseen": {AZ: 0.3, DE: -0.2, SV: 0.1}, "gradient-fisher": {AZ: -1.0, DE: 2.0, SV: 2.0}}
    arms = arms_of(["weighted"], TR, known, weights_from=["foreseen"])
    assert arms == (Arm("weighted-foreseen", (AZ, SV), (1.5, 0.5)),)
    further = further_arms(TR, dict, lambda: known, size=1)
    assert further["weighted-gradient-fisher"]() == {DE: 1.0, SV: 1.0}
    assert {one for one in further if one.startswith("weighted")} == {f"weighted-{one}" for one in WEIGHT_SOURCES}
    assert SIGNED == ("gradient-cosine", "gradient-fisher", "gradient-fisher-cosine")


def test_a_foreseen_arm_is_the_run_of_its_members_and_a_weighted_one_another(tuning):
    known = {"foreseen": {AZ: 0.3, DE: 0.2, SV: 0.1}}
    own = {"own": lambda: [DE, AZ], "even": lambda: {AZ: 1.0, DE: 1.0}, "other": lambda: {AZ: 1.5, DE: 0.5}}
    further = {**further_arms(TR, lambda: known, dict, size=2), **own}
    names = ["foreseen-2", *own]
    arms = named_arms(names, TR, (AZ, DE, TR, SV), family_of=lambda measure: (), further=further)
    budget = Budget(BudgetMode.EQUAL_UPDATES, 2, None)
    keys = {
        arm: finetune_key(spec)
        for (arm, _), spec in specs_of(FinetuneRequest(tuning, TR, arms, budget, RECIPE)).items()
    }
    assert keys["foreseen-2"] == keys["own"] == keys["even"] != keys["other"]
    request = FinetuneRequest(tuning, TR, arms, budget, RECIPE)
    assert request.tasks == ("foreseen-2/seed-1", "other/seed-1")
    assert FinetuneRequest.from_payload(request.payload()) == request


def test_finished_runs_are_told_by_the_gains_of_today(cache):
    known = {"foreseen": {AZ: 0.3, DE: -0.2, SV: 0.1}, "measured": {AZ: 0.1}}
    signs = {"gradient-cosine": {AZ: 1.0, DE: 3.0}}
    runs = [store_run(cache, members, error=0.3, target=TR) for members in (None, [], ["az", "de"], ["az", "de", "sv"])]
    assert families_told(runs, TR, known, lambda: 1 / 0) == {"foreseen-2": (AZ, SV)}  # all three are no choice
    runs.append(store_run(cache, ["az", "sv"], error=0.3, target=TR, weights=(1.5, 0.5)))
    assert families_told(runs, TR, known, lambda: signs) == {
        "foreseen-2": (AZ, SV),
        "weighted-foreseen": {AZ: 1.5, SV: 0.5},
        "weighted-measured": {AZ: 1.0},
        "weighted-gradient-cosine": weights_of(signs["gradient-cosine"]),
    }
    assert families_told(runs, DE, known, lambda: signs) == {}
