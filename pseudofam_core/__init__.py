"""Pseudo language families: auxiliary pairs for a translation model, picked by its own Fisher information.

The stages, in order: open a corpus (`pseudofam_core.corpora`), resolve a workspace to estimates
(`pseudofam_core.estimates`), compute them (`pseudofam_core.estimates.computing`), compare them
(`pseudofam_core.similarity.pools`), pick families (`pseudofam_core.families.selection`).
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["__version__"]
