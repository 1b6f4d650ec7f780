"""Fisher estimates: from a workspace to what is read, the keys it has, and the estimates that are finished.

Nothing here computes or opens torch, so pages may ask at any time; `pseudofam_core.estimates.computing` is the one door
to the engine (`pseudofam_core.estimates.fisher`), for workers and commands.
"""

from pseudofam_core.estimates.lookup import (
    FISHER_FILE,
    SHARDS_FILE,
    find_fisher,
    fisher_key,
    fisher_spec,
    fisher_specs,
    load_sketches,
    spec_of_text,
)
from pseudofam_core.estimates.spec import Estimator, FisherSpec, MiniBatches, Precision, Workspace
from pseudofam_core.estimates.summary import FisherSummary, imported_pairs, summarise
from pseudofam_core.estimates.texts import corpus_of, drawn_text, held_out_of, pool_of, sample_corpus, source_of

__all__ = [
    "FISHER_FILE",
    "SHARDS_FILE",
    "Estimator",
    "FisherSpec",
    "FisherSummary",
    "MiniBatches",
    "Precision",
    "Workspace",
    "corpus_of",
    "drawn_text",
    "find_fisher",
    "fisher_key",
    "fisher_spec",
    "fisher_specs",
    "held_out_of",
    "imported_pairs",
    "load_sketches",
    "pool_of",
    "sample_corpus",
    "source_of",
    "spec_of_text",
    "summarise",
]
