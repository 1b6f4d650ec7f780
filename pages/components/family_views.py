"""A family as words and tables."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pseudofam_core.languages import LanguagePair
from pseudofam_core.results import PseudoFamily
from pseudofam_core.selection import null_size_probability


def family_words(family: PseudoFamily) -> str:
    """The members in one line, those of the target's traditional family in bold."""
    own = family.target.language.traditional_family
    return ", ".join(
        f"**{one.label}**" if one.language.traditional_family == own else one.label for one in family.members
    )


def same_family(family: PseudoFamily, pool: Sequence[LanguagePair]) -> str:
    """How many members are of the target's traditional family, and how many could have been."""
    own = family.target.language.traditional_family
    others = [one for one in pool if one != family.target and one.language.traditional_family == own]
    return f"{sum(one in others for one in family.members)} of {len(others)}" if others else "none in the pool"


def overview_table(families: Sequence[PseudoFamily], pool: Sequence[LanguagePair]) -> pd.DataFrame:
    """A row per target."""
    return pd.DataFrame(
        {
            "Target": [one.target.label for one in families],
            "Traditional family": [one.target.language.traditional_family for one in families],
            "Pseudo family": [[member.label for member in one.members] for one in families],
            "Size": [len(one.members) for one in families],
            "Of its traditional family": [same_family(one, pool) for one in families],
        }
    )


def neighbour_table(family: PseudoFamily) -> pd.DataFrame:
    """A row per neighbour, with the reason."""
    return pd.DataFrame(
        {
            "Rank": [one.rank for one in family.neighbours],
            "Language": [one.pair.label for one in family.neighbours],
            "Traditional family": [one.pair.language.traditional_family for one in family.neighbours],
            "In": [one.member for one in family.neighbours],
            family.measure.label: [one.value for one in family.neighbours],
            "Why": [one.reason for one in family.neighbours],
        }
    )


def odds_words(family: PseudoFamily) -> str:
    """How likely a family so large would be with nothing to find; for the paper's rule, which the odds are made for."""
    size = len(family.members)
    odds = null_size_probability(size, measure=family.measure)
    if size <= 2:
        share = 1 - null_size_probability(3, measure=family.measure)
        return (
            f"The smallest size the rule gives. With nothing to find, {share:.0%} of families would stop here: "
            "take the order of the neighbours seriously rather than the size."
        )
    return f"With nothing to find, {odds:.1%} of families would grow to {size} members or more."
