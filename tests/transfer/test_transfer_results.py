"""The matrix: gains and intervals against a slow twin, the laws, what is partial, and what a signal says beside it."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest
from scipy import stats

from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.finetuning import SMALL
from pseudofam_core.languages import pair
from pseudofam_core.scoring.metrics import LOSS
from pseudofam_core.scoring.significance import sentence_weights
from pseudofam_core.signals import SignalMatrix
from pseudofam_core.tasks.translation import TRANSLATION
from pseudofam_core.transfer import TransferRequest, besides, kept_requests, said_of, transfer_matrix
from pseudofam_core.transfer.results import Scored, interval, matrix_of
from tests.cases_transfer import store_matrix
from tests.reference_statistics import squared_errors

TR, AZ, DE, SV = (pair(f"{code}-en") for code in ("tr", "az", "de", "sv"))
REQUEST = TransferRequest(Workspace(), (TR, AZ), (TR, AZ, DE), 10, SMALL, seeds=(1, 2))
N_SENTENCES = 30


def scored(nats, n_tokens, key="run"):
    weights = sentence_weights(len(nats))
    return Scored(key, nats.sum() / n_tokens.sum(), (weights @ nats) / (weights @ n_tokens), len(nats))


def row_of(seed, members=(None, AZ, DE), seeds=(1, 2)):
    """A target's runs, their losses drawn; those of a seed alike, those of sentences too."""
    rng = np.random.default_rng(seed)
    n_tokens = rng.integers(3, 15, N_SENTENCES)
    level = rng.normal(2, 0.5, N_SENTENCES)
    losses = {
        member: {one: n_tokens * (level + rng.normal(0, 0.3, N_SENTENCES) + rng.normal(0, 0.1)) for one in seeds}
        for member in members
    }
    return losses, n_tokens


def runs_of(losses, n_tokens):
    return {member: {s: scored(nats, n_tokens) for s, nats in by.items()} for member, by in losses.items()}


def reference_interval(losses, n_tokens, auxiliary):
    """By loops over sentences, draws and runs, in Python's floats."""
    draws = [[int(i) for i in np.repeat(np.arange(N_SENTENCES), w.astype(int))] for w in sentence_weights(N_SENTENCES)]
    lines = range(N_SENTENCES)

    def loss(nats, drawn):
        return sum(float(nats[i]) for i in drawn) / sum(int(n_tokens[i]) for i in drawn)

    weights = {None: 1.0, auxiliary: -1.0}
    parts = [
        (
            weights.get(member, 0.0),
            [loss(nats, lines) for nats in by.values()],
            [[loss(nats, drawn) for nats in by.values()] for drawn in draws],
        )
        for member, by in losses.items()
    ]
    sentences, seeds = squared_errors(parts)
    freedom_of_seeds = sum(len(by) - 1 for by in losses.values())
    freedom = (sentences + seeds) ** 2 / (sentences**2 / (N_SENTENCES - 1) + seeds**2 / freedom_of_seeds)
    value = fmean(parts[0][1]) - fmean(next(observed for weight, observed, _ in parts if weight == -1))
    reach = float(stats.t.ppf(0.975, freedom)) * (sentences + seeds) ** 0.5
    return value, value - reach, value + reach


@pytest.mark.parametrize("auxiliary", [AZ, DE])
def test_gain_and_interval_are_those_of_the_slow_twin(auxiliary):
    losses, n_tokens = row_of(3)
    found = interval(runs_of(losses, n_tokens), auxiliary, LOSS)
    expected = reference_interval(losses, n_tokens, auxiliary)
    np.testing.assert_allclose([found.value, found.low, found.high], expected, rtol=1e-9)


def test_the_interval_holds_the_true_gain_as_often_as_it_says():
    """Two seeds, eight auxiliaries that truly gain nothing, 60 targets: 95 %, give or take."""
    members = (None, *(pair(f"{code}-en") for code in ("az", "de", "sv", "uk", "be", "kk", "bg", "ja")))
    inside = []
    for seed in range(60):
        row = runs_of(*row_of(seed, members))
        found = [interval(row, one, LOSS) for one in members[1:]]
        inside += [one.low <= 0 <= one.high for one in found]
    assert 0.92 <= fmean(inside) <= 0.99


def test_with_one_seed_the_interval_is_that_of_the_sentences():
    losses, n_tokens = row_of(5, seeds=(1,))
    found = interval(runs_of(losses, n_tokens), AZ, LOSS)
    gains = (losses[None][1] - losses[AZ][1]).sum() / n_tokens.sum()
    per_sentence = sentence_weights(N_SENTENCES)
    spread = np.std((per_sentence @ losses[None][1] - per_sentence @ losses[AZ][1]) / (per_sentence @ n_tokens), ddof=1)
    assert found.value == pytest.approx(gains)
    assert found.error == pytest.approx(spread)


