"""What all figures have in common on a page."""

from __future__ import annotations

from typing import Any

CONFIG: dict[str, Any] = {"displaylogo": False}


def vector_config(name: str) -> dict[str, Any]:
    """The toolbar of a figure for a paper: it saves as `name`.svg."""
    return {**CONFIG, "toImageButtonOptions": {"format": "svg", "filename": name}}
