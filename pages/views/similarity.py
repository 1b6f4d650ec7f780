"""What the Similarity page shows below its matrix: one pair of pairs, all measures, the map, and what they follow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from pages.components import view_state
from pages.components.brushing import answer_click, mark, pointed_out
from pages.components.figures import plot
from pages.components.loading import Pool
from pages.components.plain import plain
from pseudofam_core import charts, estimates
from pseudofam_core.errors import CorpusError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.families.selection import paper_family
from pseudofam_core.languages import LanguagePair, pair_labels
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import PoolSimilarity
from pseudofam_core.similarity.results import PairwiseMatrix
from pseudofam_core.structure import clustering, yardsticks
from pseudofam_core.structure.agreement import measure_agreement
from pseudofam_core.structure.correlation import N_PERMUTATIONS, p_words
from pseudofam_core.structure.pool_map import PoolMap, pool_map
from pseudofam_core.structure.uriel import UrielKind, UrielMissing

SHOWN_MEASURES = tuple(measure for measure in Measure if measure.row.is_side_by_side)
_NUMBER = st.column_config.NumberColumn


def all_matrices(similarities: PoolSimilarity, top_fraction: float) -> list[PairwiseMatrix]:
    """The pool by every measure of `SHOWN_MEASURES` that is defined for it."""
    return list(similarities.defined(top_fraction, measures=SHOWN_MEASURES).values())


@st.cache_data(max_entries=32, ttl=600, show_spinner="Counting the corpus …")
def corpus_sizes(workspace: Workspace) -> dict[LanguagePair, int]:
    """Sentences that the corpus has of each pair, whatever number was drawn; pairs that can't be read are left out."""
    corpus, sizes = estimates.corpus_of(workspace), {}
    for pair in estimates.pool_of(workspace):
        try:
            sizes[pair] = len(corpus.read(pair, workspace.split))
        except CorpusError:  # Estimates lists it as unreadable
            continue
    return sizes


def pair_card(pool: Pool, similarities: PoolSimilarity, matrix: PairwiseMatrix, *, top_fraction: float) -> None:
    """Everything known of one target and one auxiliary."""
    by_label = sorted(matrix.pairs, key=lambda pair: pair.label)
    names = dict(zip(matrix.pairs, pair_labels(matrix.pairs), strict=True))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        target = st.selectbox(
            "Target", by_label, format_func=names.__getitem__, placeholder="Choose or click",
            help="The row of the cell: whose neighbours are ranked.",
            **view_state.optional("of", by_label),
        )  # fmt: skip
        auxiliary = st.selectbox(
            "Auxiliary", by_label, format_func=names.__getitem__, placeholder="Choose or click",
            help="The column of the cell: who is held against the others.",
            **view_state.optional("with", by_label),
        )  # fmt: skip
    if target is None or auxiliary is None:
        st.caption("Click a cell of the matrix, or choose two languages, to see them by every measure.")
        return
    if target == auxiliary:
        st.caption("A pair is not its own auxiliary. Choose two different ones.")
        return
    st.dataframe(
        _both_ways(all_matrices(similarities, top_fraction), target, auxiliary),
        hide_index=True,
        column_config={
            "Value": _NUMBER(format="%.4g", help=f"{names[target]} as target."),
            "Rank": _NUMBER(
                help=f"Place of {names[auxiliary]} among the neighbours of {names[target]}; 1 is the nearest."
            ),
            "Other way": _NUMBER(format="%.4g", help=f"{names[auxiliary]} as target."),
            "Its rank": _NUMBER(help=f"Place of {names[target]} among the neighbours of {names[auxiliary]}."),
            "Choice": st.column_config.TextColumn(
                help="Who is in whose family by the paper's rule with its own radius."
            ),
        },
        alt=f"{names[target]} and {names[auxiliary]} by every measure",
    )
    left, right = st.columns(2)
    with left:
        st.markdown("**Shared parameters over every K**")
        plot(
            charts.overlap_curve_figure(similarities.curve, target, auxiliary, top_fraction=top_fraction),
            key="overlap_curve",
            alt=f"Overlap of {names[target]} and {names[auxiliary]} over the top share K",
        )
        st.caption(
            "Of each pair's most important parameters, the share the other has among its own. Dashed: two masks without relation. "
            "Shaded: so many parameters of one of the two are exactly zero, and in no mask."
        )
    with right:
        st.markdown("**Where each one's mass lies**")
        masses = {names[pair]: pool.summaries[pair].layer_mass for pair in (target, auxiliary)}
        plot(
            charts.shared_layers_figure(masses),
            key="shared_layers",
            alt=f"Share of the Fisher mass by layer for {names[target]} and {names[auxiliary]}",
        )


