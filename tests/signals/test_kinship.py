"""Shared groups by hand, from Glottolog's lineages."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pseudofam_core.languages import language, languages
from pseudofam_core.signals.kinship import shared_groups


@pytest.mark.parametrize(
    ("one", "other", "groups"),
    [
        ("be", "uk", 5),  # Indo-European > Classical Indo-European > Balto-Slavic > Slavic > East Slavic
        ("hr", "sr", 7),
        ("id", "ms", 6),
        ("de", "sv", 4),
        ("be", "de", 2),
        ("be", "tr", 0),
        ("ja", "ko", 0),
        ("zh", "zho_Hant", 7),  # one language in two scripts has a group more than its lineage
    ],
)
def test_groups_in_common(one, other, groups):
    assert shared_groups(language(one), language(other)) == groups
    assert shared_groups(language(other), language(one)) == groups


def test_every_language_of_the_table_has_a_lineage_in_its_family():
    for one in languages().values():
        assert shared_groups(one, one) >= 2, one


def test_a_language_that_is_not_in_the_table_is_not_told():
    assert math.isnan(shared_groups(language("be"), replace(language("uk"), iso639_3="xxx")))
