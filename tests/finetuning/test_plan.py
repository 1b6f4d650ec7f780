"""The batches of a plan beside a slow, obvious twin: finished runs were trained on the twin's, so they must not change."""

from __future__ import annotations

import hashlib
import itertools
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from pseudofam_core.finetuning import SMALL, Budget, BudgetMode
from pseudofam_core.languages import pair
from tests.reference_batches import shuffled_indices, token_batches

PAIRS = tuple(map(pair, ("be-en", "tr-en", "uk-en")))
RNG = np.random.default_rng(0)
CORPORA = {
    "short": [RNG.integers(4, 12, size=n) for n in (30, 200, 90)],
    "long": [RNG.integers(1, 400, size=n) for n in (7, 300, 1000)],  # many are longer than a batch
}


def twin(lengths, pairs, budget, recipe, *, seed, weights=(), n_processes=1):
    """All batches as lists of Python numbers, drawn one sentence after the other."""
    n_batches = budget.updates * recipe.accumulation
    if budget.mode is not BudgetMode.EQUAL_TARGET_TOKENS or len(pairs) == 1:
        return list(itertools.islice(Twin(lengths, pairs, recipe, seed, weights).endless(), n_batches))
    alone = itertools.islice(Twin(lengths[:1], pairs[:1], recipe, seed).endless(), n_batches)
    batches = Twin(lengths, pairs, recipe, seed, weights).around([one for batch in alone for one in batch])
    return in_shares(batches, n_processes, at_least=len(batches) // recipe.accumulation * recipe.accumulation)


class Twin:
    def __init__(self, lengths, pairs, recipe, seed, weights=()):
        self.lengths, self.max_tokens = np.concatenate(lengths), recipe.batch_tokens
        sizes = np.array([len(one) for one in lengths])
        self.starts = np.cumsum(sizes) - sizes
        self.weights = np.ones(len(pairs)) if recipe.temperature is None else sizes ** (1 / recipe.temperature)
        if weights:
            self.weights = self.weights * np.array([1.0, *weights])
        self.streams = [stream(int(n), f"{seed} {one}") for n, one in zip(sizes, pairs, strict=True)]
        self.chunk = max(1, int(50 * self.max_tokens / self.lengths.mean()))
        self.rng = np.random.default_rng(seed)

    def endless(self):
        shares = self.weights / self.weights.sum()
        while True:
            yield from self.grouped(self.following(self.rng.choice(len(shares), size=self.chunk, p=shares)))

    def around(self, target_sentences):
        counts = np.rint(len(target_sentences) * self.weights[1:] / self.weights[0]).astype(int)
        which = np.repeat(np.arange(1, len(self.weights)), counts)
        shuffled = self.rng.permutation(np.concatenate([np.asarray(target_sentences), self.following(which)]))
        chunks = np.array_split(shuffled, max(1, round(len(shuffled) / self.chunk)))
        return [batch for chunk in chunks for batch in self.grouped(chunk)]

    def following(self, which):
        return np.array([self.starts[one] + next(self.streams[one]) for one in which], dtype=np.int64)

    def grouped(self, sentences):
        batches = token_batches(self.lengths[sentences].tolist(), max_tokens=self.max_tokens)
        return [tuple(sentences[batches[i]].tolist()) for i in self.rng.permutation(len(batches))]


def stream(n, name):
    for epoch in itertools.count():
        digest = hashlib.sha256(f"{name} {epoch}".encode()).digest()
        yield from shuffled_indices(n, seed=int.from_bytes(digest[:8], "big"))


def in_shares(batches, n, *, at_least):
    shared = list(batches)
    while len(shared) % n:
        can_be = [at for at, batch in enumerate(shared) if len(batch) > 1]
        if not can_be:
            break
        in_last = [at for at in can_be if at >= at_least]
        at = max(in_last, key=lambda at: len(shared[at])) if in_last else can_be[-1]
        half = len(shared[at]) // 2
        shared[at : at + 1] = [shared[at][:half], shared[at][half:]]
    return shared


def plan_batches(lengths, pairs, budget, recipe, **options):
    return budget.plan(lengths, pairs, recipe, **options)


def budget_of(mode, updates):
    return Budget.of(mode, updates, 5)


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("mode", BudgetMode)
@pytest.mark.parametrize("temperature", [None, 5.0])
@pytest.mark.parametrize("batch_tokens", [16, 60])
@pytest.mark.parametrize("n_processes", [1, 2])
def test_batches_are_those_of_the_twin(corpus, mode, temperature, batch_tokens, n_processes):
    recipe = replace(SMALL, batch_tokens=batch_tokens, accumulation=2, temperature=temperature)
    for n_pairs, updates in ((1, 9), (2, 1), (3, 8), (3, 9)):
        case = CORPORA[corpus][:n_pairs], PAIRS[:n_pairs], budget_of(mode, updates), recipe
        plan = plan_batches(*case, seed=n_pairs, n_processes=n_processes)
        batches = twin(*case, seed=n_pairs, n_processes=n_processes)
        assert (len(plan), list(plan)) == (len(batches), batches)
        assert [tuple(one.tolist()) for one in plan.updates()] == [sum(two, ()) for two in in_twos(batches)]
        if len(batches) % n_processes:  # only of sentences that are batches alone: none can be halved
            assert set(map(len, batches)) == {1}
            continue
        for rank in range(n_processes):
            share = plan.share(rank, n_processes)
            assert (len(share), list(share)) == (len(batches) // n_processes, batches[rank::n_processes])


def in_twos(batches):
    return [batches[at : at + 2] for at in range(0, len(batches), 2)]


@pytest.mark.parametrize("mode", BudgetMode)
@pytest.mark.parametrize("temperature", [None, 5.0])
@pytest.mark.parametrize("n_processes", [1, 2])
def test_weighted_batches_are_those_of_the_twin(mode, temperature, n_processes):
    recipe = replace(SMALL, batch_tokens=60, accumulation=2, temperature=temperature)
    for weights in ((0.3, 1.7), (1.0, 0.01), (2.0, 2.0)):
        case = CORPORA["short"], PAIRS, budget_of(mode, 9), recipe
        options = {"seed": 4, "weights": weights, "n_processes": n_processes}
        assert list(plan_batches(*case, **options)) == twin(*case, **options)
        assert list(plan_batches(*case, **options)) != list(plan_batches(*case, seed=4, n_processes=n_processes))


@pytest.mark.parametrize("n", [3, 4, 5, 7])
def test_batches_are_halved_as_the_twin_halves_them(n):
    for batch_tokens, updates in itertools.product((12, 60), range(1, 6)):
        recipe = replace(SMALL, batch_tokens=batch_tokens, accumulation=n)
        case = CORPORA["short"], PAIRS, budget_of(BudgetMode.EQUAL_TARGET_TOKENS, updates), recipe
        assert list(plan_batches(*case, seed=1, n_processes=n)) == twin(*case, seed=1, n_processes=n)


def test_more_processes_than_can_share_an_update_are_refused():
    recipe = replace(SMALL, batch_tokens=60, accumulation=2)
    plan = plan_batches(CORPORA["short"], PAIRS, budget_of(BudgetMode.EQUAL_UPDATES, 6), recipe, seed=1)
    with pytest.raises(ValueError, match=r"share 12 batches, 2 an update, evenly\. Got 4"):
        plan.share(0, 4)


@pytest.mark.parametrize(("mode", "most"), [(BudgetMode.EQUAL_TARGET_TOKENS, 6), (BudgetMode.EQUAL_UPDATES, 0.1)])
def test_a_plan_keeps_few_bytes_a_sentence(mode, most):
    lengths, recipe = [np.full(4000, 8)] * 3, replace(SMALL, batch_tokens=4000)
    tracemalloc.start()
    try:
        plan = plan_batches(lengths, PAIRS, budget_of(mode, 500), recipe, seed=1)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < most * sum(map(len, plan))
