"""The matrix that kept runs make, whoever asked for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pseudofam_core.finetuning import texts_of_targets
from pseudofam_core.languages import pair
from pseudofam_core.transfer import transfer_matrix
from pseudofam_core.transfer.kept import kept_request
from pseudofam_core.transfer.run import transfer_all

# transformers warns of a private torch call of its own.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


def _ran(request, cache):
    transfer_all(request, cache, texts=texts_of_targets(request.workspace, request.targets, request.cut))


def test_kept_runs_are_come_upon_and_the_larger_matrix_is_taken(matrix_of_three, cache):
    request = matrix_of_three(updates=2)
    assert kept_request(request.workspace, cache) is None
    _ran(request, cache)
    _ran(replace(request, targets=request.targets[:1], updates=1), cache)
    found = kept_request(request.workspace, cache)
    assert (found.targets, found.updates) == (tuple(sorted(request.targets)), 2)
    expected = transfer_matrix(request, cache)
    kept = transfer_matrix(found, cache)
    order = [request.targets.index(one) for one in found.targets]
    assert found.auxiliaries == request.auxiliaries
    np.testing.assert_array_equal(kept.gains, expected.gains[:, order])


def test_runs_of_pairs_outside_of_the_pool_are_left_out(matrix_of_three, cache):
    request = matrix_of_three(updates=1)
    _ran(request, cache)
    smaller = replace(request.workspace, pairs=(pair("tr-en"), pair("az-en")))
    found = kept_request(smaller, cache)
    assert found is None or pair("de-en") not in found.auxiliaries
