"""How near two languages are in the family tree: the groups of Glottolog that both stand in.

The lineages stand in `lineages.tsv`, beside this file; its header states source and licence.
"""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Mapping
from importlib import resources

from pseudofam_core.languages import Language


def shared_groups(target: Language, auxiliary: Language) -> float:
    """Groups, from the top-level family down, that both languages stand in; a language with itself has one more.

    Glottolog's groups are not evenly spaced: the count tells near from far within a target's row, not between rows.

    Returns:
        0 across families; NaN where the table lacks a language.
    """
    lineages = _lineages()
    if target.iso639_3 not in lineages or auxiliary.iso639_3 not in lineages:
        return math.nan
    if target.iso639_3 == auxiliary.iso639_3:
        return len(lineages[target.iso639_3]) + 1.0
    both = zip(lineages[target.iso639_3], lineages[auxiliary.iso639_3], strict=False)
    apart = (place for place, (ours, theirs) in enumerate(both) if ours != theirs)
    return float(next(apart, min(len(lineages[language.iso639_3]) for language in (target, auxiliary))))


@functools.cache
def _lineages() -> Mapping[str, tuple[str, ...]]:
    text = resources.files(__package__).joinpath("lineages.tsv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {row["iso639_3"]: tuple(row["lineage"].split(" > ")) for row in csv.DictReader(lines, delimiter="\t")}
