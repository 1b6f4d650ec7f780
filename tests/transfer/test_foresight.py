"""Signals beside gains, on the tables that ship: what is said, and of whom nothing may be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pseudofam_core.exchange.foresight_table import read_foresight
from pseudofam_core.transfer.foresight import Foresight
from pseudofam_core.transfer.learned import ELSEWHERE, LEARNED

KEPT = Path(__file__).parents[2] / "benchmarks" / "kept"


def kept(name: str) -> Foresight:
    return read_foresight((KEPT / f"{name}.csv").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["fresh", "unseen"])
def test_no_signal_says_anything_of_a_target_as_its_own_auxiliary(name):
    table = kept(name)
    itself = [(i, table.auxiliaries.index(one)) for i, one in enumerate(table.targets) if one in table.auxiliaries]
    assert len(itself) == len(table.targets)
    for signal, values in table.all_signals.items():
        assert np.isnan([values[place] for place in itself]).all(), signal
    assert (
        np.isfinite([table.all_signals[one] for one in (LEARNED, ELSEWHERE)]).sum(axis=(1, 2)).tolist()
        == [table.mean.size - len(itself)] * 2
    )
