"""A K that reaches into zeros is told on the command line too."""

from __future__ import annotations

import pytest

from pseudofam_core.__main__ import main
from tests.pages.conftest import World


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    """80 of Kazakh's 200 parameters are exactly zero: masks above K = 0.6 could only be filled with them."""
    world = World(tmp_path_factory.mktemp("world")).estimate("be", "uk", "bg", "tr").estimate("kk", n_zeros=80)
    return ["--model", world.workspace.model, "--corpus", world.workspace.corpus, "--cache", str(world.cache.root)]


@pytest.mark.parametrize("command", ["similarity", "families"])
@pytest.mark.parametrize(
    ("measure", "k", "told"),
    [
        ("overlap", "0.7", True),
        ("overlap", "0.6", False),
        ("overlap", "0.6012", True),
        ("jaccard", "0.95", True),
        ("consensus", "0.7", True),
        ("consensus", "0.4", False),
        ("mse", "0.7", False),
    ],
)
def test_a_k_beyond_what_is_not_zero_is_told_in_a_line(options, caplog, command, measure, k, told):
    assert main([command, *options, "--measure", measure, "--top-fraction", k]) == 0
    words = f"--top-fraction {k} reaches into zeros. Only 60.0% of the parameters of Kazakh · kk differ from zero"
    said = caplog.text
    assert (words in said) is told
    assert ("take at most 60.0%." in said) is told