def measures_side_by_side(similarities: PoolSimilarity, *, order: Sequence[int], top_fraction: float) -> None:
    """The pool by every measure, and how far they agree."""
    matrices = all_matrices(similarities, top_fraction)
    plot(
        charts.side_by_side_figure(matrices, order=order),
        key="side_by_side",
        alt="The matrix by " + ", ".join(matrix.measure.label for matrix in matrices),
    )
    if len(matrices[0].pairs) < 3:
        return
    st.caption("How to read it: the pool in the order above, by every measure. Each has its own colours, by rank.")
    agreement = _agreement(similarities.spec.fishers, top_fraction, matrices)
    st.dataframe(
        agreement,
        hide_index=True,
        column_config={
            "Spearman ρ": _NUMBER(format="%.2f", help="Rank correlation over all cells: 1 is the same order."),
            "p": st.column_config.TextColumn(
                help="Mantel test: share of random relabellings of the pool that agree at least as well "
                f"({N_PERMUTATIONS:,} drawn).",
            ),
        },
        alt="Agreement of every two measures",
    )
    labels = ", ".join(measure.label for measure in Measure.CONSENSUS.combined)
    st.caption(
        "Where measures disagree, a family depends on the choice of one: a reason for doubt. The measure **Consensus** in the "
        f"sidebar is the mean rank by {labels}."
    )


def map_view(matrix: PairwiseMatrix, *, marked: Sequence[LanguagePair]) -> None:
    """The pool on a plane; a click marks a language."""
    if len(matrix.pairs) < 3:
        st.caption("A map takes three pairs or more.")
        return
    laid_out = _map(matrix.measure, matrix.values.tobytes(), matrix)
    plot(
        charts.map_figure(laid_out, marked=marked),
        key="pool_map",
        on_select=partial(answer_click, "pool_map", matrix.pairs),
        selection_mode="points",
        alt="The pool on a plane",
    )
    words = "well" if laid_out.stress < 0.1 else "fairly" if laid_out.stress < 0.2 else "poorly"
    st.caption(
        f"Near points are near pairs; the axes mean nothing. Two dimensions show the distances {words} "
        f"(stress {laid_out.stress:.2f}; 0 would be without loss, above 0.2 is poor)."
    )


