"""Made-up references and translations of known quality, for the tests of scores and outcomes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_TEXT = """
a boat the river my old dog sleeps under green tree we saw two small birds near house she reads long letter
every morning they bring bread and warm milk from market nobody knows where key is today
"""
_WORDS = _TEXT.split()


def sentences(n: int, seed: int = 0) -> tuple[str, ...]:
    """Lines of 6 to 12 words."""
    rng = np.random.default_rng(seed)
    return tuple(" ".join(rng.choice(_WORDS, rng.integers(6, 13))).capitalize() + "." for _ in range(n))


def corrupted(lines: Sequence[str], share: float, seed: int) -> tuple[str, ...]:
    """The lines with that share of their words replaced."""
    rng = np.random.default_rng(seed)
    return tuple(
        " ".join(str(rng.choice(_WORDS)) if rng.random() < share else word for word in line.split(" "))
        for line in lines
    )
