"""Taking estimates to another machine, and in from one."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from pages.components.loading import Pool
from pages.components.plain import plain
from pages.components.results import cache_root, results
from pseudofam_core.errors import CacheError, PseudoFamError
from pseudofam_core.estimates import fisher_key
from pseudofam_core.exchange.archive import export_estimates, exported_size, import_estimates
from pseudofam_core.jobs.limits import check_allowed, check_room
from pseudofam_core.languages import LanguagePair, pair_labels
from pseudofam_core.places import local, within
from pseudofam_core.store.cache import Artifact

# A download passes through the server's memory; anything larger is written to its disk.
_MOST_DOWNLOADED = 300 * 2**20
_IMPORTED = "imported_words"


def exchange(pool: Pool) -> None:
    """Offer the pool's finished estimates as a zip, and take one in."""
    with st.grid(2, min_column_width=340):
        with st.container():
            _export(pool.estimates)
        with st.container():
            _import(pool)


def _export(estimates: Mapping[LanguagePair, Artifact]) -> None:
    st.markdown("**Export**", help="A folder per estimate with its numbers and a manifest that says how it was made.")
    if not estimates:
        st.caption("Nothing is finished yet.")
        return
    labels = dict(zip(estimates, pair_labels(tuple(estimates)), strict=True))
    chosen = st.multiselect(
        "Pairs to export",
        sorted(estimates, key=labels.__getitem__),
        format_func=lambda pair: labels.get(pair, str(pair)),
        placeholder=f"All that are finished ({len(estimates)})",
        help="Empty: all.",
        key="to_export",
    )
    taken = [estimates[pair] for pair in chosen or estimates]
    size = exported_size(taken)
    words = f"{len(taken)} estimate{'s' if len(taken) > 1 else ''}, {_bytes(size)}"
    if size <= _MOST_DOWNLOADED:
        st.download_button(
            f"Download {words}",
            data=lambda: _zipped(taken),
            file_name="estimates.zip",
            mime="application/zip",
            icon=":material/download:",
            on_click="ignore",
        )
    elif st.button(f"Write {words}, on the server", icon=":material/save:"):
        _write_beside(taken)


def _import(pool: Pool) -> None:
    st.markdown(
        "**Import**",
        help="Sizes, digests, keys and numbers are checked first. What does not fit is refused; what is taken in is "
        "labelled as imported wherever it is used.",
    )
    if words := st.session_state.pop(_IMPORTED, None):
        st.success(words, icon=":material/check:")
    with st.form("import", border=False, clear_on_submit=True):
        uploaded = st.file_uploader(
            "A zip that was exported here or elsewhere",
            type="zip",
            max_upload_size=_MOST_DOWNLOADED // 2**20,
            help="Larger ones: see below.",
        )
        path = st.text_input(
            "Or its path on the server", help="For what is too large to pass through the browser."
        ).strip()
        asked = st.form_submit_button("Import", icon=":material/upload:")
    if not asked:
        return
    if uploaded is None and not path:
        st.caption("Choose a file first, or enter a path.")
        return
    try:
        with st.spinner("Checking every byte …"):
            check_allowed()
            check_room(cache_root(), n_active=0)
            artifacts = import_estimates(uploaded or _named(path), results())
    except PseudoFamError as error:
        st.error(f"**Not imported.** {plain(error)}", icon=":material/error:")
        return
    st.session_state[_IMPORTED] = _imported_words(pool, artifacts)
    st.rerun()  # the whole page has news


def _named(path: str) -> Path:
    """A zip on the server.

    Raises:
        CacheError: There is none, or none that may be read.
    """
    if (local_path := local(path)) is None:
        raise CacheError(f"The zip can't be read: there is no such file{within()}.")
    return local_path


def _imported_words(pool: Pool, artifacts: Sequence[Artifact]) -> str:
    here = {fisher_key(spec) for spec in pool.specs.values()}
    n_here = sum(artifact.key in here for artifact in artifacts)
    words = f"{len(artifacts)} imported, {n_here} of them of this workspace."
    return words if n_here else f"{words} Enter their model, corpus and settings under Workspace to see them."


def _zipped(estimates: Sequence[Artifact]) -> bytes:
    stream = io.BytesIO()
    export_estimates(estimates, stream)
    return stream.getvalue()


def _write_beside(estimates: Sequence[Artifact]) -> None:
    path = cache_root() / "exports" / "estimates.zip"
    try:
        with st.spinner("Writing …"):
            check_allowed()
            check_room(cache_root(), n_active=0)
            path.parent.mkdir(parents=True, exist_ok=True)
            export_estimates(estimates, path)
    except (PseudoFamError, OSError) as error:
        st.error(f"**Not exported.** {plain(error)}", icon=":material/error:")
    else:
        st.success("Too large to pass through the browser: it is on the server.", icon=":material/check:")
        st.code(str(path), language=None)


def _bytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MB" if size < 2**30 else f"{size / 2**30:,.1f} GB"
