"""A target's decision in one place: what is known of its family, put together from what the other rooms found.

Pages show its parts and commands write them as one file; numbers come from the stages, and nothing here opens torch.
"""

from pseudofam_core.report.decision import member_shares_words, odds_words, unchanged_words
from pseudofam_core.report.firmness import (
    N_REPLICATES,
    Firmness,
    firmness_of,
    replicates_of,
    resampled,
    share_draws,
    why_unknown,
)
from pseudofam_core.report.html import STYLE, part_html, quote_html, report_html
from pseudofam_core.report.material import Basis, Material, gathered, mutual_members
from pseudofam_core.report.part import Part, Table
from pseudofam_core.report.summary import Report, report_of

__all__ = [
    "N_REPLICATES",
    "STYLE",
    "Basis",
    "Firmness",
    "Material",
    "Part",
    "Report",
    "Table",
    "firmness_of",
    "gathered",
    "member_shares_words",
    "mutual_members",
    "odds_words",
    "part_html",
    "quote_html",
    "replicates_of",
    "report_html",
    "report_of",
    "resampled",
    "share_draws",
    "unchanged_words",
    "why_unknown",
]
