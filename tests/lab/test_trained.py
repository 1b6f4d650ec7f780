"""The matrix whose runs are kept is found from the runs alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pseudofam_core.finetuning import texts_of_targets
from pseudofam_core.lab.trained import kept_matrix
from pseudofam_core.transfer import transfer_matrix
from pseudofam_core.transfer.run import transfer_all
from tests.transfer.conftest import corpus, matrix_of_three, one_thread, tuning

__all__ = ["corpus", "matrix_of_three", "one_thread", "tuning"]

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


def test_a_kept_matrix_is_found_for_its_model(matrix_of_three, cache):
    request = matrix_of_three(updates=1)
    assert kept_matrix(request.workspace, cache) is None
    transfer_all(request, cache, texts=texts_of_targets(request.workspace, request.targets, request.cut))
    found, keys = kept_matrix(request.workspace, cache)
    mine, theirs = transfer_matrix(request, cache), transfer_matrix(found, cache)
    assert (theirs.targets, theirs.auxiliaries, theirs.seeds) == (
        tuple(sorted(mine.targets)),
        tuple(sorted(mine.auxiliaries)),
        mine.seeds,
    )
    assert np.isfinite(theirs.gains).sum() == np.isfinite(mine.gains).sum() == 3
    assert sorted(np.round(theirs.gains[np.isfinite(theirs.gains)], 9)) == sorted(
        np.round(mine.gains[np.isfinite(mine.gains)], 9)
    )
    assert set(keys) == set(mine.keys)
    # Of another budget there are fewer runs: the fuller matrix is taken.
    other = matrix_of_three(updates=2, targets=request.targets[:1])
    transfer_all(other, cache, texts=texts_of_targets(other.workspace, other.targets, other.cut))
    assert kept_matrix(request.workspace, cache)[0].updates == 1
    assert kept_matrix(replace(request.workspace, model="sample"), cache) is None
