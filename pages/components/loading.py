"""What pages ask of the cache, remembered for a while: nothing here loads a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from pages.components.results import results
from pseudofam_core import estimates, jobs
from pseudofam_core.corpora import Bitext, shared_targets
from pseudofam_core.errors import CorpusError
from pseudofam_core.estimates import FisherSummary
from pseudofam_core.estimates.outdated import OutdatedEstimate, outdated_estimates
from pseudofam_core.estimates.spec import FisherSpec, Workspace
from pseudofam_core.finetuning import refuse_lacking, tuned_workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.store.cache import Artifact
from pseudofam_core.store.stages import Stage
from pseudofam_core.transfer import TransferMatrix
from pseudofam_core.transfer.arms import Known, gains_of, kept_signs
from pseudofam_core.transfer.kept import kept_matrix


@dataclass(frozen=True)
class Pool:
    """A workspace's pairs, and how far each one is.

    Attributes:
        workspace: What was asked for.
        specs: What each pair's estimate depends on.
        unreadable: Pairs whose text can't be read, with the reason.
        estimates: The finished ones.
        shared_text: How much of their text the pairs share (`shared_targets`); None where that can't be told.
        outdated: What has changed since the estimates were made, in plain words; empty where they are up to date.
    """

    workspace: Workspace
    specs: Mapping[LanguagePair, FisherSpec]
    unreadable: Mapping[LanguagePair, str]
    estimates: Mapping[LanguagePair, Artifact]
    shared_text: float | None = None
    outdated: tuple[str, ...] = ()

    @property
    def pairs(self) -> tuple[LanguagePair, ...]:
        """All of them, sorted."""
        return tuple(sorted({*self.specs, *self.unreadable}))

    @property
    def missing(self) -> tuple[LanguagePair, ...]:
        """Pairs that could be estimated and are not yet."""
        return tuple(pair for pair in self.specs if pair not in self.estimates)

    @property
    def summaries(self) -> dict[LanguagePair, FisherSummary]:
        """What is known of each finished estimate."""
        return {pair: estimates.summarise(artifact) for pair, artifact in self.estimates.items()}


def load_pool(workspace: Workspace) -> Pool:
    """Resolve a workspace and look up what is finished.

    Raises:
        ModelError: There is no such model.
        CorpusError: The corpus can't be opened, or no pair of it can be read.
    """
    specs, unreadable, shared_text = _resolved(workspace)
    cache = results()
    kept = {pair: estimates.find_fisher(spec, cache) for pair, spec in specs.items()}
    finished = {pair: estimate for pair, estimate in kept.items() if estimate is not None}
    return Pool(workspace, specs, unreadable, finished, shared_text)


def load_outdated(pool: Pool) -> dict[LanguagePair, OutdatedEstimate]:
    """Earlier results of the pool's missing pairs, made with another model, text or estimator."""
    if not pool.missing:
        return {}
    earlier = outdated_estimates(jobs.placed(pool.workspace), pool.specs, results())
    return {pair: estimate for pair, estimate in earlier.items() if pair in pool.missing}


def before_the_change(pool: Pool) -> Pool | None:
    """The pool with the estimates of one earlier state of model, text and estimator; None where it had fewer than two.

    Of several such states the one with most pairs is taken: estimates of different states can't be compared.
    """
    states: dict[tuple[object, ...], dict[LanguagePair, OutdatedEstimate]] = {}
    for pair, estimate in load_outdated(pool).items():
        states.setdefault(_state_of(estimate), {})[pair] = estimate
    if not states:
        return None
    fullest = max(states.values(), key=len)
    cache = results()
    verified = {pair: cache.find(Stage.FISHER, estimate.artifact.key) for pair, estimate in fullest.items()}
    whole = {pair: artifact for pair, artifact in verified.items() if artifact is not None}
    reasons = next(iter(fullest.values())).reasons
    return replace(pool, estimates=whole, outdated=reasons) if len(whole) >= 2 else None


