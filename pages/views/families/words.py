"""A family as words and tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from pages.components import brushing
from pseudofam_core.charts import n_drawn
from pseudofam_core.families.chance import ChanceSizes, chance_sizes
from pseudofam_core.families.results import PseudoFamily
from pseudofam_core.families.selection import mutual_choices
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.families.stability import FamilyStability
from pseudofam_core.languages import LanguagePair
from pseudofam_core.report import Firmness, member_shares_words, unchanged_words
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.results import PairwiseMatrix

RESAMPLED = "In resamples"


def family_words(family: PseudoFamily, mutual: Collection[LanguagePair]) -> str:
    """The members in one line, those of the target's traditional family in bold, mutual choices marked."""
    tradition = family.target.language.traditional_family
    names = [f"{member.label}{' ⇄' if member in mutual else ''}" for member in family.members]
    return ", ".join(
        f"**{name}**" if member.language.traditional_family == tradition else name
        for name, member in zip(names, family.members, strict=True)
    )


def same_family(family: PseudoFamily, pool: Sequence[LanguagePair]) -> tuple[int, int]:
    """How many members are of the target's traditional family, and how many of the pool could have been."""
    tradition = family.target.language.traditional_family
    others = [pair for pair in pool if pair != family.target and pair.language.traditional_family == tradition]
    return sum(member in others for member in family.members), len(others)


def tradition_words(family: PseudoFamily, pool: Sequence[LanguagePair]) -> str:
    """How traditional the family is, in a sentence."""
    tradition = family.target.language.traditional_family
    n_in, n = same_family(family, pool)
    if not n:
        return f"No other {tradition} language is estimated."
    if n == 1:
        return f"The only other {tradition} language is {'in it, in bold' if n_in else 'not in it'}."
    return f"It holds {n_in} of the {n} other {tradition} languages{', in bold' if n_in else ''}."


def firm_words(family: PseudoFamily, firm: Firmness) -> str:
    """How often resampled sentences give the same family, and who is close to being in or out."""
    return f"**Firmness**: {unchanged_words(family, firm)}. {member_shares_words(family, firm)}"


def end_words(family: PseudoFamily) -> str:
    """Who is the first one out, and why; empty where all are in."""
    first_out = next((neighbour for neighbour in family.neighbours if not neighbour.member), None)
    return f"{first_out.pair.label} is the first one out. {first_out.reason}" if first_out else ""


def overview_table(families: Sequence[PseudoFamily], pool: Sequence[LanguagePair]) -> pd.DataFrame:
    """A row per target."""
    mutual = mutual_choices(families)
    return pd.DataFrame(
        {
            "Target": [family.target.label for family in families],
            "Traditional family": [family.target.language.traditional_family for family in families],
            "Pseudo family": [[member.label for member in family.members] for family in families],
            "Size": [len(family.members) for family in families],
            "Mutual": [len(mutual[family.target]) for family in families],
            "Of its traditional family": [
                f"{n_in} of {n}" if n else "none in the pool"
                for n_in, n in (same_family(family, pool) for family in families)
            ],
        }
    )


def neighbour_table(
    family: PseudoFamily, mutual: Collection[LanguagePair], stability: FamilyStability | None = None
) -> pd.DataFrame:
    """A row per neighbour, with the reason; with how often resampled sentences take it, where that is known."""
    table = {
        "Rank": [neighbour.rank for neighbour in family.neighbours],
        "Language": [neighbour.pair.label for neighbour in family.neighbours],
        "Traditional family": [neighbour.pair.language.traditional_family for neighbour in family.neighbours],
        "In": [neighbour.member for neighbour in family.neighbours],
        "Mutual": ["⇄" if neighbour.pair in mutual else "" for neighbour in family.neighbours],
        family.measure.label: [neighbour.value for neighbour in family.neighbours],
    }
    if stability is not None:
        shares = stability.shares[stability.pairs.index(family.target)]
        table[RESAMPLED] = [shares[stability.pairs.index(neighbour.pair)] for neighbour in family.neighbours]
    return pd.DataFrame({**table, "Why": [neighbour.reason for neighbour in family.neighbours]})


def differences_table(
    rows: Sequence[tuple[str, Sequence[LanguagePair], Sequence[LanguagePair]]], *, columns: tuple[str, str, str]
) -> pd.DataFrame:
    """A row per two lists of auxiliaries that are held against each other.

    Args:
        rows: What the row is called, a list, and the one it is held against.
        columns: Names of the columns: what is called, those only in the first, those only in the second.
    """
    first, only_here, only_there = columns
    return pd.DataFrame(
        {
            first: [name for name, _, _ in rows],
            "Auxiliaries": [[member.label for member in these] for _, these, _ in rows],
            "Shared": [f"{sum(member in those for member in these)} of {len(these)}" for _, these, those in rows],
            only_here: [[member.label for member in these if member not in those] for _, these, those in rows],
            only_there: [[member.label for member in those if member not in these] for _, these, those in rows],
        }
    )


def pointed_out(table: pd.DataFrame, column: str, looked_up: LanguagePair | None) -> pd.DataFrame | Styler:
    """The table with the rows of the language that the sidebar looks for tinted."""
    return brushing.pointed_out(table, column, [] if looked_up is None else [looked_up.label])


def left_out_words(family: PseudoFamily) -> str:
    """Which neighbours figures leave out; empty where they draw all."""
    n, n_all = n_drawn(family), len(family.neighbours)
    return "" if n == n_all else f" Drawn are the nearest {n} of {n_all} neighbours; **Why** lists all."


@st.cache_data(max_entries=256, show_spinner=False)
def chance_of(measure: Measure, values: bytes, selection: SelectionSpec, _matrix: PairwiseMatrix) -> ChanceSizes:
    """Sizes of families where there is nothing to find; a tenth of a second in a pool of 17, half a second in one of 100."""
    return chance_sizes(_matrix, selection=selection)
