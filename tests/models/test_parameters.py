"""Which parameters an expression selects, and expressions that would hold a server up."""

import re
import time

import pytest

from pseudofam_core.models.parameters import PARAMETER_GROUPS, select_parameters

NAMES = [
    f"model.{side}.layers.{i}.{part}.weight"
    for side in ("encoder", "decoder")
    for i in range(12)
    for part in ("fc1", "fc2", "self_attn.k_proj", "layer_norm")
]


@pytest.mark.parametrize(
    "expression", [r"fc1", r"encoder\.layers\.(0|11)\.", r"^model\.decoder.*(?<!norm)\.weight$", r"\bfc[12]\b"]
)
def test_an_expression_selects_what_re_finds(expression):
    assert select_parameters(NAMES, expression) == tuple(one for one in NAMES if re.search(expression, one))


def test_groups_are_what_they_were():
    assert [len(select_parameters(NAMES, group)) for group in PARAMETER_GROUPS] == [48, 24, 24, 24, 96, 96]


@pytest.mark.parametrize("expression", [r"(\w*\.?)*\w*!$", r"(.*a){20}!", r"^((\w|\.)+)+!$"])
def test_an_expression_that_tries_every_way_is_ended(expression):
    start = time.process_time()
    with pytest.raises(ValueError, match="parameters must "):
        select_parameters([name * 20 for name in NAMES], expression)
    assert time.process_time() - start < 10


@pytest.mark.parametrize("expression", ["(", "a" * 501, "(" * 400, "[", "*", "(?P<a>x)(?P<a>"])
def test_an_expression_that_is_none_is_refused(expression):
    with pytest.raises(ValueError, match="parameters must be one of"):
        select_parameters(NAMES, expression)
