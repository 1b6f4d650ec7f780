"""A hostile neighbour and a failing disk: kills, damaged files, absurd inputs, full disks, many sessions.

``python -m benchmarks.faults [--kills 150] [--mutations 1000] [--inputs 10000] [--every-write 1] [--sessions 30] [--minutes 10]``;
a part of size 0 is left out. Parts that ran apart are put together by ``--merge LOG LOG …``: their RESULT lines are added.

- kills: of a command, a worker, the engine and the server in turn, at a random moment; the same request must end with the same
  bytes.
- mutations: one file of a cache, a checkpoint or a job is damaged; all readers must see what was there, or nothing.
- inputs: readers, options, names, imports, configurations, lists and expressions under 3 GiB; a fiftieth are pages' addresses.
- writes: full or closed disks from every `--every-write`-th write of a command on, then with room.
- growth_percent: of the server's memory, from when the sample is estimated and all pages and sessions have been there to the end.
- lost, wrong, hung, tracebacks: what must not happen; the first of each kind is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import _faults_disk, _faults_inputs, _faults_kills, _faults_mutations, _faults_sessions
from benchmarks._faults_tally import OUTCOMES, Tally

_COUNTS = ("kills", *OUTCOMES, "mutations", "inputs", "writes")
_MOST_GROWTH = 5.0  # percent
_ADDRESSES = 50  # a page takes far longer than any other input


def main() -> int:
    """Try all, and print; the exit status says whether it holds."""
    options = _parser().parse_args()
    if options.merge:
        return _ended(merged([_result(log) for log in options.merge]))
    os.environ["HF_HUB_OFFLINE"] = "1"
    tally, growth = Tally(), 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.mutations:
            _faults_mutations.run(_made(folder / "mutations"), options.mutations, tally, seed=options.seed)
        if options.inputs:
            n_addresses = options.inputs // _ADDRESSES
            _faults_inputs.run(_made(folder / "inputs"), options.inputs - n_addresses, tally, seed=options.seed)
            _faults_sessions.addresses(_made(folder / "addresses"), n_addresses, tally, seed=options.seed)
        if options.kills:
            _faults_kills.run(_made(folder / "kills"), options.kills, tally, seed=options.seed)
        if options.sessions:
            growth = _faults_sessions.growth_percent(
                _made(folder / "sessions"), options.sessions, 60 * options.minutes, tally
            )
        if options.every_write:
            _faults_disk.run(_made(folder / "disk"), tally, step=options.every_write)
    return _ended({**{one: tally.counts[one] for one in _COUNTS}, "growth_percent": round(growth, 2)})


def merged(results: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The result of parts that ran apart: counts are added, and of growth the largest is taken."""
    counts = {name: sum(one[name] for one in results) for name in _COUNTS}
    return {**counts, "growth_percent": max(one["growth_percent"] for one in results)}


def _ended(result: Mapping[str, float]) -> int:
    print("RESULT", json.dumps(result))
    return int(result["growth_percent"] > _MOST_GROWTH or any(result[one] for one in OUTCOMES))


def _result(log: Path) -> dict[str, float]:
    (line,) = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("RESULT ")]
    return dict(json.loads(line.removeprefix("RESULT ")))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = {
        "kills": 150,
        "mutations": 1000,
        "inputs": 10_000,
        "every-write": 1,
        "sessions": 30,
        "minutes": 10.0,
        "seed": 1,
    }
    for name, size in sizes.items():
        parser.add_argument(f"--{name}", type=type(size), default=size, help="(default: %(default)s)")
    parser.add_argument(
        "--merge", type=Path, nargs="+", metavar="LOG", help="run nothing: add what these parts came to"
    )
    return parser


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    sys.exit(main())
