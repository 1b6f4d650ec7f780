"""Blocks of one text, the same or disjoint: the matrices, and what wins."""

from __future__ import annotations

import numpy as np
import pytest

from pseudofam_core.lab import content
from pseudofam_core.lab.uncertainty import Mean
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.replicates import ShardSketches
from pseudofam_core.similarity.resampling import sketch_matrix
from tests.lab.conftest import POOL, sketches_of


@pytest.mark.parametrize("measure", content.MEASURES)
def test_the_same_block_is_the_matrix_of_these_shards_alone(mixed, measure):
    distances = content.block_distances(mixed, measure)
    k = content.TOP_FRACTION if measure.has_masks else None
    for block in range(len(POOL)):
        alone = ShardSketches(POOL, mixed.sums[:, [block]], mixed.counts[:, [block]], mixed.n_parameters, True)
        expected = sketch_matrix(alone, measure=measure, top_fraction=k).ordering_distances()
        near = 1e-5 * expected.max()  # sums in float32
        assert np.allclose(content.same_blocks(distances, block), expected, atol=near)


@pytest.mark.parametrize("measure", [Measure.OVERLAP, Measure.HELLINGER])
def test_disjoint_blocks_give_each_pair_its_own(mixed, measure):
    distances = content.block_distances(mixed, measure)
    k = content.TOP_FRACTION if measure.has_masks else None
    for turn in range(len(POOL)):
        blocks = [(place + turn) % len(POOL) for place in range(len(POOL))]
        assert sorted(blocks) == list(range(len(POOL)))
        sums = np.stack([mixed.sums[place, [block]] for place, block in enumerate(blocks)])
        own = ShardSketches(POOL, sums, mixed.counts[:, :1], mixed.n_parameters, False)
        expected = sketch_matrix(own, measure=measure, top_fraction=k).ordering_distances()
        assert np.allclose(content.disjoint_blocks(distances, turn), expected, rtol=1e-4, atol=1e-6)


def test_who_is_nearer_is_counted_over_every_two():
    distances = np.random.default_rng(2).integers(0, 5, size=(3, 3, 3, 3)).astype(float)
    verdicts = [
        1.0 if distances[i, j, b, b] < distances[i, i, b, c] else 0.5 * (distances[i, j, b, b] == distances[i, i, b, c])
        for i in range(3)
        for j in range(3)
        for b in range(3)
        for c in range(3)
        if i != j and b != c
    ]
    assert content.content_before_language(distances) == pytest.approx(np.mean(verdicts))


def test_content_wins_where_content_is_all_and_language_where_it_is_all():
    by_content = content.block_distances(sketches_of(content=2.0, language=0.1), Measure.OVERLAP)
    by_language = content.block_distances(sketches_of(content=0.1, language=2.0), Measure.OVERLAP)
    assert content.content_before_language(by_content) > 0.95
    assert content.content_before_language(by_language) < 0.05


def test_an_answer_says_a_bound_just_below_zero_as_zero():
    rows = {name: {"kinship": 0.75, "content_nearer": 0.1} for name in ("same sentences", "disjoint sentences")}
    gap = Mean(0.0061, -0.0032, 0.0159, 4)
    answer = content._answer(rows, gap, {Measure.OVERLAP: gap}, 60)
    assert "in 75%: 1 point (95 % over 4 targets 0 to 2; clear by 0 of 1 measures)" in answer
