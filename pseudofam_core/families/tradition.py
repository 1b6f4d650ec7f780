"""Pseudo families beside traditional ones."""

from __future__ import annotations

from collections.abc import Sequence

from pseudofam_core.families.results import PseudoFamily


def kin_by_chance(families: Sequence[PseudoFamily]) -> float:
    """Share of all members that would be of their target's traditional family, were they drawn blindly from its neighbours.

    Raises:
        ValueError: No family has a member.
    """
    n_members = sum(len(family.members) for family in families)
    if not n_members:
        raise ValueError("families must have members. Got none. Choose a rule that takes some.")
    return sum(_share_of_kin(family) * len(family.members) for family in families) / n_members


def _share_of_kin(family: PseudoFamily) -> float:
    tradition = family.target.language.traditional_family
    kin = sum(neighbour.pair.language.traditional_family == tradition for neighbour in family.neighbours)
    return kin / len(family.neighbours)
