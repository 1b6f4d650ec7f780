"""Similarity: the pool's matrix, its tree, and what both have to do with the traditional families."""

from functools import partial

import pandas as pd
import streamlit as st

from pages.components.inputs import current_view, measure_words
from pages.components.states import comparable_or_stop, content_warning, csv_button, matrix_or_stop, partial_note
from pseudofam_core import charts, clustering
from pseudofam_core.results import PairwiseMatrix
from pseudofam_core.tables import matrix_csv

_ORDERS = {"cluster": "Tree", "family": "Traditional family", "name": "Name"}


def order_of(matrix: PairwiseMatrix, by: str, leaves: tuple[int, ...]) -> list[int]:
    """Positions of the pairs in the order asked for."""
    if by == "cluster":
        return list(leaves)
    names = [(pair.language.traditional_family if by == "family" else "", pair.label) for pair in matrix.pairs]
    return sorted(range(len(names)), key=names.__getitem__)


@st.cache_data(max_entries=256, show_spinner=False)
def agreement_of(
    labels: tuple[int, ...], pairs: tuple[str, ...], _matrix: PairwiseMatrix
) -> clustering.FamilyAgreement:
    """The cut against the traditional families; permutations take a moment in a large pool."""
    return clustering.agreement(labels, _matrix.pairs, seed=1)


view = current_view()
st.title("Similarity")
st.markdown("Which languages the model treats alike: yellow cells are pairs that act on the same parameters.")
pool = comparable_or_stop(view.workspace)

n = len(pool.estimates)
n_families = len({pair.language.traditional_family for pair in pool.estimates})
with st.container(horizontal=True, vertical_alignment="bottom"):
    by = st.selectbox("Order", list(_ORDERS), format_func=_ORDERS.__getitem__, key="order", bind="query-params")
    method = st.selectbox(
        "Linkage",
        clustering.LINKAGE_METHODS,
        key="linkage",
        bind="query-params",
        help="How the distance between two clusters is told from those of their members: their average, the largest, or the "
        "smallest; `weighted` lets both sides of an earlier merge count the same.",
    )
    n_clusters = st.slider(
        "Clusters",
        1,
        n,
        min(n_families, n),
        key="clusters",
        bind="query-params",
        help=f"Cuts the tree. The pool has {n_families} traditional families. A cut gives every pair exactly one cluster; a "
        "family, on the page Families, belongs to one target and may overlap others.",
    )
measure = view.measure
st.caption(f"**{measure.label}.** {measure_words(measure)}")
matrix = matrix_or_stop(pool, measure, view.top_fraction)
partial_note(pool)
content_warning(pool)

Z = clustering.linkage(matrix, method=method)
labels = charts.pair_labels(matrix.pairs)
clusters = clustering.cut_by_number(Z, n_clusters)
order = order_of(matrix, by, clustering.leaf_order(Z))
in_tree_order = by == "cluster"
reading = "each row is a target, each column a possible auxiliary, the strip at the left the traditional family."
if in_tree_order:
    reading += (
        f" The tree joins the nearest first; the dotted line cuts it into the {n_clusters} clusters in orange boxes."
    )
st.plotly_chart(
    charts.similarity_figure(
        matrix, order=order, Z=Z if in_tree_order else None, clusters=clusters if in_tree_order else None
    ),
    key="similarity_figure",
    config={"displaylogo": False},
    alt=f"Heatmap of {n} language pairs by {measure.label}. {reading}",
)
st.caption(f"How to read it: {reading} Point at a cell for both directions. The tree takes their mean.")

families, neighbours = st.columns(2)
found = agreement_of(tuple(clusters.tolist()), tuple(map(str, matrix.pairs)), matrix)
with families.container(border=True, height="stretch"):
    st.metric("Cluster agreement", f"{found.adjusted_rand:.2f}", help="Adjusted Rand index of clusters and families.")
    st.caption(
        "With the traditional families: 1 is the same grouping, 0 what chance gives. "
        f"Of families dealt out at random, {found.p_value:.1%} agree at least as well (999 permutations)."
    )
near = clustering.nearest_neighbour_agreement(matrix)
with neighbours.container(border=True, height="stretch"):
    st.metric("Neighbours of one family", f"{near.n_same} of {near.n_eligible}")
    st.caption(
        f"So many pairs have their nearest neighbour in their own traditional family; by chance it would be {near.expected:.1f}. "
        "Only pairs count whose family has another member in the pool."
    )

st.subheader("Clusters")
st.table(
    pd.DataFrame(
        [
            {
                "Cluster": str(cluster + 1),
                "Members": ", ".join(labels[i] for i in clustering.leaf_order(Z) if clusters[i] == cluster),
                "Traditional families": ", ".join(
                    sorted({matrix.pairs[i].language.traditional_family for i in range(n) if clusters[i] == cluster})
                ),
            }
            for cluster in range(n_clusters)
        ]
    ),
    alt=f"Members of the {n_clusters} clusters",
)
csv_button("Matrix as CSV", partial(matrix_csv, matrix), f"similarity-{measure.value}.csv")
