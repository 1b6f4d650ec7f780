"""How firm a family is under another draw of the sentences that were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pseudofam_core.estimates import Estimator, Workspace
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.families.stability import FamiliesAlike, FamilyStability, families_alike, family_stability
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.resampling import BootstrapReplicates, bootstrap_replicates, sketch_matrix
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.similarity.sketches import shard_sketches
from pseudofam_core.store.cache import Artifact
from pseudofam_core.structure.correlation import off_diagonal, spearman

N_REPLICATES = 100


@dataclass(frozen=True, eq=False)
class Firmness:
    """Families of resampled sentences, and what the part of the parameters loses that they are told from.

    Attributes:
        stability: How often resamples lead to the same families.
        alike: How far that part gives, from all sentences, the families of all parameters.
        correlation: Spearman's ρ of the two matrices; None where either is constant.
    """

    stability: FamilyStability
    alike: FamiliesAlike
    correlation: float | None

    def unchanged(self, target: LanguagePair) -> float:
        """Share of resamples that leave the target's family as it is."""
        return float(self.stability.unchanged[self.stability.pairs.index(target)])

    def shares(self, target: LanguagePair) -> Mapping[LanguagePair, float]:
        """Share of resamples in which each pair is in the target's family."""
        row = self.stability.shares[self.stability.pairs.index(target)]
        return dict(zip(self.stability.pairs, row.tolist(), strict=True))


def firmness_of(
    stability: FamilyStability, sketched: PairwiseMatrix, matrix: PairwiseMatrix, *, selection: SelectionSpec
) -> Firmness:
    """What resamples say of families that were picked from `matrix`.

    Args:
        stability: Of the resamples.
        sketched: The matrix of all sentences on the same parameters.
        matrix: That of all parameters.
        selection: The rule of all three.
    """
    return Firmness(
        stability,
        families_alike(sketched, matrix, selection=selection),
        spearman(off_diagonal(sketched.values), off_diagonal(matrix.values)),
    )


def resampled(
    estimates: Mapping[LanguagePair, Artifact], matrix: PairwiseMatrix, *, selection: SelectionSpec, together: bool
) -> Firmness:
    """Draw the shards of the sentences again, `N_REPLICATES` times. Takes a few seconds.

    Args:
        estimates: Of the matrix's pool.
        matrix: What the families are picked from.
        selection: The rule.
        together: See `share_draws`.

    Raises:
        OSError: Estimates of an earlier version, which kept no shards.
        ValueError: Fewer shards than can be drawn again, or a measure that is not computed from diagonals.
    """
    replicates, sketched = replicates_of(
        estimates, measure=matrix.measure, top_fraction=matrix.top_fraction, together=together
    )
    return firmness_of(
        family_stability(replicates, sketched, selection=selection), sketched, matrix, selection=selection
    )


def replicates_of(
    estimates: Mapping[LanguagePair, Artifact], *, measure: Measure, top_fraction: float | None, together: bool
) -> tuple[BootstrapReplicates, PairwiseMatrix]:
    """The matrices of resampled sentences, and the one of all sentences on the same parameters; see `resampled`."""
    sketches = shard_sketches(estimates, together=together)
    replicates = bootstrap_replicates(
        sketches, measure=measure, top_fraction=top_fraction, n_replicates=N_REPLICATES, seed=1
    )
    return replicates, sketch_matrix(sketches, measure=measure, top_fraction=top_fraction)


def why_unknown(error: OSError | ValueError) -> str:
    """Why sentences could not be resampled."""
    if isinstance(error, OSError):
        return (
            "The estimates were made by an earlier version, which kept no shards of the sentences. Estimate them again."
        )
    return f"The sentences can't be resampled: {error}"


def share_draws(workspace: Workspace, shared_text: float | None) -> bool:
    """Whether shard s holds the same sentences for all pairs.

    Batches are dealt for each pair by itself, and one sentence that only one pair has shifts all after it.
    """
    return workspace.estimator is not Estimator.PER_BATCH and shared_text == 1
