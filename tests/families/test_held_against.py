"""What shares of resamples are worth: the measured figures in words, and the halves that they were measured on."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.stability import halves, row
from pseudofam_core.families.stability import calibration_words
from pseudofam_core.languages import pair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.replicates import ShardSketches


def test_the_words_tell_what_was_said_and_what_was_so():
    assert calibration_words(Measure.OVERLAP).endswith(
        "where resamples by Overlap left 36%, 54% and 15% of the families unchanged, as many other sentences gave 27%, 44% and "
        "14% again."
    )
    off = max(abs(said - true) for measure in Measure for said, true in measure.row.resampled_against)
    assert f"off by up to {100 * off:.0f} points" in calibration_words(Measure.COSINE)


@pytest.mark.parametrize("shared", [True, False])
def test_halves_have_no_shard_in_common_and_every_shard_is_used(shared):
    counts = np.arange(1, 25).reshape(3, 8)
    sketches = ShardSketches(pairs_of("be", "uk", "tr"), counts[:, :, None].astype(np.float32), counts, 1, shared)
    first, second = halves(sketches, seed=3)
    for row_of, here, there in zip(counts, first.counts, second.counts, strict=True):
        assert sorted([*here, *there]) == list(row_of)
    places = [[list(row_of).index(n) for n in here] for row_of, here in zip(counts, first.counts, strict=True)]
    assert (len(set(map(tuple, places))) == 1) == shared
    assert (first.sums[:, :, 0] == first.counts).all()  # sums go with their counts


def test_where_every_shard_is_alike_shares_and_truth_are_one():
    generator = np.random.default_rng(1)
    sums = np.repeat(generator.gamma(1, size=(6, 1, 400)).astype(np.float32), 8, axis=1)
    sketches = ShardSketches(pairs_of("be", "uk", "bg", "tr", "kk", "de"), sums, np.full((6, 8), 4), 400, True)
    told = row(sketches, Measure.MSE)
    assert told["unchanged_said"] == told["unchanged_true"] == told["members_said"] == told["members_true"] == 1


def pairs_of(*codes):
    return tuple(pair(f"{code}-en") for code in codes)