def test_a_metric_of_which_more_is_better_gains_where_it_rises():
    losses, n_tokens = row_of(7)
    row = runs_of(losses, n_tokens)
    down = interval(row, AZ, LOSS)
    up = interval(row, AZ, TRANSLATION.metrics[0])
    assert (up.value, up.low, up.high) == pytest.approx((-down.value, -down.high, -down.low))


def test_a_partial_matrix_says_what_it_has():
    losses, n_tokens = row_of(11)
    row = runs_of(losses, n_tokens)
    del row[AZ][2]  # one seed alone
    del row[DE]
    matrix = matrix_of(REQUEST, {TR: row, AZ: {None: row[None]}}, LOSS)
    assert np.isfinite(matrix.gains[0, 0]).tolist() == [False, True, False]
    assert np.isnan(matrix.gains[1]).all()
    assert matrix.n_cells == 8  # of two targets with three auxiliaries, each target among them, by two seeds
    assert matrix.n_missing == 7
    assert matrix.mean[0, 1] == matrix.gains[0, 0, 1]
    assert np.isnan(matrix.mean[1]).all()
    assert matrix.low[0, 1] < matrix.mean[0, 1] < matrix.high[0, 1]
    assert np.isnan(matrix.low).sum() == np.isnan(matrix.high).sum() == 5


def test_other_orders_are_the_same_numbers_in_other_places():
    rows = {TR: runs_of(*row_of(13, (None, AZ, DE))), AZ: runs_of(*row_of(17, (None, TR, DE)))}
    one = matrix_of(REQUEST, rows, LOSS)
    turned = replace(REQUEST, targets=(AZ, TR), auxiliaries=(DE, AZ, TR), seeds=(2, 1))
    other = matrix_of(turned, rows, LOSS)
    np.testing.assert_array_equal(other.gains, one.gains[::-1, ::-1, ::-1])
    np.testing.assert_allclose(other.low, one.low[::-1, ::-1])
    np.testing.assert_allclose(other.high, one.high[::-1, ::-1])


@pytest.fixture
def kept(matrix_of_three, cache):
    """Runs with made-up losses: de helps tr and harms az."""
    request = matrix_of_three(seeds=(1, 2))
    losses = {(TR, None): 3.0, (TR, AZ): 2.9, (TR, DE): 2.5, (AZ, None): 2.0, (AZ, DE): 2.25}
    store_matrix(cache, request, lambda target, member, seed: losses[target, member] + 0.01 * seed)
    return request


def test_kept_runs_are_found_again_as_requests(kept, cache):
    more = replace(kept, updates=9, targets=(TR,), auxiliaries=(SV,), seeds=(1,))
    store_matrix(cache, more, lambda target, member, seed: 2.0)
    first, second = kept_requests(kept.workspace, cache)
    assert (first.targets, first.auxiliaries, first.seeds, first.updates) == ((AZ, TR), (AZ, DE), (1, 2), 4)
    assert (second.targets, second.auxiliaries, second.updates) == ((TR,), (SV,), 9)
    matrix = transfer_matrix(first, cache)
    np.testing.assert_allclose(matrix.mean, [[np.nan, -0.25], [0.1, 0.5]], atol=1e-12)
    assert not kept_requests(replace(kept.workspace, pairs=(DE, SV)), cache)


def test_a_signal_stands_beside_the_gains(kept, cache):
    matrix = transfer_matrix(kept, cache)
    pool = (AZ, DE, SV, TR)
    values = np.arange(16.0).reshape(4, 4) % 5
    np.fill_diagonal(values, np.nan)
    signal = SignalMatrix("kinship", pool, pool, values)
    said = said_of(signal, matrix)
    np.testing.assert_array_equal(said, [[values[3, 0], values[3, 1]], [np.nan, values[0, 1]]])
    one, other = besides(signal, matrix)
    assert (one.target, one.n, one.best, one.first) == (TR, 2, DE, DE)
    assert (one.spearman, one.best_gain) == (pytest.approx(1), pytest.approx(0.5))
    assert (other.target, other.n, other.spearman, other.first) == (AZ, 1, None, DE)
    blind = replace(signal, values=-values)
    one = besides(blind, matrix)[0]
    assert (one.spearman, one.first, one.first_gain) == (pytest.approx(-1), AZ, pytest.approx(0.1))
    assert not besides(SignalMatrix("kinship", (SV,), pool, values[2:3]), matrix)
