"""What a report rests on: model, text, estimator, rule, keys, versions, date."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from pseudofam_core import __version__
from pseudofam_core.estimates import summarise
from pseudofam_core.exchange.outcome_tables import provenance
from pseudofam_core.families.selection import compared_decimals
from pseudofam_core.report.material import Material
from pseudofam_core.report.part import Part, Table
from pseudofam_core.report.trained import Trained
from pseudofam_core.similarity.results import measure_name
from pseudofam_core.transfer import TransferMatrix


def provenance_part(material: Material, made: datetime) -> Part:
    """All that is needed to make the report again."""
    rows: dict[str, Any] = {"report made": f"{made:%Y-%m-%d %H:%M} UTC", "by": f"pseudofam {__version__}"}
    rows |= {"target": str(material.target), "measure": measure_name(material.matrix), "rule": _rule(material)}
    rows |= {} if material.family.scope is None else {"scope": material.family.scope}
    rows |= {name: value for name, value in material.family.provenance.items() if name not in rows}
    rows |= _pool(material) | _estimates(material)
    if isinstance(material.trained, Trained):
        rows |= {f"runs: {name}": value for name, value in provenance(material.trained.comparison).items()}
    if isinstance(material.measured, TransferMatrix):
        rows |= _gains(material.measured)
    table = Table(("What", "Value"), tuple((name.replace("_", " "), str(value)) for name, value in rows.items()))
    return Part("provenance", "What it rests on", tuple(_cautions(material)), table=table)


def _rule(material: Material) -> str:
    """The rule as it was applied, with the decimals that were really rounded to."""
    family = material.family
    used = dataclasses.replace(family.selection, decimals=compared_decimals(family.measure, family.selection))
    numbers = {name: value for name, value in dataclasses.asdict(used).items() if name != "rule"}
    told = [f"{name.replace('_', ' ')} {'its own' if value is None else value}" for name, value in numbers.items()]
    return f"{used.rule.value}: {', '.join(told)}"


def _pool(material: Material) -> dict[str, str]:
    basis = material.basis
    rows = {"pool": " ".join(map(str, sorted(basis.estimates)))}
    rows |= {"not estimated": " ".join(map(str, basis.missing))} if basis.missing else {}
    return rows | ({"fine-tuned on": basis.tuned.corpus} if basis.tuned != basis.workspace else {})


def _estimates(material: Material) -> dict[str, str]:
    """Keys of the estimates of the target and its members, with the digest of the text that each read."""
    rows = {}
    for pair in (material.target, *material.family.members):
        summary = summarise(material.basis.estimates[pair])
        rows[f"estimate of {pair}"] = f"{summary.key}, {summary.created[:10]}, text {summary.spec.text_digest}"
    return rows


def _gains(measured: TransferMatrix) -> dict[str, Any]:
    rows = {f"gains: {name}": value for name, value in measured.provenance.items()}
    return {**rows, "gains: runs": f"{len(measured.keys):,}"}


def _cautions(material: Material) -> list[str]:
    basis, told = material.basis, []
    if basis.outdated:
        told.append(f"Out of date: {' and '.join(basis.outdated)}. This is what was found before.")
    if basis.missing:
        n = len(basis.missing) + len(basis.estimates)
        told.append(f"{len(basis.missing)} of {n} pairs of the pool are not estimated, and could not be chosen.")
    if imported := material.family.provenance.get("imported"):
        told.append(f"Imported, not computed here: {imported}.")
    return told
