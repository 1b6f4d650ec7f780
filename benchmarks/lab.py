"""The answers of the Lab that ship with the package: ``python -m benchmarks.lab [NAME …] [--corpus DIR --pairs … --as NAME]``.

Runs experiments on the sample, or on another corpus, in the usual cache (finished estimates are found there), prints what
they found and writes it to ``pseudofam_core/lab/kept``. A corpus's texts stay where they are; numbers alone are written.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from pseudofam_core import lab
from pseudofam_core.commands.options import add_workspace, bar, chosen_workspace
from pseudofam_core.lab.running import ship
from pseudofam_core.store.cache import Cache


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [one.name for one in lab.EXPERIMENTS if one.finding is not None]
    parser.add_argument("experiments", nargs="*", default=names, metavar="NAME")
    parser.add_argument("--as", dest="seen_on", default="sample", help="what page and command call what it was seen on")
    parser.add_argument("--others", default="", help="further corpora or models, parted by commas")
    add_workspace(parser)
    options = parser.parse_args()
    others = tuple(filter(None, options.others.split(",")))
    for name in options.experiments:
        one, started = lab.experiment(name), time.monotonic()
        cache = Cache(Path(options.cache))
        plan = lab.planned(one, chosen_workspace(options), cache, others=others)
        with bar(name) as report:
            finding = lab.run(plan, cache, report=report)
        path = ship(one, options.seen_on, finding)
        print("RESULT", json.dumps({"experiment": name, "answer": finding.answer, "seen_on": finding.seen_on}))
        print(f"{path}, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
