"""What a report on a target is made of: looked up or computed by the stages themselves; the report computes no statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pseudofam_core import lab
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.estimates import Workspace
from pseudofam_core.families.chance import ChanceSizes, chance_sizes
from pseudofam_core.families.results import PseudoFamily
from pseudofam_core.families.selection import mutual_choices, select_family
from pseudofam_core.families.spec import Rule
from pseudofam_core.finetuning import open_texts
from pseudofam_core.lab import Finding
from pseudofam_core.languages import LanguagePair
from pseudofam_core.report.firmness import Firmness
from pseudofam_core.report.trained import Trained, trained
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import PoolSimilarity
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.store.cache import Artifact, Cache
from pseudofam_core.transfer import TransferMatrix
from pseudofam_core.transfer.arms import gains_of
from pseudofam_core.transfer.kept import kept_matrix
from pseudofam_core.transfer.outlook import Outlook, kept_outlook

_SENTENCES = "sentences"


@dataclass(frozen=True)
class Basis:
    """What the estimates of a pool rest on.

    Attributes:
        workspace: Model, corpus and estimator.
        tuned: What is fine-tuned on and scored with.
        estimates: The finished ones.
        missing: Pairs of the pool that are not estimated, and so can't be in a family.
        shared_text: How much of their text the pairs share; None where that can't be told.
        outdated: What has changed since the estimates were made, in plain words; empty where they are up to date.
    """

    workspace: Workspace
    tuned: Workspace
    estimates: Mapping[LanguagePair, Artifact]
    missing: tuple[LanguagePair, ...] = ()
    shared_text: float | None = None
    outdated: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Material:
    """All that a report tells. Where something is not known, a string says why.

    Attributes:
        basis: What the estimates rest on.
        matrix: What the family was picked from.
        family: The target's family.
        mutual: Members whose own families, by the same rule, hold the target.
        chance: Sizes of families with nothing to find; None for a rule whose sizes are set.
        firmness: How firm the family is.
        by_measure: The matrix of each measure that the pool has.
        trained: The target's finished runs; None where there are none.
        measured: Gains of single auxiliaries, of all targets; None where none is measured.
        outlook: What gains are to be expected; None where too little is measured.
        n_test: Sentences that score the target; None where it has no test text.
        sentences: The Lab's answer on how many sentences it takes, of this workspace.
    """

    basis: Basis
    matrix: PairwiseMatrix
    family: PseudoFamily
    mutual: tuple[LanguagePair, ...]
    chance: ChanceSizes | None
    firmness: Firmness | str
    by_measure: Mapping[Measure, PairwiseMatrix]
    trained: Trained | str | None
    measured: TransferMatrix | str | None
    outlook: Outlook | None
    n_test: int | None
    sentences: Finding | None

    @property
    def target(self) -> LanguagePair:
        """Whose family it is."""
        return self.family.target


def gathered(
    basis: Basis,
    similarities: PoolSimilarity,
    matrix: PairwiseMatrix,
    family: PseudoFamily,
    firmness: Firmness | str,
    cache: Cache,
    *,
    top_fraction: float,
) -> Material:
    """Look up what is kept of a target, and ask the light stages for the rest. Loads no model and trains nothing.

    Args:
        basis: What the estimates rest on.
        similarities: The pool's comparison.
        matrix: What the family was picked from.
        family: The target's family.
        firmness: How firm it is, or why that is not known.
        cache: Where results are kept.
        top_fraction: K, for the measures that take one.
    """
    measured = _measured(basis, cache)
    return Material(
        basis=basis,
        matrix=matrix,
        family=family,
        mutual=mutual_members(matrix, family),
        chance=chance_sizes(matrix, selection=family.selection) if family.selection.rule is Rule.PAPER else None,
        firmness=firmness,
        by_measure=similarities.defined(top_fraction),
        trained=_trained(basis, family, similarities, measured, cache, top_fraction),
        measured=measured,
        outlook=_outlook(basis, family.target, cache),
        n_test=_n_test(basis, family.target),
        sentences=_sentences(basis.workspace, cache),
    )


def mutual_members(matrix: PairwiseMatrix, family: PseudoFamily) -> tuple[LanguagePair, ...]:
    """Members whose own families, by the same rule, hold the target."""
    others = [select_family(matrix, member, selection=family.selection) for member in family.members]
    return mutual_choices([family, *others])[family.target]


def _measured(basis: Basis, cache: Cache) -> TransferMatrix | str | None:
    try:
        return kept_matrix(basis.tuned, cache)
    except PseudoFamError as error:
        return str(error)


def _trained(
    basis: Basis,
    family: PseudoFamily,
    similarities: PoolSimilarity,
    measured: TransferMatrix | str | None,
    cache: Cache,
    top_fraction: float,
) -> Trained | str | None:
    gains = {} if isinstance(measured, str) else gains_of(measured, family.target)
    try:
        return trained(basis.tuned, family.target, similarities, gains, cache, top_fraction=top_fraction)
    except (PseudoFamError, ValueError) as error:
        return str(error)


def _outlook(basis: Basis, target: LanguagePair, cache: Cache) -> Outlook | None:
    try:
        return kept_outlook(basis.tuned, target, cache)
    except PseudoFamError:  # of which the part on gains tells
        return None


def _n_test(basis: Basis, target: LanguagePair) -> int | None:
    try:
        return len(open_texts(basis.tuned, target).test)
    except PseudoFamError:  # of which the part on results tells
        return None


def _sentences(workspace: Workspace, cache: Cache) -> Finding | None:
    try:
        return lab.find(lab.planned(lab.experiment(_SENTENCES), workspace, cache), cache)
    except (PseudoFamError, ValueError):  # nothing was found on what can't be read
        return None
