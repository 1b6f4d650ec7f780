"""Estimates: which pairs are estimated, the jobs that estimate the others, and what the estimates tell of themselves."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from pages.components.inputs import current_view
from pages.components.job_cards import (
    ESTIMATING,
    active_cards,
    duration,
    job_cards,
    pairs_under_way,
    running_jobs,
    submit,
)
from pages.components.loading import Pool, load_outdated
from pages.components.navigation import SIMILARITY_PAGE, page_link
from pages.components.plain import plain
from pages.components.states import content_warning, pool_or_stop
from pages.views.diagnostics import diagnostics
from pages.views.exchange import exchange
from pages.views.lab import sentences_advice
from pseudofam_core.estimates import FisherSummary, imported_pairs, summarise
from pseudofam_core.estimates.outdated import OutdatedEstimate
from pseudofam_core.languages import LanguagePair, pair_labels

_NUMBER = st.column_config.NumberColumn
_TEXT = st.column_config.TextColumn
_COLUMNS = {
    "Language": _TEXT(pinned=True),
    "Status": _TEXT(
        help="Out of date: made with another model, text or estimator than the present. Run it again. Imported: came in as a file, "
        "not computed here."
    ),
    "Sentences": _NUMBER(help="Sentence pairs read.", format="localized"),
    "Tokens": _NUMBER(help="Tokens of both sides.", format="localized"),
    "Loss per token": _NUMBER(
        help="Mean negative log-likelihood of a target token, in nats: how badly the model translates the pair.",
        format="%.2f",
    ),
    "Seconds": _NUMBER(help="Computing time.", format="%.0f"),
    "Computed (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
    "Seed": _NUMBER(help="Decided which sentences were drawn.", format="%d"),
    "Model": _TEXT(help="First digits of the model's revision: a digest of its files, or the hub's commit."),
    "Key": _TEXT(help="First digits of the key under which the cache holds the estimate."),
}


def status_table(
    pool: Pool, outdated: Mapping[LanguagePair, OutdatedEstimate], looked_up: LanguagePair | None
) -> pd.DataFrame:
    """A row per pair: where it stands, and what is known of its estimate. The one that was looked up comes first."""
    status = dict.fromkeys(pool.pairs, "missing") | dict.fromkeys(outdated, "out of date")
    status |= {pair: state.value for pair, state in pairs_under_way(pool.workspace).items()}
    status |= dict.fromkeys(pool.estimates, "estimated") | dict.fromkeys(imported_pairs(pool.estimates), "imported")
    status |= dict.fromkeys(pool.unreadable, "can't be read")
    artifacts = {pair: estimate.artifact for pair, estimate in outdated.items()} | dict(pool.estimates)
    rows = []
    for pair in pool.pairs:
        row: dict[str, object] = {
            "Language": pair.label,
            "Pair": str(pair),
            "Family": pair.language.traditional_family,
            "Status": status[pair],
        }
        if artifact := artifacts.get(pair):
            summary = summarise(artifact)
            row |= {
                "Sentences": summary.n_sentences,
                "Tokens": summary.n_source_tokens + summary.n_target_tokens,
                "Loss per token": summary.mean_loss,
                "Seconds": summary.seconds,
                "Computed (UTC)": pd.Timestamp(summary.created).tz_localize(None),
                "Seed": summary.workspace.seed,
                "Number format": summary.spec.precision.value,
                "Model": summary.spec.model_revision[:8],
                "Key": summary.key[:8],
            }
        rows.append(row)
    table = pd.DataFrame(rows)
    first = table["Pair"] != str(looked_up)
    return table.assign(first=first).sort_values(["first", "Language"]).drop(columns="first")


def outdated_note(outdated: Mapping[LanguagePair, OutdatedEstimate]) -> None:
    """Say how many estimates are out of date, and why; nothing where none is."""
    if outdated:
        reasons = sorted({words for estimate in outdated.values() for words in estimate.reasons})
        n = "1 estimate is" if len(outdated) == 1 else f"{len(outdated)} estimates are"
        st.warning(
            f"**{n} out of date:** {plain(' and '.join(reasons))}. What was found before is still shown below. Run the "
            "pairs again to compare them.",
            icon=":material/update:",
        )


def run_box(pool: Pool, missing: list[LanguagePair], past: list[FisherSummary]) -> None:
    """Ask which missing pairs to estimate, and start them.

    Args:
        pool: What they are pairs of.
        missing: Those that no job has in hand.
        past: Finished estimates that tell how long one takes.
    """
    labels = dict(zip(missing, pair_labels(missing), strict=True))
    with st.container(border=True):
        chosen = st.multiselect(
            f"Pairs to estimate ({len(pool.estimates)} of {len(pool.pairs)} are done)",
            sorted(missing, key=labels.__getitem__),
            format_func=lambda pair: labels.get(pair, str(pair)),
            placeholder=f"All that are missing ({len(missing)})",
            help="Empty: all that are missing. They run one after another in the background, and go on when you close this page.",
            key="to_estimate",
        )
        asked = chosen or missing
        with st.container(horizontal=True, vertical_alignment="center"):
            run = st.button("Run estimates", type="primary", icon=":material/play_arrow:")
            if past:
                seconds = sum(summary.seconds for summary in past) / len(past)
                st.caption(f"About {duration(seconds * len(asked))} of computing, going by the finished ones.")
    if run:
        submit(pool.workspace, asked, "Starting the worker …")


def _all(n: int) -> str:
    return "the only pair" if n == 1 else f"all {n} pairs"


view = current_view()
st.title("Estimates")
st.markdown(
    "For every language pair the model reads some sentences, and how strongly the pair acts on each parameter is kept: "
    "its *Fisher diagonal*. Similarity and families are made of these. Run what is missing, then see the similarities."
)
pool = pool_or_stop(view.workspace)
content_warning(pool)
outdated = load_outdated(pool)

known = {pair: estimate.artifact for pair, estimate in outdated.items()} | dict(pool.estimates)
under_way = pairs_under_way(pool.workspace)
outdated_note(outdated)
if missing := [pair for pair in pool.missing if pair not in under_way]:
    run_box(pool, missing, [summarise(estimate) for estimate in (pool.estimates or known).values()])
elif not pool.missing:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":green-badge[:material/check: {_all(len(pool.estimates))} estimated]", width="content")
        page_link(SIMILARITY_PAGE, "See the similarities")

active = bool(running_jobs(ESTIMATING))
if active:
    active_cards(ESTIMATING)

st.dataframe(
    status_table(pool, outdated, view.looked_up),
    hide_index=True,
    placeholder="–",
    column_config=_COLUMNS,
    height=min(38 + 35 * len(pool.pairs), 640),
    alt="Pairs of the workspace with their status, counts, loss and time of computing",
)
for pair, reason in pool.unreadable.items():
    st.warning(f"**{pair.label}**: {plain(reason)}", icon=":material/folder_off:")

st.subheader("Diagnostics")
st.caption("Which layers a pair acts on, how few parameters dominate, and whether enough sentences were read.")
if known:
    if not pool.estimates:
        st.caption("Of the estimates that are out of date.")
    diagnostics(pool.estimates or known, view.looked_up)
    sentences_advice(view.workspace)
else:
    st.info("Nothing is estimated yet. Run the estimates above.", icon=":material/hourglass_empty:")

st.subheader("Import and export")
exchange(pool)

st.subheader("Jobs")
if active:
    st.caption("Jobs at work stand at the top of the page. The earlier ones come back here when they are done.")
else:
    job_cards(ESTIMATING)
