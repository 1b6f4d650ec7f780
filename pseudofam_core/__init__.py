"""Pseudo language families: auxiliary pairs for a translation model, picked by its own Fisher information.

What a notebook needs, one name a stage; each is imported when it is first asked for, so that `import pseudofam_core`
opens neither torch nor SciPy:

    import pseudofam_core as pf

    estimates = pf.estimate(pf.Workspace())                  # Fisher information of each pair: minutes, kept
    pool = pf.pool_similarity(estimates, cache=pf.Cache(pf.default_root()))
    overlap = pool.matrix(pf.Measure.OVERLAP, 0.4)           # every pair with every other
    families = pf.select_families(overlap, selection=pf.SelectionSpec())
    pf.similarity_figure(overlap)                            # a Plotly figure
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pseudofam_core.charts import gap_figure, map_figure, polar_figure, similarity_figure
    from pseudofam_core.corpora import open_corpus
    from pseudofam_core.estimates import Estimator, Workspace, pool_of
    from pseudofam_core.estimates.computing import estimate
    from pseudofam_core.exchange.tables import families_csv, matrix_csv
    from pseudofam_core.families.results import PseudoFamily
    from pseudofam_core.families.selection import select_families, select_family
    from pseudofam_core.families.spec import Rule, SelectionSpec
    from pseudofam_core.languages import LanguagePair, pair
    from pseudofam_core.similarity.measures import Measure
    from pseudofam_core.similarity.pools import pool_similarity
    from pseudofam_core.similarity.results import PairwiseMatrix
    from pseudofam_core.similarity.spec import Scope
    from pseudofam_core.store.cache import Cache, default_root
    from pseudofam_core.structure.clustering import linkage

__version__ = "0.2.0"
__all__ = [
    "Cache",
    "Estimator",
    "LanguagePair",
    "Measure",
    "PairwiseMatrix",
    "PseudoFamily",
    "Rule",
    "Scope",
    "SelectionSpec",
    "Workspace",
    "__version__",
    "default_root",
    "estimate",
    "families_csv",
    "gap_figure",
    "linkage",
    "map_figure",
    "matrix_csv",
    "open_corpus",
    "pair",
    "polar_figure",
    "pool_of",
    "pool_similarity",
    "select_families",
    "select_family",
    "similarity_figure",
]
_HOMES = {
    "charts": ("gap_figure", "map_figure", "polar_figure", "similarity_figure"),
    "corpora": ("open_corpus",),
    "estimates": ("Estimator", "Workspace", "pool_of"),
    "estimates.computing": ("estimate",),
    "exchange.tables": ("families_csv", "matrix_csv"),
    "families.results": ("PseudoFamily",),
    "families.selection": ("select_families", "select_family"),
    "families.spec": ("Rule", "SelectionSpec"),
    "languages": ("LanguagePair", "pair"),
    "similarity.measures": ("Measure",),
    "similarity.pools": ("pool_similarity",),
    "similarity.results": ("PairwiseMatrix",),
    "similarity.spec": ("Scope",),
    "store.cache": ("Cache", "default_root"),
    "structure.clustering": ("linkage",),
}
_HOME_OF = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
