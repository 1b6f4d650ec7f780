"""What families gained: the kept transfer matrix of the workspace's model, where there is one, beside kinship.

A family's measured gain is the mean of what its members gained one by one (`pseudofam transfer`), less the mean over all
auxiliaries of its target: what it gains over a blind choice of as many. Members trained together may gain more or less.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.families.stability import members_of
from pseudofam_core.lab.experiment import Material
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.signals import SignalMatrix
from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix
from pseudofam_core.store.cache import Cache
from pseudofam_core.structure.correlation import row_correlations
from pseudofam_core.transfer.foresight import aligned
from pseudofam_core.transfer.kept import kept_matrix, kept_runs

GAIN_COLUMN = (
    "Measured gain of the members over a blind choice, nats a token of dev, mean over targets (none: not measured)"
)


def runs(workspace: Workspace, cache: Cache) -> tuple[str, ...]:
    """Keys of the kept runs of the workspace's model, which a finding depends on."""
    revision = resolve_model(workspace.model).revision
    return tuple(sorted(run.key for run in kept_runs(cache) if run.spec.model_revision == revision))


def measured_gains(material: Material, pairs: tuple[LanguagePair, ...]) -> FloatMatrix | None:
    """(n, n) gain of each pair as target (row) by each as auxiliary, NaN where not run; None where nothing is kept."""
    measured = kept_matrix(material.workspace, material.cache)
    if measured is None:
        return None
    gains = aligned(SignalMatrix("gain", measured.targets, measured.auxiliaries, measured.mean), pairs, pairs)
    return gains if np.isfinite(gains).any() else None


def family_gains(members: npt.NDArray[np.bool_], gains: FloatMatrix) -> FloatMatrix:
    """(n,) mean gain of a target's members, less that of all its auxiliaries; NaN where neither or none is measured.

    Args:
        members: (n, n) whether the column is in the row's family; the diagonal is not looked at.
        gains: (n, n) by `measured_gains`; NaN on the diagonal.
    """
    known = np.isfinite(gains)
    return _row_means(gains, members & known) - _row_means(gains, known)


def paper_family_gains(matrix: PairwiseMatrix, gains: FloatMatrix) -> FloatMatrix:
    """(n,) `family_gains` of the families by the paper's rule."""
    return family_gains(members_of(matrix, SelectionSpec()), gains)


def foreseen(matrix: PairwiseMatrix, gains: FloatMatrix) -> FloatMatrix:
    """(n,) Spearman's ρ of a target's nearness and gain over its auxiliaries; NaN for targets that are not measured."""
    return row_correlations(-matrix.ordering_distances(), gains)


def _row_means(values: FloatMatrix, taken: npt.NDArray[np.bool_]) -> FloatMatrix:
    counts = taken.sum(axis=1)
    sums = np.where(taken, values, 0.0).sum(axis=1)
    return np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0)
