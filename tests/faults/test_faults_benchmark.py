"""The short form of `benchmarks.faults`."""

from __future__ import annotations

import random

from benchmarks.faults import counted


def test_no_damage_and_no_input_is_lost_wrong_or_ends_in_a_traceback(tmp_path, capsys):
    counts = counted(tmp_path, 0, 25, 300, random.Random(2))
    bad = {name: counts[name] for name in ("lost", "wrong", "hung", "tracebacks")}
    assert bad == dict.fromkeys(bad, 0), capsys.readouterr().out
    assert (counts["mutations"], counts["inputs"]) == (25, 300)
