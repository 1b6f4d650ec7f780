"""Results as Plotly figures. Nothing is computed here that a page would have to trust; nothing knows of Streamlit.

Figures leave background and font to the theme of the page, so that one figure serves light and dark.
"""

from pseudofam_core.charts.colours import family_swatches
from pseudofam_core.charts.families import gap_figure, n_drawn
from pseudofam_core.charts.flow import flow_figure, flow_table
from pseudofam_core.charts.pairs import overlap_curve_figure, shared_layers_figure
from pseudofam_core.charts.polar import polar_figure
from pseudofam_core.charts.pools import map_figure, side_by_side_figure
from pseudofam_core.charts.similarity import Colours, neighbour_ranks, similarity_figure
from pseudofam_core.charts.strips import strip_figure

__all__ = [
    "Colours",
    "family_swatches",
    "flow_figure",
    "flow_table",
    "gap_figure",
    "map_figure",
    "n_drawn",
    "neighbour_ranks",
    "overlap_curve_figure",
    "polar_figure",
    "shared_layers_figure",
    "side_by_side_figure",
    "similarity_figure",
    "strip_figure",
]
