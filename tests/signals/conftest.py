"""Fixtures of the signals' tests."""

from __future__ import annotations

import pytest

from pseudofam_core.estimates import Workspace
from tests.cases import ENGLISH, TURKISH


@pytest.fixture
def tunable(tmp_path, saved_model):
    """A tiny model, and a corpus of four pairs with dev and test: made-up sources, so that some are near."""
    folder, rows = tmp_path / "tunable", list(zip(TURKISH, ENGLISH, strict=True))
    for code, made in (("tr", str), ("az", str.lower), ("de", str.swapcase), ("sv", lambda line: line[::-1])):
        (folder / f"{code}-en").mkdir(parents=True)
        for split, some in (("train", rows[:4]), ("dev", rows[4:6]), ("test", rows[6:])):
            for side, lines in ((code, [made(one) for one, _ in some]), ("en", [one for _, one in some])):
                (folder / f"{code}-en" / f"{split}.{side}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Workspace(model=str(saved_model), corpus=str(folder), parameters="all", shards=2)
