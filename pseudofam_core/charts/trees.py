"""A pool's tree as parts of a figure: root left, leaf i at height i."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from scipy.cluster import hierarchy

from pseudofam_core.charts.colours import CHOSEN, LINE, OUTSIDE, Part
from pseudofam_core.languages import LanguagePair
from pseudofam_core.similarity.results import FloatMatrix
from pseudofam_core.structure.clustering import Labels


def tree_traces(Z: FloatMatrix, *, xaxis: str) -> list[Part]:
    """The tree as one line, root left; leaf i stands at height i. And its joints."""
    drawn = hierarchy.dendrogram(Z, no_plot=True)
    # scipy puts leaf i at 5 + 10 i.
    y = np.array(drawn["icoord"]) / 10 - 0.5
    x = np.array(drawn["dcoord"])
    gaps = np.full((len(x), 1), np.nan)
    line = {
        "type": "scatter",
        "xaxis": xaxis,
        "x": np.hstack([x, gaps]).ravel(),
        "y": np.hstack([y, gaps]).ravel(),
        "mode": "lines",
        "line": {"color": LINE, "width": 1.6},
        "showlegend": False,
        "hoverinfo": "skip",
    }
    joints = {
        "type": "scatter",
        "xaxis": xaxis,
        "x": x[:, 1],
        "y": y[:, 1:3].mean(axis=1),  # a merge stands in the middle of its bracket
        "mode": "markers",
        "marker": {"color": LINE, "size": 8},
        "customdata": _merge_rows(Z, x[:, 1])[:, None].tolist(),  # lists, as of cells: a page reads them after a click
        "showlegend": False,
        "hovertemplate": "joined at distance %{x:.4g}; click to cut here<extra></extra>",
    }
    return [line, joints]


def leaf_trace(pairs: Sequence[LanguagePair], *, marked: Collection[LanguagePair], xaxis: str) -> Part:
    """The leaves, which answer to clicks with ``customdata`` [code of the pair].

    Args:
        pairs: From leaf 0 on.
        marked: Those to be pointed out.
        xaxis: The tree's.
    """
    return {
        "type": "scatter",
        "xaxis": xaxis,
        "x": [0] * len(pairs),
        "y": list(range(len(pairs))),
        "mode": "markers",
        "marker": {
            "color": [CHOSEN if pair in marked else LINE for pair in pairs],
            "size": [12 if pair in marked else 6 for pair in pairs],
        },
        "customdata": [[str(pair)] for pair in pairs],
        "text": [pair.label for pair in pairs],
        "showlegend": False,
        "hovertemplate": "<b>%{text}</b>: click to mark it<extra></extra>",
    }


def cut_line(Z: FloatMatrix, n_clusters: int, *, xaxis: str) -> Part:
    """Across the tree, where it falls into so many clusters."""
    heights = np.concatenate([[0], Z[:, 2]])
    below = len(heights) - n_clusters
    above = heights[below + 1] if below + 1 < len(heights) else heights[-1] * 1.05
    height = (heights[below] + above) / 2
    return {
        "type": "line",
        "xref": xaxis,
        "x0": height,
        "x1": height,
        "yref": "y",
        "y0": -0.5,
        "y1": len(heights) - 0.5,
        "line": {"color": OUTSIDE, "dash": "dot", "width": 2},
    }


def _merge_rows(Z: FloatMatrix, drawn_heights: FloatMatrix) -> Labels:
    """Rows of Z in the order in which scipy draws the merges: by height, and among equals in the order drawn."""
    rows = np.empty(len(Z), dtype=np.int64)
    rows[np.argsort(drawn_heights, kind="stable")] = np.argsort(Z[:, 2], kind="stable")
    return rows
