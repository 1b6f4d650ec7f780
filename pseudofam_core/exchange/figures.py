"""Figures as SVG files without a page: kaleido draws them in a Chrome or Chromium that it finds."""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go

from pseudofam_core.errors import PseudoFamError
from pseudofam_core.store.cache import write_atomically

_WIDTH = 900
_MISSING = (
    "Figures as SVG need kaleido (pip install kaleido==1.5.0) and Chrome or Chromium. Install them, or save the figure on the "
    "page with the camera in its toolbar. {error}"
)


def write_svg(figure: go.Figure, file: Path) -> None:
    """Write a figure, 900 pixels wide and as high as it was laid out, on white.

    Raises:
        PseudoFamError: kaleido or a browser is missing.
        CacheError: The file can't be written.
    """
    drawn = go.Figure(figure).update_layout(template="plotly_white")
    try:
        picture = drawn.to_image("svg", width=_WIDTH, height=figure.layout.height)
    except (ImportError, RuntimeError, ValueError) as error:
        raise PseudoFamError(_MISSING.format(error=str(error).strip().partition("\n")[0])) from error
    write_atomically(file, picture.decode("utf-8"))
