"""Do similarities and families hold on another text? The paper's check 2.

Every further corpus that is named is read in the workspace's way, from the workspace's split where it has it, else from another.
Where none is named, the corpus's own other splits are what is held against: other sentences of the same kind.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pseudofam_core.corpora.bitext import SPLITS
from pseudofam_core.corpora.choices import parse_source
from pseudofam_core.estimates import corpus_of, pool_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.lab.agreement import COLUMNS, TOP_FRACTION, agreement, agreement_of_matrices, common, matrix
from pseudofam_core.lab.experiment import Experiment, Material
from pseudofam_core.lab.finding import Chart, Finding, Look
from pseudofam_core.lab.running import seen_on
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.structure.correlation import N_PERMUTATIONS, p_words

MEASURES = (Measure.OVERLAP, Measure.HELLINGER, Measure.KL_NORMALISED, Measure.MSE)
_OWN = "workspace"
_COLUMNS = {
    "text": "Other text",
    "measure": "Measure",
    "pairs": "Pairs that both have",
    "matrix_rho": "Rank correlation of the two matrices, both directions averaged",
    "p": "Its one-sided p by a Mantel test",
    **COLUMNS,
    "own_kinship": "The same on the workspace's text",
}


def arms(workspace: Workspace, others: tuple[str, ...]) -> dict[str, Workspace]:
    """The workspace, and each other text with the pairs that both have.

    Raises:
        ValueError: There is no other text.
        CorpusError: A corpus can't be read.
    """
    pool = set(pool_of(workspace))
    workspaces = {_OWN: workspace}
    if others:
        for corpus in others:
            there = replace(workspace, corpus=corpus, pairs=None)
            workspaces[_name(corpus)] = _shared(replace(there, split=_split(there)), pool)
    else:
        for split in SPLITS:
            if split != workspace.split and any(split in corpus_of(workspace).splits(pair) for pair in pool):
                workspaces[f"{split} split"] = _shared(replace(workspace, split=split, pairs=None), pool)
    if len(workspaces) < 2:
        raise ValueError(
            "There must be another text to compare with. Got a corpus with one split. Name another corpus."
        )
    return workspaces


def finding(material: Material) -> Finding:
    """Agreement of the workspace's similarities and families with those on every other text."""
    of_workspace = material.pools[_OWN]
    rows = []
    for name in [text for text in material.pools if text != _OWN]:
        both = common({_OWN: of_workspace, name: material.pools[name]})
        for measure in MEASURES:
            mine, theirs = (matrix(pool, measure, material.cache) for pool in both.values())
            row: dict[str, Any] = {"text": name, "measure": measure.label, "pairs": len(mine.pairs)}
            row |= agreement_of_matrices(mine, theirs)
            rows.append({**row, "own_kinship": agreement(mine, mine)["kinship"]})
    return Finding(
        answer=_answer(rows),
        seen_on=f"{seen_on(material.workspace, of_workspace)}, against {' and '.join(dict.fromkeys(row['text'] for row in rows))}",
        columns=_COLUMNS,
        rows=tuple(rows),
        chart=Chart(
            Look.BARS,
            x="measure",
            y="rho",
            series="text",
            low="rho_low",
            high="rho_high",
            words="A bar for each measure and text: how far the order of a target's neighbours there agrees with that on the "
            "workspace's.",
        ),
        limits="Two texts differ in kind, length and content at once; which of these moves families, this does not tell.",
        settings={"top_fraction": TOP_FRACTION},
    )


def _answer(rows: list[dict[str, Any]]) -> str:
    told = []
    for row in rows:
        if row["measure"] == MEASURES[0].label:
            p = p_words(row["p"], N_PERMUTATIONS) if row["p"] is not None else "–"
            matrices = "–" if row["matrix_rho"] is None else f"{row['matrix_rho']:.2f}"
            told.append(
                f"on {row['text']} the matrices by {row['measure']} agree with ρ = {matrices} (Mantel p "
                f"{p}), the rows "
                f"with {row['rho']:.2f} ({row['rho_low']:.2f} to {row['rho_high']:.2f} over {row['pairs']} targets), "
                "families share "
                f"{row['shared']:.0%} of their members ({row['shared_low']:.0%} to {row['shared_high']:.0%})"
            )
    words = "; ".join(told)
    return f"{words[0].upper()}{words[1:]}."


def _name(corpus: str) -> str:
    return Path(parse_source(corpus)[0]).name


def _split(workspace: Workspace) -> str:
    """The workspace's split where the corpus has it, else the first that it has."""
    corpus = corpus_of(workspace)
    there = {split for pair in corpus.pairs() for split in corpus.splits(pair)}
    return workspace.split if workspace.split in there else next(split for split in SPLITS if split in there)


def _shared(workspace: Workspace, pool: set[Any]) -> Workspace:
    pairs = tuple(sorted(pool & set(pool_of(workspace))))
    if len(pairs) < 3:
        raise ValueError(f"{workspace.corpus} must have at least 3 pairs of the workspace. Got {len(pairs)}.")
    return replace(workspace, pairs=pairs)


EXPERIMENT = Experiment(
    name="corpora",
    title="Another text",
    question="Do similarities and families hold on another corpus?",
    expected="That the order of neighbours holds in part (ρ above 0.5 where both texts are multi-parallel) and families less. "
    "Families that share no more than a third of their members would refute that they are the languages' rather than the "
    "text's.",
    needs="Another corpus with the same languages, or another split of the same one.",
    arms=arms,
    finding=finding,
    others="corpora",
    seconds=lambda n_pairs: 0.3 * n_pairs,
)
