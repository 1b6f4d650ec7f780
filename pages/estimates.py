"""Estimates: which pairs are estimated, and the jobs that estimate the others."""

import pandas as pd
import streamlit as st

from pages.components.inputs import current_view
from pages.components.job_cards import duration, job_cards, pairs_under_way, submit
from pages.components.loading import Pool
from pages.components.states import SIMILARITY_PAGE, content_warning, page_link, pool_or_stop
from pseudofam_core import charts
from pseudofam_core.cache import default_root

_NUMBER = st.column_config.NumberColumn
_COLUMNS = {
    "Sentences": _NUMBER(help="Sentence pairs read.", format="localized"),
    "Tokens": _NUMBER(help="Tokens of both sides.", format="localized"),
    "Loss per token": _NUMBER(
        help="Mean negative log-likelihood of a target token, in nats: how badly the model translates the pair.",
        format="%.2f",
    ),
    "Seconds": _NUMBER(help="Computing time.", format="%.0f"),
    "Computed (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
    "Key": st.column_config.TextColumn(help="First digits of the key under which the cache holds the estimate."),
}


def status_table(pool: Pool) -> pd.DataFrame:
    """A row per pair: where it stands, and what is known of a finished estimate."""
    status = dict.fromkeys(pool.pairs, "missing")
    status |= {pair: state.value for pair, state in pairs_under_way(default_root(), pool.workspace).items()}
    status |= dict.fromkeys(pool.estimates, "estimated") | dict.fromkeys(pool.unreadable, "can't be read")
    summaries = pool.summaries
    rows = []
    for pair in pool.pairs:
        row: dict[str, object] = {
            "Language": pair.label,
            "Pair": str(pair),
            "Family": pair.language.traditional_family,
            "Status": status[pair],
        }
        if one := summaries.get(pair):
            row |= {
                "Sentences": one.n_sentences,
                "Tokens": one.n_source_tokens + one.n_target_tokens,
                "Loss per token": one.mean_loss,
                "Seconds": one.seconds,
                "Computed (UTC)": pd.Timestamp(one.created).tz_localize(None),
                "Key": one.key[:8],
            }
        rows.append(row)
    return pd.DataFrame(rows).sort_values("Language")


view = current_view()
st.title("Estimates")
st.markdown(
    "For every language pair the model reads some sentences, and how strongly the pair acts on each parameter is kept: "
    "its *Fisher diagonal*. Similarity and families are made of these."
)
pool = pool_or_stop(view.workspace)
content_warning(pool)

if pool.missing:
    labels = dict(zip(pool.missing, charts.pair_labels(pool.missing), strict=True))
    with st.container(border=True):
        chosen = st.multiselect(
            f"Pairs to estimate ({len(pool.estimates)} of {len(pool.pairs)} are done)",
            pool.missing,
            default=pool.missing,
            format_func=lambda pair: labels.get(pair, str(pair)),
            key="to_estimate",
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            run = st.button("Run estimates", type="primary", icon=":material/play_arrow:", disabled=not chosen)
            if pool.estimates:
                seconds = sum(one.seconds for one in pool.summaries.values()) / len(pool.estimates)
                st.caption(f"About {duration(seconds * len(chosen))} of computing, going by the finished ones.")
    if run:
        submit(default_root(), view.workspace, chosen, "Starting the worker …")
else:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":green-badge[:material/check: all {len(pool.estimates)} pairs estimated]", width="content")
        page_link(SIMILARITY_PAGE, "See the similarities")

st.dataframe(
    status_table(pool),
    hide_index=True,
    placeholder="–",
    column_config=_COLUMNS,
    height=min(38 + 35 * len(pool.pairs), 700),
    alt="Pairs of the workspace with their status, counts, loss and time of computing",
)
for pair, reason in pool.unreadable.items():
    st.warning(f"**{pair.label}**: {reason}", icon=":material/folder_off:")

st.subheader("Jobs")
job_cards(default_root())
