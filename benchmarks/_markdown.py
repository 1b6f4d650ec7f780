"""Tables as documents hold them; pandas' own would need a package more."""

from __future__ import annotations

import pandas as pd


def markdown(table: pd.DataFrame) -> str:
    """A table in Markdown; numbers with three decimals, other cells as they are."""
    rows = [list(table.columns), ["---"] * len(table.columns)]
    rows += [
        [f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in table.to_numpy().tolist()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
