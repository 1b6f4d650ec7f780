"""Batches by token budget, and nested samples."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pseudofam_core.corpora import sample_indices, token_batches
from pseudofam_core.corpora.batches import _random_numbers, shuffled, shuffled_indices
from tests import reference_batches as twin

LENGTHS = st.lists(st.integers(0, 50), max_size=60)


@given(LENGTHS, st.integers(1, 100))
def test_each_sentence_is_in_one_batch_within_the_budget(lengths, max_tokens):
    batches = token_batches(lengths, max_tokens=max_tokens)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = len(batch) * max(lengths[index] for index in batch)
        assert padded <= max_tokens or len(batch) == 1


@given(LENGTHS, st.integers(1, 100), st.booleans())
def test_batches_are_those_of_the_twin(lengths, max_tokens, small):
    given_ = np.array(lengths, dtype=np.uint8) if small else lengths
    assert token_batches(given_, max_tokens=max_tokens) == twin.token_batches(lengths, max_tokens=max_tokens)


@given(LENGTHS, st.integers(1, 100))
def test_batches_are_sorted_by_length(lengths, max_tokens):
    order = [lengths[index] for batch in token_batches(lengths, max_tokens=max_tokens) for index in batch]
    assert order == sorted(lengths)


def test_an_example():
    assert token_batches([5, 2, 9, 2, 30], max_tokens=10) == [[1, 3], [0], [2], [4]]


def test_ties_keep_their_order():
    assert token_batches([3, 3, 3, 3], max_tokens=6) == [[0, 1], [2, 3]]


@pytest.mark.parametrize(("lengths", "max_tokens"), [([1], 0), ([1, -1], 5)])
def test_bad_budgets_and_lengths_are_refused(lengths, max_tokens):
    with pytest.raises(ValueError, match=r"max_tokens must be at least 1|lengths must not be negative"):
        token_batches(lengths, max_tokens=max_tokens)


@pytest.mark.parametrize("seed", [0, 7, -7, 2**32 - 1, 2**32, 2**40 + 5, 2**64 - 1, 2**64, 2**100 + 3])
def test_numpy_gives_the_numbers_of_random(seed):
    numbers = random.Random(seed)
    assert _random_numbers(1000, seed=seed).tolist() == [numbers.random() for _ in range(1000)]


@pytest.mark.parametrize("n", [0, 1, 2, 1000, 100_000])
@pytest.mark.parametrize("seed", [0, 1, 12_345, 2**63 + 1])
def test_orders_are_those_of_the_twin(n, seed):
    expected = twin.shuffled_indices(n, seed=seed)
    assert shuffled_indices(n, seed=seed) == expected
    assert (shuffled(n, seed=seed).tolist(), shuffled(n, seed=seed).dtype) == (expected, np.int32)


@given(st.integers(0, 200), st.integers(0, 2**32), st.data())
def test_samples_are_nested(n, seed, data):
    larger = data.draw(st.integers(0, n))
    smaller = data.draw(st.integers(0, larger))
    sample = sample_indices(n, larger, seed=seed)
    assert sample == sorted(set(sample))
    assert len(sample) == larger
    assert set(sample) <= set(range(n))
    assert set(sample_indices(n, smaller, seed=seed)) <= set(sample)


def test_a_sample_depends_on_the_seed_alone():
    assert sample_indices(1000, 20, seed=1) == sample_indices(1000, 20, seed=1) != sample_indices(1000, 20, seed=2)


def test_a_sample_stays_the_same_over_versions():
    assert sample_indices(20, 5, seed=0) == [3, 5, 7, 12, 15]


def test_every_index_is_drawn_about_equally_often():
    counts = [0] * 10
    for seed in range(1000):
        for index in sample_indices(10, 3, seed=seed):
            counts[index] += 1
    # 300 expected, standard deviation 14.5.
    assert all(230 < count < 370 for count in counts)


@pytest.mark.parametrize("size", [-1, 6])
def test_a_sample_larger_than_the_text_is_refused(size):
    with pytest.raises(ValueError, match=rf"size must be in \[0, 5\], as 5 sentences are there. Got {size}"):
        sample_indices(5, size, seed=0)