def cluster_table(matrix: PairwiseMatrix, clusters: clustering.Labels, leaves: Sequence[int]) -> None:
    """Members of each cluster and their traditional families."""
    labels = pair_labels(matrix.pairs)
    rows = []
    for cluster in range(int(clusters.max()) + 1):
        members = [i for i in leaves if clusters[i] == cluster]
        rows.append(
            {
                "Cluster": cluster + 1,
                "Members": [labels[i] for i in members],
                "Traditional families": sorted({matrix.pairs[i].language.traditional_family for i in members}),
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt=f"Members of the {len(rows)} clusters")
    st.caption(
        "A cut puts every pair into exactly one cluster. A family, on the page Families, belongs to one target and may "
        "overlap others."
    )


def language_table(
    matrix: PairwiseMatrix, clusters: clustering.Labels, leaves: Sequence[int], *, marked: Sequence[LanguagePair]
) -> None:
    """A row per language, in the tree's order; a click marks it."""
    labels, ranks = pair_labels(matrix.pairs), charts.neighbour_ranks(matrix)
    table = pd.DataFrame(
        {
            "Language": [labels[i] for i in leaves],
            "Cluster": [int(clusters[i]) + 1 for i in leaves],
            "Traditional family": [matrix.pairs[i].language.traditional_family for i in leaves],
            "Nearest": [labels[ranks[i].tolist().index(1)] for i in leaves],
        }
    )
    key = f"languages-{' '.join(map(str, marked))}"  # made anew with what is marked, its own mark gone

    def clicked() -> None:
        if rows := st.session_state[key].selection.rows:
            mark(str(matrix.pairs[leaves[rows[0]]]))

    told = [labels[matrix.pairs.index(language)] for language in marked]
    st.dataframe(
        pointed_out(table, "Language", told),
        key=key,
        on_select=clicked,
        selection_mode="single-row",
        hide_index=True,
        column_config={"Nearest": st.column_config.TextColumn(help="Its nearest neighbour, as a target.")},
        height=min(38 + 35 * len(table), 700),
        alt="Languages in the order of the tree, with cluster and nearest neighbour",
    )


def yardstick_view(workspace: Workspace, similarities: PoolSimilarity, *, top_fraction: float) -> None:
    """What each measure's distances go along with: kinship, script, amount of text, typology."""
    matrices = all_matrices(similarities, top_fraction)
    pairs = matrices[0].pairs
    sizes = {pair: size for pair, size in corpus_sizes(workspace).items() if pair in pairs}
    known = [yardsticks.genealogical(pairs), yardsticks.script(pairs), yardsticks.corpus_size(pairs, sizes)]
    note = ""
    try:
        known += [
            yardsticks.uriel(pairs, kind) for kind in (UrielKind.GENETIC, UrielKind.SYNTACTIC, UrielKind.PHONOLOGICAL)
        ]
    except UrielMissing as error:
        note = f" {plain(error)}"
    table = _yardsticks(
        similarities.spec.fishers, top_fraction, tuple(yardstick.name for yardstick in known), matrices, known
    )
    st.dataframe(table, hide_index=True, placeholder="–", alt="Rank correlation of each measure with each yardstick")
    st.caption(
        "Does similarity follow the languages, their script, or the data? A measure that goes along with corpus size more than "
        "with genealogy speaks of the data. Numbers are rank correlations of distances: 1 is the same order, 0 none. In "
        f"brackets: how often a random relabelling of the pool does as well (Mantel test, {N_PERMUTATIONS:,} drawn); of twenty "
        f"such tests one is below 0.05 by chance. A dash: the yardstick is the same for all.{note}"
    )


def _both_ways(matrices: Sequence[PairwiseMatrix], target: LanguagePair, auxiliary: LanguagePair) -> pd.DataFrame:
    rows = []
    for matrix in matrices:
        t, a = matrix.pairs.index(target), matrix.pairs.index(auxiliary)
        ranks = charts.neighbour_ranks(matrix)
        rows.append(
            {
                "Measure": matrix.measure.label,
                "Value": matrix.values[t, a],
                "Rank": int(ranks[t, a]),
                "Other way": matrix.values[a, t],
                "Its rank": int(ranks[a, t]),
                "Choice": _choice(matrix, target, auxiliary),
            }
        )
    return pd.DataFrame(rows)


def _choice(matrix: PairwiseMatrix, target: LanguagePair, auxiliary: LanguagePair) -> str:
    there = auxiliary in paper_family(matrix, target)
    back = target in paper_family(matrix, auxiliary)
    if there and back:
        return "mutual"
    if there:
        return f"{target.language.name} chooses {auxiliary.language.name}"
    return f"{auxiliary.language.name} chooses {target.language.name}" if back else "neither"


@st.cache_data(max_entries=64, show_spinner="Comparing the measures …")
def _agreement(fishers: tuple[str, ...], top_fraction: float, _matrices: Sequence[PairwiseMatrix]) -> pd.DataFrame:
    agreement = measure_agreement(_matrices, seed=1)
    rows = [
        {
            "Measures": f"{name} and {other}",
            "Spearman ρ": agreement.spearman[agreement.names.index(name), agreement.names.index(other)],
            "p": None if test.p_value is None else p_words(test.p_value, test.n_permutations),
        }
        for (name, other), test in agreement.mantel.items()
    ]
    return pd.DataFrame(rows)


@st.cache_data(max_entries=64, show_spinner="Laying out the map …")
def _map(measure: Measure, values: bytes, _matrix: PairwiseMatrix) -> PoolMap:
    return pool_map(_matrix)


@st.cache_data(max_entries=32, show_spinner="Holding the measures against the yardsticks …")
def _yardsticks(
    fishers: tuple[str, ...],
    top_fraction: float,
    names: tuple[str, ...],
    _matrices: Sequence[PairwiseMatrix],
    _known: Sequence[yardsticks.Yardstick],
) -> pd.DataFrame:
    correlations = yardsticks.yardstick_correlations(_matrices, _known, seed=1)
    cells = {
        name: {
            correlation.measure: _correlation_words(correlation)
            for correlation in correlations
            if correlation.yardstick == name
        }
        for name in names
    }
    return pd.DataFrame(cells).rename_axis("Measure").reset_index()


def _correlation_words(correlation: yardsticks.YardstickCorrelation) -> str | None:
    if correlation.spearman is None or correlation.p_value is None:
        return None
    return f"{correlation.spearman:.2f} (p {p_words(correlation.p_value, correlation.n_permutations)})"
