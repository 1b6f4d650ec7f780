"""The report of a target: one sentence to quote, then its parts in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pseudofam_core.report.decision import (
    firmness_part,
    measures_part,
    members_part,
    odds_part,
    share_words,
    tradition_part,
    unchanged_words,
)
from pseudofam_core.report.firmness import Firmness
from pseudofam_core.report.further import further_part
from pseudofam_core.report.material import Material
from pseudofam_core.report.outcome import control_words, family_words, gains_part, results_part
from pseudofam_core.report.part import Part
from pseudofam_core.report.provenance import provenance_part
from pseudofam_core.report.trained import Trained
from pseudofam_core.report.words import corpus_words, joined, model_words
from pseudofam_core.similarity.results import measure_name


@dataclass(frozen=True, eq=False)
class Report:
    """A target's decision in one place.

    Attributes:
        title: Whose, and how many auxiliaries.
        quote: One sentence that says what was found and how sure it is.
        made: When, UTC.
        parts: In the order to be read.
    """

    title: str
    quote: str
    made: datetime
    parts: tuple[Part, ...]


def report_of(material: Material, *, made: datetime) -> Report:
    """Put the parts together.

    Args:
        material: What is known.
        made: When, UTC.
    """
    n = len(material.family.members)
    return Report(
        title=f"{material.target.label}: {'1 auxiliary' if n == 1 else f'{n} auxiliaries'}",
        quote=quote(material),
        made=made,
        parts=(
            members_part(material),
            firmness_part(material),
            odds_part(material),
            measures_part(material),
            tradition_part(material),
            results_part(material),
            gains_part(material),
            further_part(material),
            provenance_part(material, made),
        ),
    )


def quote(material: Material) -> str:
    """What was found, with its uncertainty and what is not known, in one sentence."""
    basis, family, target = material.basis, material.family, material.target
    names = joined([member.language.name for member in family.members])
    seen = (
        f"model {model_words(basis.workspace)}, {family.provenance.get('sentences', 'all')} sentences of each of "
        f"{len(basis.estimates)} pairs of the corpus {corpus_words(basis.workspace)}"
    )
    return (
        f"By {measure_name(material.matrix)} of Fisher information ({seen}) the auxiliaries of {target.language.name} "
        f"({target}) are {names}; {_firm(material)}; {_odds(material)}; {_paid(material)}."
    )


def _firm(material: Material) -> str:
    if isinstance(material.firmness, Firmness):
        return unchanged_words(material.family, material.firmness)
    return "its firmness is not known"


def _odds(material: Material) -> str:
    size, chance = len(material.family.members), material.chance
    if chance is None:
        return "its size was set beforehand"
    if size <= material.family.selection.smallest:
        return "it is of the smallest size that the rule gives"
    return f"{share_words(size, chance)} of families would be as large with nothing to find"


def _paid(material: Material) -> str:
    done = material.trained
    if not isinstance(done, Trained) or (outcome := done.of(material.family)) is None:
        return "whether it pays in fine-tuning has not been tried"
    words = (family_words, control_words)
    return ", ".join(told(done.comparison, outcome, briefly=True) for told in words)
