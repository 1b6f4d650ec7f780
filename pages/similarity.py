"""Similarity: the pool's matrix, its tree, and what both have to do with the traditional families."""

from functools import partial

import numpy as np
import streamlit as st

from pages.components import view_state
from pages.components.brushing import answer_click, chosen_cell, marked_pairs
from pages.components.figures import plot
from pages.components.inputs import current_view, measure_words
from pages.components.loading import Pool
from pages.components.pool_similarity import end_k_at_zeros, matrix_or_stop, similarity_or_stop
from pages.components.states import absent_note, completeness_note, content_warning, csv_button, visible_or_stop
from pages.views import similarity as views
from pseudofam_core import charts
from pseudofam_core.exchange.tables import matrix_csv
from pseudofam_core.similarity.results import FloatMatrix, PairwiseMatrix
from pseudofam_core.structure import clustering
from pseudofam_core.structure.correlation import p_words

_ORDERS = {
    "tree": "Tree",
    "family": "Traditional family",
    "size": "Corpus size",
    "near": "Nearness to one target",
    "name": "Name",
}
_COLOURS = {charts.Colours.RANKS: "By rank", charts.Colours.VALUES: "By value"}
_FIGURE = "similarity_figure"
_FURTHEST = 1e12


def order_of(pool: Pool, matrix: PairwiseMatrix, by: str, leaves: tuple[int, ...]) -> list[int]:
    """Positions of the pairs in the order asked for."""
    pairs = matrix.pairs
    if by == "tree":
        return list(leaves)
    if by == "near":
        return nearest_first(matrix)
    if by == "size":
        sizes = views.corpus_sizes(pool.workspace)
        return sorted(range(len(pairs)), key=lambda i: (-sizes.get(pairs[i], 0), pairs[i].label))
    names = [(pair.language.traditional_family if by == "family" else "", pair.label) for pair in pairs]
    return sorted(range(len(names)), key=names.__getitem__)


def nearest_first(matrix: PairwiseMatrix) -> list[int]:
    """One target, which is asked for, then its neighbours."""
    by_label = sorted(matrix.pairs, key=lambda pair: pair.label)
    target = st.selectbox(
        "Near to",
        by_label,
        format_func=lambda pair: pair.label,
        help="It comes first, then its neighbours, nearest first.",
        **view_state.choice("near", by_label),
    )
    distances = np.abs(matrix.distances[matrix.pairs.index(target)])
    distances[matrix.pairs.index(target)] = -1
    return [int(i) for i in np.argsort(distances, kind="stable")]


def cut(matrix: PairwiseMatrix, tree: FloatMatrix) -> clustering.Labels:
    """The clusters, by their number or by the distance at which the tree is cut."""
    n = len(matrix.pairs)
    n_families = len({pair.language.traditional_family for pair in matrix.pairs})
    height = st.number_input(
        "Cut at distance",
        0.0,
        _FURTHEST,
        step=float(f"{tree[-1, 2] / 50:.1g}") or 1e-9,
        format="%.3g",
        placeholder="none",
        help="Pairs that the tree joins at this distance or below share a cluster. Empty: the slider decides.",
        **view_state.optional_number("height", float, low=0.0, high=_FURTHEST),
    )
    n_clusters = st.slider(
        "Clusters",
        1,
        n,
        disabled=height is not None,
        help=f"Cuts the tree into so many; a click on one of its joints cuts it there. The pool has {n_families} "
        "traditional families.",
        **view_state.number("clusters", min(n_families, n), low=1, high=n),
    )
    return clustering.cut_by_number(tree, n_clusters) if height is None else clustering.cut_by_height(tree, height)


def clicked(matrix: PairwiseMatrix) -> None:
    """A click on a cell chooses it; one on a leaf or the strip marks a language; one on a joint of the tree cuts there."""
    if (joint := answer_click(_FIGURE, matrix.pairs)) is not None:
        view_state.set_value("height", None)
        view_state.set_value("clusters", str(len(matrix.pairs) - 1 - joint))


def cell_words(matrix: PairwiseMatrix, cell: tuple[int, int] | None) -> str:
    """What the chosen cell says, in a line above the matrix, where whoever clicks looks."""
    if cell is None:
        return "Click a cell, and what it says stands here; every measure of it stands below."
    target, auxiliary = (matrix.pairs[i] for i in cell)
    ranks = charts.neighbour_ranks(matrix)
    (t, a), n = cell, len(matrix.pairs) - 1
    return (
        f"**{target.label} with {auxiliary.label}**: {matrix.measure.label} {matrix.values[t, a]:.4g}, neighbour {ranks[t, a]} of "
        f"{n}; the other way round {matrix.values[a, t]:.4g}, neighbour {ranks[a, t]}. [By every measure](#closer)"
    )


@st.cache_data(max_entries=256, show_spinner=False)
def agreement_of(
    labels: tuple[int, ...], pairs: tuple[str, ...], _matrix: PairwiseMatrix
) -> clustering.FamilyAgreement:
    """The cut against the traditional families; permutations take a moment in a large pool."""
    return clustering.agreement(labels, _matrix.pairs, seed=1)


