"""A small world whose pool is compared, and what is known of a target of it. No torch, no model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pseudofam_core import estimates
from pseudofam_core.families.selection import select_family
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.report import Basis, gathered, resampled, why_unknown
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import pool_similarity
from tests.pages.cases_finetuning import with_tests
from tests.pages.conftest import CODES, PAIRS, World
from tests.pages.test_families_page import shards

BE, PAPER = PAIRS[0], SelectionSpec()


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Five estimated pairs with shards; Belarusian has test text."""
    monkeypatch.setenv("PSEUDOFAM_ROOTS", str(tmp_path))
    made = with_tests(World(tmp_path), "be").estimate(*CODES)
    shards(made)
    return made


@pytest.fixture
def material(world):
    """What is known of Belarusian, or of another target, as far as the world has it."""

    def made(target=BE, *, selection=PAPER, measure=Measure.OVERLAP, **basis):
        found = {one: estimates.find_fisher(estimates.fisher_spec(world.workspace, one), world.cache) for one in PAIRS}
        compared = pool_similarity(found, cache=world.cache)
        matrix = compared.matrix(measure, 0.4)
        rests_on = replace(Basis(world.workspace, world.workspace, found, shared_text=1.0), **basis)
        try:
            firm = resampled(found, matrix, selection=selection, together=True)
        except ValueError as error:
            firm = why_unknown(error)
        family = select_family(matrix, target, selection=selection)
        return gathered(rests_on, compared, matrix, family, firm, world.cache, top_fraction=0.4)

    return made
