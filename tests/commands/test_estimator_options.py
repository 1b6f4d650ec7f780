"""Options of the estimator: what is asked for by the machine is settled before it is named."""

from __future__ import annotations

import argparse

import pytest

from pseudofam_core.commands.estimator import add_estimator, chosen_estimator
from pseudofam_core.estimates.spec import Precision, Workspace


def chosen(*words: str) -> Workspace:
    parser = argparse.ArgumentParser()
    add_estimator(parser)
    return Workspace(**chosen_estimator(parser.parse_args(words)))


@pytest.mark.parametrize(("able", "precision"), [(True, Precision.BFLOAT16), (False, Precision.FLOAT32)])
def test_auto_is_what_the_machine_computes_in_and_the_default_is_the_same_everywhere(machine_that, able, precision):
    machine_that(able)
    assert chosen("--precision", "auto").precision is precision
    assert chosen("--precision", "bfloat16").precision is Precision.BFLOAT16
    assert chosen() == Workspace()
    assert chosen().precision is Precision.FLOAT32
