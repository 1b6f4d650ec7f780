"""From stored runs to verdicts: what is compared, refused, corrected and said."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean, stdev

import pytest

from pseudofam_core.exchange.outcome_tables import comparison_frame
from pseudofam_core.finetuning import Arm, Budget, BudgetMode, Recipe, TextCut
from pseudofam_core.languages import pair
from pseudofam_core.outcomes import testing
from pseudofam_core.outcomes.run_settings import circumstances_that_differ, comparable, settings_that_differ
from pseudofam_core.outcomes.testing import compare_arms
from pseudofam_core.scoring.protocols import Protocol
from pseudofam_core.scoring.significance import Word, holm
from pseudofam_core.tasks.translation import TRANSLATION
from tests.cases_runs import BE, store_run

BN = pair("bn-en")
UK, BG, DE, SV = (pair(f"{code}-en") for code in ("uk", "bg", "de", "sv"))
ZERO, SINGLE = Arm("zero-shot", None), Arm("single", ())
SLAVIC = Arm("traditional", (BG, UK))
MSE = Arm("mse", (DE, UK))


@pytest.fixture
def runs(cache):
    """One seed of each arm: the family far better than the target alone, the base a little worse."""
    return [
        store_run(cache, None, error=0.32),
        store_run(cache, [], error=0.3),
        store_run(cache, ["uk", "bg"], error=0.3),
        store_run(cache, ["uk", "de"], error=0.05),
    ]


def test_one_seed_is_tested_by_sacrebleu_and_says_what_it_does_not_know(runs):
    found = compare_arms(runs, {BE: (ZERO, SINGLE, SLAVIC, MSE)}, n_resamples=100)
    assert found.arms == ("zero-shot", "single", "traditional", "mse")
    assert found.of(BE, "single").verdict is None
    better = found.of(BE, "mse")
    assert better.verdict.word is Word.DIFFERS  # what another seed would do, one does not tell
    assert better.verdict.test == testing.RANDOMISATION
    assert better.verdict.p_bootstrap is not None
    assert better.verdict.n_tests == 3
    tested = [one.verdict for one in found.outcomes if one.verdict]
    assert [one.p_holm for one in tested] == holm([one.p for one in tested])
    assert better.verdict.p_holm == pytest.approx(3 * better.verdict.p)
    assert "one seed of mse and one seed of single" in better.verdict.words
    assert "zero-shot" not in found.of(BE, "zero-shot").verdict.caveat  # nothing was drawn there
    assert found.of(BE, "traditional").verdict.word is Word.TIE
    assert better.scores["bleu"].value == pytest.approx(runs[3].scores["test"]["bleu"])
    assert better.scores["chrf"].value == pytest.approx(runs[3].scores["test"]["chrf"])
    assert better.verdict.delta.value == pytest.approx(
        better.scores["bleu"].value - found.of(BE, "single").scores["bleu"].value
    )
    assert better.scores["bleu"].low < better.scores["bleu"].value < better.scores["bleu"].high
    assert (better.updates, better.target_tokens, better.auxiliary_tokens) == (80, 1000, 500 + 333)
    assert found.of(BE, "zero-shot").updates == 0
    assert found.budget == "equal-updates"
    assert "tok:13a" in found.signatures["BLEU into en"]
    assert found.averages == ()


def test_any_arm_can_be_pinned(runs):
    found = compare_arms(runs, {BE: (SINGLE, MSE)}, pinned="mse", n_resamples=50)
    assert found.of(BE, "mse").verdict is None
    assert found.of(BE, "single").verdict.word is Word.DIFFERS
    assert found.of(BE, "single").verdict.delta.value < 0


def test_seeds_are_pooled_and_their_luck_counted(cache):
    single = [store_run(cache, [], error=error, seed=seed) for seed, error in enumerate((0.2, 0.3, 0.4), start=1)]
    family = [
        store_run(cache, ["uk", "de"], error=error, seed=seed) for seed, error in enumerate((0.15, 0.25), start=1)
    ]
    found = compare_arms([*single, *family], {BE: (SINGLE, MSE)}, n_resamples=100)
    one = found.of(BE, "single")
    scores = [run.scores["test"]["bleu"] for run in single]
    assert one.seeds == (1, 2, 3)
    assert one.scores["bleu"].value == pytest.approx(fmean(scores))
    assert one.spread == pytest.approx(stdev(scores))
    verdict = found.of(BE, "mse").verdict
    assert (verdict.test, verdict.p_bootstrap, verdict.caveat) == (testing.SEEDS, None, "")
    alone = compare_arms([single[1], family[0]], {BE: (SINGLE, MSE)}, n_resamples=100).of(BE, "mse").verdict
    assert verdict.delta.high - verdict.delta.low > 2 * (alone.delta.high - alone.delta.low)
    assert verdict.word is Word.TIE


def test_random_families_of_a_size_are_one_arm(cache):
    arms = [Arm("random-1-1", (DE,)), Arm("random-1-2", (SV,)), Arm("random-2-1", (DE, SV))]
    runs = [store_run(cache, [], error=0.3)]
    runs += [store_run(cache, [one], error=0.25, seed=seed) for one in ("de", "sv") for seed in (1, 2)]
    runs += [store_run(cache, ["de", "sv"], error=0.25)]
    found = compare_arms(runs, {BE: (SINGLE, *arms)}, n_resamples=50)
    assert found.arms == ("single", "random-1", "random-2")
    drawn = found.of(BE, "random-1")
    means = [fmean(run.scores["test"]["bleu"] for run in runs[i : i + 2]) for i in (1, 3)]
    assert (drawn.n_draws, drawn.members) == (2, ((DE,), (SV,)))
    assert drawn.scores["bleu"].value == pytest.approx(fmean(means))
    again = compare_arms(runs, {BE: (SINGLE, *arms, Arm("random-1-3", (DE,)))}, n_resamples=50)
    assert again.of(BE, "random-1") == drawn  # the same family drawn again tells nothing new
    assert drawn.spread == pytest.approx(stdev(means))
    # The draws of one size tell how far apart those of another are.
    assert found.of(BE, "random-2").verdict.caveat == "luck not counted: one seed of single"


def test_families_are_held_against_random_ones_of_their_size(cache):
    """Whatever is pinned: random-2 is the control of the families of two, and mse and kl are one run, tested once."""
    arms = (SINGLE, SLAVIC, MSE, Arm("kl", (DE, UK)), Arm("random-2-1", (DE, SV)), Arm("all", (BG, DE, UK)))
    runs, families = [], ([], ["bg", "uk"], ["de", "uk"], ["de", "sv"], ["bg", "de", "uk"])
    for target in (BE, BN):
        for members, error in zip(families, (0.3, 0.25, 0.05, 0.25, 0.2), strict=True):
            runs += [store_run(cache, members, error=error, seed=seed, target=target) for seed in (1, 2, 3)]
    found = compare_arms(runs, {BE: arms, BN: arms[:-1]}, n_resamples=200)
    assert [one.arm for one in found.outcomes if one.control] == ["traditional", "mse", "kl"] * 2
    one, drawn = found.of(BE, "mse"), found.of(BE, "random-2")
    assert one.control.delta.value == pytest.approx(one.scores["bleu"].value - drawn.scores["bleu"].value)
    assert one.control.word is Word.DIFFERS
    assert one.control.caveat == "luck not counted: one draw of random-2"  # three seeds do not make a draw
    assert found.of(BE, "traditional").control.word is Word.TIE
    assert found.of(BE, "kl").control == one.control
    assert {own.control.n_tests for own in found.outcomes if own.control} == {4}
    assert {own.verdict.n_tests for own in found.outcomes if own.verdict} == {7}
    means = {own.arm: own for own in found.averages}
    each = [found.of(target, "mse").control.delta.value for target in (BE, BN)]
    assert means["mse"].control.delta.value == pytest.approx(fmean(each))
    assert means["mse"].control.n_tests == 3
    assert "all" not in means  # one target has no mean
    assert means["mse"].controlled == (BE, BN)
    assert means["random-2"].control is None
    assert compare_arms(runs, {BE: arms}, pinned="random-2", n_resamples=200).of(BE, "mse").control.word is Word.DIFFERS


def test_arms_of_equal_members_are_one_run_and_no_test(runs):
    same = Arm("kl", (DE, UK))
    alone = Arm("traditional", ())  # a target without relatives
    found = compare_arms(runs, {BE: (SINGLE, alone, MSE, same)}, n_resamples=50)
    assert found.of(BE, "kl").verdict == found.of(BE, "mse").verdict
    assert found.of(BE, "kl").verdict.n_tests == 1
    assert found.of(BE, "traditional").verdict.test == "the same run"
    assert found.of(BE, "traditional").verdict.word is Word.TIE
    assert found.of(BE, "traditional").verdict.delta.value == 0


def test_targets_are_corrected_together_and_averaged(cache):
    runs, arms = [], {}
    for target, gain in ((BE, 0.1), (BN, 0.12)):
        others = ["uk", "de"]
        runs += [store_run(cache, [], error=0.3, seed=seed, target=target) for seed in (1, 2, 3)]
        runs += [store_run(cache, others, error=0.3 - gain, seed=seed, target=target) for seed in (1, 2, 3)]
        arms[target] = (SINGLE, MSE)
    runs.append(store_run(cache, None, error=0.3))
    arms[BE] = (*arms[BE], ZERO)
    found = compare_arms(runs, arms, n_resamples=200)
    assert found.targets == (BE, BN)
    assert {one.verdict.n_tests for one in found.outcomes if one.verdict} == {3}
    means = {one.arm: one for one in found.averages}
    deltas = [found.of(target, "mse").verdict.delta for target in (BE, BN)]
    assert means["mse"].verdict.delta.value == pytest.approx(fmean(one.value for one in deltas))
    assert means["mse"].verdict.delta.high - means["mse"].verdict.delta.low < max(one.high - one.low for one in deltas)
    assert means["mse"].verdict.word is Word.BETTER
    assert set(means) == {"single", "mse"}  # one target has no mean
    assert means["single"].verdict is None


def test_what_differs_between_arms_is_refused_by_name(cache):
    base = store_run(cache, [], error=0.3)
    cases = {
        "budget mode": {"budget": Budget(BudgetMode.EQUAL_TARGET_TOKENS, updates=100, patience=None)},
        "budget updates": {"budget": Budget(BudgetMode.EQUAL_UPDATES, updates=50, patience=None)},
        "learning_rate": {"recipe": Recipe(learning_rate=1e-4, precision="float32")},
        "base model": {"model_revision": "other"},
        "beams": {"beams": 1},
        "max_length": {"max_length": 128},
        "test text of be-en": {"n": 41},
        "training text of be-en for be-en": {"train_digests": ("less", "a", "b")},
        "cut: target_sentences": {"cut": TextCut(target_sentences=50)},
    }
    for name, changes in cases.items():
        other = store_run(cache, ["uk", "de"], error=0.3, **changes)
        assert name in settings_that_differ([base, other])
        with pytest.raises(ValueError, match=f"equal in all but auxiliaries and seeds. Got .*{name}"):
            compare_arms([base, other], {BE: (SINGLE, MSE)})


def test_targets_that_were_trained_unlike_are_refused_too(cache):
    runs = [store_run(cache, [], error=0.3)]
    runs.append(store_run(cache, [], error=0.3, target=BN, recipe=Recipe(learning_rate=1e-4, precision="float32")))
    with pytest.raises(ValueError, match="learning_rate: 3e-05 or"):
        compare_arms(runs, {BE: (SINGLE,), BN: (SINGLE,)}, n_resamples=10)


def test_circumstances_are_told_but_not_refused(runs):
    other = replace(runs[3], device="cuda")
    assert circumstances_that_differ([runs[1], other]) == {"device": ("cpu", "cuda")}
    assert settings_that_differ([runs[1], other]) == {}


def test_runs_are_grouped_by_what_may_be_compared(cache):
    zero = store_run(cache, None, error=0.3)
    first = [
        store_run(cache, [], error=0.3),
        store_run(cache, ["uk", "de"], error=0.3),
        store_run(cache, [], error=0.3, target=BN),
    ]
    short = Budget(BudgetMode.EQUAL_UPDATES, updates=50, patience=None)
    second = [store_run(cache, [], error=0.3, budget=short)]
    assert comparable([zero, *first, *second]) == ((zero, *second), (zero, *first))
    assert comparable([zero]) == ((zero,),)
    assert comparable([]) == ()


def test_a_run_is_in_every_group_that_it_fits(cache):
    """Whose text was made longer is not held against its shorter self; the target alone may be held against both."""
    alone = store_run(cache, [], error=0.3)
    before, after = (
        store_run(cache, ["uk"], error=0.2, train_digests=("text of be-en", text)) for text in ("short", "long")
    )
    assert comparable([alone, before, after]) == ((alone, after), (alone, before))
    with pytest.raises(ValueError, match="training text of uk-en for be-en: short or long"):
        compare_arms([alone, before, after], {BE: (SINGLE, Arm("mse", (UK,)))})


@pytest.mark.parametrize("cut", [TextCut(auxiliary_sentences=50), TextCut(target_sentences=51)])
def test_a_cut_that_took_nothing_from_a_run_keeps_it_from_no_comparison(cache, cut):
    """An arm that is finished without the cut is not trained again with it, as its text is the same."""
    alone, family = store_run(cache, [], error=0.3), store_run(cache, ["uk", "de"], error=0.2, cut=cut)
    assert comparable([alone, family]) == ((alone, family),)


def test_targets_of_another_cut_are_another_group(cache):
    alone = store_run(cache, [], error=0.3)
    less = store_run(cache, [], error=0.3, target=BN, cut=TextCut(target_sentences=50))
    assert comparable([alone, less]) == ((less,), (alone,))


def test_nothing_to_compare_is_said(runs):
    with pytest.raises(ValueError, match="pinned must be an arm of be-en with a finished run: single, mse"):
        compare_arms(runs, {BE: (SINGLE, MSE)}, pinned="traditional")
    with pytest.raises(ValueError, match="Run `finetune` first"):
        compare_arms([], {BE: (SINGLE,)})


def test_the_papers_protocol_is_a_comparison_of_its_own(runs):
    found = compare_arms(runs, {BE: (SINGLE, MSE)}, protocol=Protocol.TOKENISED_FILTERED, n_resamples=50)
    assert found.protocol is Protocol.TOKENISED_FILTERED
    assert "tok:none" in found.signatures["BLEU into en"]
    assert found.of(BE, "mse").verdict.word is Word.DIFFERS


def test_the_papers_claim_is_its_claim():
    assert "The paper claims +1.7 BLEU" in TRANSLATION.claim.words
    assert "2312.02820" in TRANSLATION.claim.words


def test_weights_make_another_arm_of_the_same_members_and_are_shown(cache):
    weighted = Arm("weighted-foreseen", (DE, UK), (0.5, 1.5))
    runs = [
        store_run(cache, [], error=0.3),
        store_run(cache, ["uk", "de"], error=0.3),
        store_run(cache, ["uk", "de"], error=0.05, weights=(0.5, 1.5)),
    ]
    found = compare_arms(runs, {BE: (SINGLE, MSE, weighted)}, n_resamples=50)
    scores = {name: found.of(BE, name).scores["bleu"].value for name in ("mse", "weighted-foreseen")}
    assert scores["weighted-foreseen"] == pytest.approx(runs[2].scores["test"]["bleu"])
    assert scores["mse"] == pytest.approx(runs[1].scores["test"]["bleu"])
    rows = comparison_frame(found).set_index("arm")
    assert rows.loc["weighted-foreseen", ["members", "weights"]].tolist() == ["de-en uk-en", "0.5 1.5"]
    assert rows["weights"].isna().tolist() == [True, True, False]
    assert "weights" not in comparison_frame(compare_arms(runs, {BE: (SINGLE, MSE)}, n_resamples=50))
