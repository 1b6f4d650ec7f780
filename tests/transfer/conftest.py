"""The corpus and the tiny model of the tests of fine-tuning, and a matrix to ask of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pseudofam_core.languages import pair
from pseudofam_core.transfer import TransferRequest
from tests.finetuning.conftest import RECIPE, corpus, one_thread, tuning

__all__ = ["corpus", "one_thread", "tuning"]


@pytest.fixture
def matrix_of_three(tuning):
    """Two targets, two auxiliaries of which one is a target."""

    def make(**changes):
        targets, auxiliaries = (pair("tr-en"), pair("az-en")), (pair("az-en"), pair("de-en"))
        return replace(TransferRequest(tuning, targets, auxiliaries, 4, RECIPE, beams=1), **changes)

    return make