def agreement_cards(matrix: PairwiseMatrix, clusters: clustering.Labels) -> None:
    """How far clusters and neighbours agree with the traditional families."""
    families, neighbours = st.columns(2)
    agreement = agreement_of(tuple(clusters.tolist()), tuple(map(str, matrix.pairs)), matrix)
    with families.container(border=True, height="stretch"):
        st.metric(
            "Cluster agreement", f"{agreement.adjusted_rand:.2f}", help="Adjusted Rand index of clusters and families."
        )
        st.caption(
            "With the traditional families: 1 is the same grouping, 0 what chance gives. "
            f"Of families dealt out at random a share of {p_words(agreement.p_value, agreement.n_permutations)} agrees at least as "
            f"well ({agreement.n_permutations:,} permutations)."
        )
    near = clustering.nearest_neighbour_agreement(matrix)
    with neighbours.container(border=True, height="stretch"):
        st.metric("Neighbours of one family", f"{near.n_same} of {near.n_eligible}")
        st.caption(
            f"So many pairs have their nearest neighbour in their own traditional family; by chance it would be "
            f"{near.expected:.1f}. Only pairs count whose family has another member in the pool."
        )


view = current_view()
st.title("Similarity")
st.markdown(
    "Which languages the model treats alike: yellow cells are pairs that act on the same parameters. Look for yellow blocks."
)
pool = visible_or_stop(view.workspace)
similarities = similarity_or_stop(pool)
end_k_at_zeros(similarities.curve)
matrix = matrix_or_stop(similarities, view.measure, view.top_fraction)

methods = clustering.linkage_methods(view.measure)
with st.container(horizontal=True, vertical_alignment="bottom"):
    by = st.selectbox(
        "Order",
        list(_ORDERS),
        format_func=_ORDERS.__getitem__,
        help="Of rows and columns. Tree and clusters are drawn in the tree's order only.",
        **view_state.choice("order", list(_ORDERS)),
    )
    method = st.selectbox(
        "Linkage",
        methods,
        help="How the distance between two clusters is told from those of their members: their average, the largest, or the "
        "smallest; `weighted` lets both sides of an earlier merge count the same; `ward` keeps clusters compact, and needs "
        "distances as in space: it is offered for MSE (by its roots) and Hellinger.",
        **view_state.choice("linkage", methods),
    )
    colours = st.selectbox(
        "Colours",
        list(_COLOURS),
        format_func=_COLOURS.__getitem__,
        help="By rank, each colour has as many cells as any other: small differences are seen, and look large. By value, a step "
        "in colour is the same step in the measure everywhere.",
        **view_state.choice("colours", list(_COLOURS), code=lambda colours: colours.value),
    )
    Z = clustering.linkage(matrix, method=method)
    clusters = cut(matrix, Z)
    order = order_of(pool, matrix, by, clustering.leaf_order(Z))
st.caption(f"**{view.measure.label}.** {measure_words(view.measure)}")
completeness_note(pool)
absent_note(pool, "of", "with", "find")
content_warning(pool)

in_tree_order = by == "tree"
spread = {
    charts.Colours.RANKS: "Colours are **ranks**: they show which cells are nearer, not by how much. ",
    charts.Colours.VALUES: "Equal steps in colour are equal steps in the measure. ",
}
reading = "each row is a target, each column a possible auxiliary, the strip at the left the traditional family."
if in_tree_order:
    reading += (
        f" The tree joins the nearest first; the dotted line cuts it into the {int(clusters.max()) + 1} clusters in orange "
        "boxes."
    )
missing = [pair for pair in pool.pairs if pair not in pool.estimates]
if missing:
    reading += " Hatched grey is not estimated yet."
st.markdown(cell_words(matrix, chosen_cell(matrix)))
plot(
    charts.similarity_figure(
        matrix,
        order=order,
        Z=Z if in_tree_order else None,
        clusters=clusters if in_tree_order else None,
        chosen=chosen_cell(matrix),
        looked_up=matrix.pairs.index(view.looked_up) if view.looked_up in matrix.pairs else None,
        missing=missing,
        colours=colours,
    ),
    key=_FIGURE,
    on_select=partial(clicked, matrix),
    selection_mode="points",
    alt=f"Heatmap of {len(matrix.pairs)} language pairs by {view.measure.label}. {reading}",
)
st.caption(
    f"How to read it: {reading} {spread[colours]}Point at a cell for both directions. The tree takes their mean. "
    "A click on a leaf, on the strip, on a point of the map or on a row of the table of languages marks that language in all of "
    "them, and on other pages; another click lets it go."
)

st.subheader("A closer look", anchor="closer")
tabs = ("Two languages", "All measures", "Map", "Clusters", "What it follows")
two, measures, plane, groups, follows = st.tabs(tabs, **view_state.choice("show", tabs, start="default"))
if two.open:
    with two:
        views.pair_card(pool, similarities, matrix, top_fraction=view.top_fraction)
if measures.open:
    with measures:
        views.measures_side_by_side(similarities, order=order, top_fraction=view.top_fraction)
if plane.open:
    with plane:
        views.map_view(matrix, marked=marked_pairs(matrix, view.looked_up))
if groups.open:
    with groups:
        views.cluster_table(matrix, clusters, clustering.leaf_order(Z))
        views.language_table(matrix, clusters, clustering.leaf_order(Z), marked=marked_pairs(matrix, view.looked_up))
if follows.open:
    with follows:
        views.yardstick_view(pool.workspace, similarities, top_fraction=view.top_fraction)

st.subheader("Beside the traditional families")
agreement_cards(matrix, clusters)
csv_button("Matrix as CSV", partial(matrix_csv, matrix), f"similarity-{view.measure.value}.csv")