def _state_of(estimate: OutdatedEstimate) -> tuple[object, ...]:
    """All that the estimates of two pairs must share to have been made in one state, beside their own texts."""
    shared = replace(estimates.summarise(estimate.artifact).spec, pair=LanguagePair("", ""), text_digest="")
    return estimate.reasons, Stage.FISHER.version_of(estimate.artifact.key, estimate.artifact.spec), shared


@st.cache_data(max_entries=64, ttl=60, show_spinner=False)
def trained_on(estimated: Workspace, corpus: str) -> Workspace:
    """The workspace of the training text.

    Raises:
        CorpusError: It can't be opened, or lacks a pair of the pool.
    """
    tuned = tuned_workspace(estimated, corpus)
    refuse_lacking(tuned)
    return tuned


def known_gains(workspace: Workspace, target: LanguagePair) -> Known:
    """What each auxiliary gained, as far as Transfer has measured it.

    Raises:
        ModelError, CorpusError: Model or text can't be read.
    """
    return gains_of(_kept_matrix(workspace), target)


@st.cache_resource(max_entries=16, ttl=60, show_spinner="Looking up measured gains …")
def _kept_matrix(workspace: Workspace) -> TransferMatrix | None:
    return kept_matrix(workspace, results())


@st.cache_data(max_entries=64, ttl=60, show_spinner="Looking up the signals …")
def known_signs(workspace: Workspace, target: LanguagePair) -> Known:
    """What the signals say that tell help from harm, as far as they are computed.

    Raises:
        ModelError, CorpusError: Model or text can't be read.
    """
    return kept_signs(workspace, target, results())


@st.cache_data(max_entries=64, ttl=60, show_spinner=False)
def corpus_pairs(corpus: str, split: str) -> tuple[LanguagePair, ...]:
    """The pairs that a corpus has in a split.

    Raises:
        CorpusError: The corpus can't be opened, or has none.
    """
    return estimates.pool_of(Workspace(corpus=corpus, split=split))


@st.cache_data(max_entries=64, ttl=60, show_spinner=False)
def corpus_notes(corpus: str) -> tuple[str, ...]:
    """What a corpus holds that is not read, or is read as something else.

    Raises:
        CorpusError: The corpus can't be opened.
    """
    return estimates.corpus_of(Workspace(corpus=corpus)).notes


@st.cache_data(max_entries=64, ttl=60, show_spinner=False)
def corpus_splits(corpus: str) -> tuple[str, ...]:
    """The splits that any pair of a corpus has.

    Raises:
        CorpusError: The corpus can't be opened.
    """
    opened = estimates.corpus_of(Workspace(corpus=corpus))
    return tuple(sorted({split for pair in opened.pairs() for split in opened.splits(pair)}))


@st.cache_data(max_entries=32, ttl=60, show_spinner="Reading model and texts …")
def _resolved(
    workspace: Workspace,
) -> tuple[dict[LanguagePair, FisherSpec], dict[LanguagePair, str], float | None]:
    """Specs of the pairs that can be read, the reason for those that can't, and the text that all share."""
    revision = resolve_model(workspace.model).revision  # what is wrong with the model is not any pair's fault
    held = estimates.held_out_of(workspace)
    texts, specs, unreadable = [], {}, {}
    for pair in estimates.pool_of(workspace):
        try:
            texts.append(estimates.drawn_text(workspace, pair, held=held)[0])
        except CorpusError as error:
            unreadable[pair] = str(error)
        else:
            specs[pair] = estimates.spec_of_text(workspace, texts[-1], revision=revision)
    if unreadable and not specs:
        raise CorpusError(next(iter(unreadable.values())))
    return specs, unreadable, _shared(texts)


def _shared(texts: Sequence[Bitext]) -> float | None:
    try:
        return shared_targets(texts)
    except ValueError:  # one pair alone, or pairs with no side in common
        return None
