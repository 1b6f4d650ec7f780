"""What is compared, and which sentences each update reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from pseudofam_core.finetuning import (
    SMALL,
    Arm,
    Budget,
    BudgetMode,
    Recipe,
    distinct_arms,
    named_arms,
    random_arms,
    with_weights,
)
from pseudofam_core.finetuning.arms import in_order_of_training
from pseudofam_core.finetuning.ledger import Ledger
from pseudofam_core.languages import pair
from pseudofam_core.similarity.measures import Measure

TARGET = pair("be-en")
POOL = tuple(map(pair, ("be-en", "uk-en", "bg-en", "tr-en", "id-en", "ja-en")))
PAIRS = (TARGET, pair("tr-en"), pair("uk-en"))
RECIPE = replace(SMALL, batch_tokens=60, accumulation=2)
RNG = np.random.default_rng(0)
LENGTHS = [RNG.integers(4, 12, size=n) for n in (30, 200, 90)]


def updates(n, mode=BudgetMode.EQUAL_UPDATES):
    return Budget.of(mode, n, 5)


def plan_batches(lengths, pairs, budget, recipe, **options):
    return budget.plan(lengths, pairs, recipe, **options)


def flat(plan):
    return [sentence for batch in plan for sentence in batch]


def test_arms_have_their_members():
    families = {
        Measure.MSE: [pair("uk-en"), pair("bg-en")],
        Measure.OVERLAP: [pair("tr-en"), pair("id-en"), pair("ja-en")],
    }
    names = ["zero-shot", "single", "traditional", "mse", "overlap", "own", "random", "all"]
    arms = {
        arm.name: arm.members
        for arm in named_arms(
            names, TARGET, POOL, family_of=families.__getitem__, further={"own": lambda: [pair("ja-en")]}, n_draws=2
        )
    }
    assert arms["zero-shot"] is None
    assert arms["single"] == ()
    assert arms["traditional"] == arms["mse"] == (pair("bg-en"), pair("uk-en"))
    assert arms["all"] == tuple(sorted(set(POOL) - {TARGET}))
    # A control for each size that a family has: 2, 3 and the user's 1, not the whole pool's.
    assert {name for name in arms if name.startswith("random")} == {
        f"random-{n}-{k}" for n in (1, 2, 3) for k in (1, 2)
    }
    assert all(len(arms[f"random-{n}-{k}"]) == n for n in (1, 2, 3) for k in (1, 2))
    assert not any(TARGET in members for members in arms.values() if members)


def test_arms_of_equal_members_are_one_run():
    one = (pair("bg-en"), pair("uk-en"))
    arms = [Arm("zero-shot", None), Arm("traditional", one), Arm("single", ()), Arm("mse", one)]
    assert distinct_arms(arms) == {
        arms[0]: ("zero-shot",),
        arms[1]: ("traditional", "mse"),
        arms[2]: ("single",),
    }


def test_arms_of_equal_members_and_other_weights_are_other_runs():
    even, lists = {pair("uk-en"): 1.0, pair("bg-en"): 1.0}, [pair("bg-en"), pair("uk-en")]
    uneven = Arm.of("weighted", {pair("uk-en"): 0.5, pair("bg-en"): 1.5})
    assert (uneven.members, uneven.weights) == ((pair("bg-en"), pair("uk-en")), (1.5, 0.5))
    arms = [
        Arm.of("own", lists),
        uneven,
        Arm.of("even", even),
        Arm.of("again", dict(zip(lists, (1.5, 0.5), strict=True))),
    ]
    assert list(distinct_arms(arms).values()) == [("own", "even"), ("weighted", "again")]
    assert with_weights(["bg", "uk"], uneven.weights) == ["bg × 1.5", "uk × 0.5"]
    assert with_weights(["bg", "uk"], ()) == ["bg", "uk"]


def test_further_arms_are_asked_for_where_they_are_named():
    further = {"weighted": lambda: {pair("ja-en"): 2.0, pair("uk-en"): 0.5}, "unasked": lambda: 1 / 0}
    arms = named_arms(["weighted", "random"], TARGET, POOL, family_of=lambda measure: (), further=further)
    assert [arm.name for arm in arms] == ["weighted", "random-2-1"]
    assert (arms[0].members, arms[0].weights) == ((pair("ja-en"), pair("uk-en")), (2.0, 0.5))


def test_random_families_depend_on_seed_and_draw_alone_and_draw_all_alike():
    draw = {"sizes": [2], "n_draws": 400, "seed": 1}
    arms = random_arms(TARGET, POOL, **draw)
    assert random_arms(TARGET, reversed(POOL), **draw) == arms
    drawn = Counter(member for arm in arms for member in arm.members)
    assert all(abs(n / 400 - 2 / 5) < 0.1 for n in drawn.values())
    assert random_arms(TARGET, POOL, **{**draw, "seed": 2}) != arms
    with pytest.raises(ValueError, match="at most 5"):
        random_arms(TARGET, POOL, sizes=[6], n_draws=1, seed=1)


@pytest.mark.parametrize("mistake", [{"names": ["nearest"]}, {"names": ["own"], "further": {"own": lambda: [TARGET]}}])
def test_arms_that_can_not_be_are_refused(mistake):
    with pytest.raises(ValueError, match="must"):
        named_arms(mistake["names"], TARGET, POOL, family_of=lambda measure: (), further=mistake.get("further"))


def test_a_plan_has_its_updates_and_the_same_ones_again():
    plan = plan_batches(LENGTHS, PAIRS, updates(40), RECIPE, seed=3)
    assert (len(plan), plan.n_updates, len(list(plan.updates()))) == (80, 40, 40)
    assert list(plan) == list(plan)
    assert list(plan_batches(LENGTHS, PAIRS, updates(90), RECIPE, seed=3))[:80] == list(plan)
    assert list(plan_batches(LENGTHS, PAIRS, updates(40), RECIPE, seed=4)) != list(plan)
    lengths = np.concatenate(LENGTHS)
    assert all(lengths[list(batch)].max() * len(batch) <= 60 for batch in plan)


def test_pairs_are_mixed_uniformly_or_by_temperature():
    def shares(recipe):
        read = np.array(flat(plan_batches(LENGTHS, PAIRS, updates(500), recipe, seed=1)))
        return [((start <= read) & (read < end)).mean() for start, end in ((0, 30), (30, 230), (230, 320))]

    assert shares(RECIPE) == pytest.approx([1 / 3] * 3, abs=0.02)
    proportional = replace(RECIPE, temperature=1.0)
    assert shares(proportional) == pytest.approx([30 / 320, 200 / 320, 90 / 320], abs=0.02)


@pytest.mark.parametrize("mode", BudgetMode)
def test_weights_say_how_often_an_auxiliary_is_read_where_the_target_is_read_once(mode):
    read = Counter(
        0 if one < 30 else 1 if one < 230 else 2
        for one in flat(plan_batches(LENGTHS, PAIRS, updates(400, mode), RECIPE, seed=1, weights=(0.25, 1.75)))
    )
    assert [read[place] / read[0] for place in (1, 2)] == pytest.approx([0.25, 1.75], rel=0.05)
    assert read[0] / read.total() == pytest.approx(1 / 3, rel=0.05)  # as much for the target as of even weights


def test_a_temperature_and_weights_are_multiplied():
    recipe = replace(RECIPE, temperature=1.0)
    plan = plan_batches(LENGTHS, PAIRS, updates(800), recipe, seed=1, weights=(0.5, 2.0))
    read = np.array(flat(plan))
    shares = [((start <= read) & (read < end)).mean() for start, end in ((0, 30), (30, 230), (230, 320))]
    assert shares == pytest.approx([30 / 310, 100 / 310, 180 / 310], abs=0.02)


def test_equal_target_tokens_show_every_arm_the_same_target_sentences():
    budget = updates(20, BudgetMode.EQUAL_TARGET_TOKENS)
    alone = plan_batches(LENGTHS[:1], PAIRS[:1], budget, RECIPE, seed=1)
    assert alone.n_updates == 20
    family = plan_batches(LENGTHS, PAIRS, budget, RECIPE, seed=1)
    target = [sentence for sentence in flat(family) if sentence < 30]
    assert Counter(target) == Counter(flat(alone))
    others = Counter("tr" if sentence < 230 else "uk" for sentence in flat(family) if sentence >= 30)
    assert others == {"tr": len(target), "uk": len(target)}
    assert family.n_updates == pytest.approx(60, abs=6)
    # A sentence comes again only when its pair's others have come.
    counts = Counter(sentence for sentence in flat(family) if sentence >= 230)
    assert max(counts.values()) - min(counts.get(sentence, 0) for sentence in range(230, 320)) <= 1


@pytest.mark.parametrize("batch_tokens", [60, 16])  # of 16 tokens: one to four sentences
@pytest.mark.parametrize("accumulation", [2, 3, 4])
def test_processes_share_every_update_of_equal_target_tokens(batch_tokens, accumulation):
    recipe = replace(RECIPE, batch_tokens=batch_tokens, accumulation=accumulation)
    for n in range(3, 8):
        budget = updates(n, BudgetMode.EQUAL_TARGET_TOKENS)
        plan = plan_batches(LENGTHS, PAIRS, budget, recipe, seed=n, n_processes=accumulation)
        alone = plan_batches(LENGTHS[:1], PAIRS[:1], budget, recipe, seed=n)
        assert len(plan) == len(list(plan)) == plan.n_updates * accumulation
        assert plan.n_updates - plan_batches(LENGTHS, PAIRS, budget, recipe, seed=n).n_updates in (0, 1)
        assert all(batch for batch in plan)
        assert Counter(one for one in flat(plan) if one < 30) == Counter(flat(alone))


def test_the_ledger_counts_what_a_loop_counts():
    plan = plan_batches(LENGTHS, PAIRS, updates(12), RECIPE, seed=5)
    twice = [2 * one for one in LENGTHS]
    ledger = Ledger(plan, PAIRS, LENGTHS, twice)
    ends = np.cumsum([30, 200, 90])
    expected = {one: [0, 0, 0] for one in PAIRS}
    for update in list(plan.updates())[:7]:
        which = [PAIRS[int(np.searchsorted(ends, sentence, side="right"))] for sentence in update]
        for sentence, one in zip(update, which, strict=True):
            expected[one][0] += 1
            expected[one][1] += int(np.concatenate(LENGTHS)[sentence])
        for one in set(which):
            expected[one][2] += 1
    assert ledger.n_tokens(3) < ledger.n_tokens(7) == 3 * sum(one[1] for one in expected.values())
    for one in ledger.contributions(7):
        assert [one.sentences, one.source_tokens, one.updates] == expected[one.pair]
        assert one.target_tokens == 2 * one.source_tokens
        assert one.available == dict(zip(PAIRS, (30, 200, 90), strict=True))[one.pair]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Budget(BudgetMode.EQUAL_UPDATES, 5, 10),
        lambda: Budget(patience=None),
        lambda: Budget(updates=0),
        lambda: Recipe(dropout=1.0),
        lambda: Recipe(dev_metric="test"),
        lambda: Recipe(temperature=0.0),
        lambda: Arm("a/b", ()),
        lambda: Arm("a", (TARGET,), (1.0, 2.0)),
        lambda: Arm("a", (TARGET,), (0.0,)),
        lambda: Arm("a", (TARGET,), (float("nan"),)),
    ],
)
def test_what_can_not_be_trained_is_refused(make):
    with pytest.raises(ValueError, match="Got"):
        make()


def test_what_a_user_waits_for_is_trained_first():
    uk, bg, kk = (pair(f"{code}-en") for code in ("uk", "bg", "kk"))
    arms = [
        Arm("zero-shot", None),
        Arm("traditional", (bg, uk)),
        Arm("overlap", (kk,)),
        Arm("mse", (uk,)),
        Arm("all", (bg, kk, uk)),
    ]
    arms += [Arm("random-1-1", (bg,)), Arm("single", ()), Arm("own", (uk,))]
    names = [one.name for one in in_order_of_training(arms)]
    assert names == ["zero-shot", "single", "mse", "overlap", "traditional", "all", "random-1-1"]  # mse is the own one
