"""What single experiments compute, on values whose answer is known."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from pseudofam_core.lab import competence, sensitivity, sentences
from pseudofam_core.lab.uncertainty import over_targets, share_of_targets
from pseudofam_core.models.hub import sample_model
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix
from tests.lab.conftest import POOL


def test_a_mean_is_that_of_the_known_and_its_interval_holds_it():
    mean = over_targets(np.array([0.0, 1.0, np.nan, 0.5]))
    assert (mean.value, mean.n) == (0.5, 3)
    assert mean.low < 0.5 < mean.high
    assert over_targets(np.full(4, 0.3)).low == pytest.approx(0.3)
    with pytest.raises(ValueError, match="Got 1"):
        over_targets(np.array([np.nan, 1.0]))


def test_an_interval_of_a_mean_covers_as_it_says():
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        mean = over_targets(rng.normal(size=30))
        hits += mean.low <= 0 <= mean.high
    assert 0.88 <= hits / 200 <= 0.99


def test_a_share_of_all_still_has_an_interval():
    """Wilson's, by hand: 10 of 10 and 8 of 10."""
    all_of_them = share_of_targets(np.ones(10, dtype=bool))
    assert (all_of_them.value, all_of_them.high) == (1, pytest.approx(1))
    assert all_of_them.low == pytest.approx(0.7225, abs=1e-4)
    most = share_of_targets(np.arange(10) < 8)
    assert (most.low, most.high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))


def test_draws_of_blocks_are_disjoint_and_shared_where_the_text_is():
    for together in (True, False):
        drawn = sentences.drawn_blocks(8, 5, 3, together=together, seed=1)
        assert (drawn.sum(axis=3) == 3).all()
        assert (drawn[0] * drawn[1]).sum() == 0
        assert (drawn == drawn[:, :, :1]).all() == together


def test_a_core_is_chosen_by_four_fifths_of_the_draws():
    families = np.zeros((2, 5, 3, 3), dtype=bool)
    families[0, :, 0, 1] = True
    families[1, :3, 0, 1] = True  # 8 of 10
    families[0, :, 0, 2] = True
    families[1, :2, 0, 2] = True  # 7 of 10
    assert np.argwhere(sentences.core(families)).tolist() == [[0, 1]]


def test_advice_is_where_it_is_enough_from_there_on():
    rows = [{"sentences": n, "settled": share} for n, share in ((10, 0.9), (20, 0.5), (30, 0.8), (40, 0.95))]
    assert sentences.advice(rows) == 30
    assert sentences.advice(rows[:2]) is None


def test_room_of_the_radius_is_how_far_it_may_shrink():
    values = np.array([[0, 0.9, 0.7, 0.2, 0.1]] * 5)  # each row: w₁ = 0.9, the first step 0.2
    for i in range(5):
        values[i] = np.insert([0.9, 0.7, 0.2, 0.1], i, 1.0)
    matrix = PairwiseMatrix(POOL, values, Measure.OVERLAP, 0.4)
    assert sensitivity.radius_room(matrix) == pytest.approx([0.1 / 0.2] * 5)


def test_members_in_both_are_counted_over_those_in_either():
    one = np.array([[0, 1, 1, 0], [1, 0, 0, 0]], dtype=bool)
    other = np.array([[0, 1, 0, 1], [1, 0, 0, 0]], dtype=bool)
    assert sensitivity.shared(one, other) == pytest.approx([1 / 3, 1])


def test_competence_alone_is_told_from_kinship():
    """Distances that are the losses' gap: kinship is nothing once loss is taken out, and the gap stays."""
    rng = np.random.default_rng(6)
    n = 40
    losses, kinship = rng.normal(size=n), rng.integers(0, 4, size=(n, n)).astype(float)
    gaps = np.abs(losses[:, None] - losses) + rng.normal(size=(n, n)) / 100
    found = competence.correlations(gaps, kinship, losses, None)
    by_gap = found["how unlike the losses are, kinship taken out"]
    assert by_gap.mean() > 0.95
    assert abs(np.nanmean(found["kinship, loss and text taken out"])) < 0.1


def test_the_sample_s_amounts_of_text_are_those_of_its_readme():
    kept = json.loads((Path(competence.__file__).parents[1] / "sample" / "training_text.json").read_text())
    rows = re.findall(r"^\| \S+ · (\w+) → en \| ([\d,]+) \|", (sample_model() / "README.md").read_text(), re.MULTILINE)
    assert kept == {f"{code}-en": int(count.replace(",", "")) for code, count in rows}
    assert len(kept) == 17


def test_a_plateau_is_told_with_the_whole_interval():
    """No other K is better by an interval above 0."""
    kinship = {0.2: np.array([0.5, 0.9, 0.7]), 0.4: np.array([0.6, 0.8, 0.7])}
    words = sensitivity._plateau(kinship)
    assert "at the best of 2 values of K" in words
    assert words.count(" to ") == 2
    assert words.endswith("): a plateau as far as this pool can tell.")
    better = {0.2: np.array([0.9, 0.9, 0.8]), 0.4: np.array([0.6, 0.7, 0.5])}
    assert sensitivity._plateau(better).endswith(
        "20%, +0.27 (+0.20 to +0.30): 40 % is not the best, though a best that is looked for afterwards is flattered."
    )
