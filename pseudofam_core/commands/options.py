"""Options that several commands share, and what they say of the work."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pseudofam_core.commands.estimator import add_estimator, chosen_estimator
from pseudofam_core.corpora.choices import limited_source
from pseudofam_core.errors import JobCancelled, PseudoFamError
from pseudofam_core.estimates import find_fisher, fisher_specs, imported_pairs
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.progress import Progress
from pseudofam_core.similarity.measures import USUAL_MEASURE, Measure
from pseudofam_core.similarity.pools import pool_similarity, similarity, similarity_spec
from pseudofam_core.similarity.results import OverlapCurve, PairwiseMatrix
from pseudofam_core.similarity.spec import Scope
from pseudofam_core.store.cache import Artifact, Cache, default_root, write_atomically

logger = logging.getLogger(__name__)
# What is written to a file or a pipe says so often where it is.
_LINE_EVERY_S = 15


def add_workspace(parser: argparse.ArgumentParser) -> None:
    """Model, corpus, pairs and estimator: what decides a pool's estimates."""
    default = Workspace()
    add_text(parser)
    parser.add_argument("--parameters", default=default.parameters, help="ffn, encoder-ffn, …, or a regular expression")
    parser.add_argument("--seed", type=int, default=default.seed)
    add_estimator(parser)


def add_text(parser: argparse.ArgumentParser) -> None:
    """Model, corpus, pairs and sentences, and where results are."""
    default = Workspace()
    parser.add_argument("--model", default=default.model, help="sample, a Hugging Face folder or a hub name")
    parser.add_argument(
        "--corpus",
        default=default.corpus,
        help="sample, a folder or file, or hf:NAME; what it leaves open is said after it, as in my/corpus#test=devtest,zh=zh-cn",
    )
    parser.add_argument(
        "--only-kept-back",
        nargs="?",
        const=True,
        metavar="MODEL_FOLDER",
        help="train or estimate on text of --corpus alone that a model trained by `pretrain --keep-back` has not read "
        "(default: --model); the same as --corpus CORPUS#kept-back=MODEL_FOLDER",
    )
    parser.add_argument("--pairs", type=pairs_of, help="like be-en,uk-en; all of the corpus by default")
    parser.add_argument("--split", default=default.split)
    parser.add_argument("--max-sentences", type=count, default=default.max_sentences)
    parser.add_argument("--cache", type=Path, default=default_root(), help="folder of results (default: %(default)s)")


def add_measure(parser: argparse.ArgumentParser) -> None:
    """The workspace, and how its estimates are compared."""
    add_workspace(parser)
    parser.add_argument("--measure", type=choice(Measure), default=USUAL_MEASURE, help="(default: %(default)s)")
    parser.add_argument("--top-fraction", type=float, default=0.4, help="K of overlap (default: %(default)s)")
    parser.add_argument("--scope", type=choice(Scope), default=Scope.GROUP, help="where overlap takes its top K")
    parser.add_argument("--out", type=Path, help="file to write (default: standard output)")


def add_families_from(parser: argparse.ArgumentParser) -> None:
    """Where families are told from, where that is not the corpus that is trained on."""
    parser.add_argument(
        "--families-from",
        metavar="CORPUS",
        help="corpus whose estimates tell the families: best one in which all pairs have the same sentences (default: --corpus)",
    )


def chosen_matrix(options: argparse.Namespace) -> PairwiseMatrix:
    """The chosen estimates compared."""
    cache, estimates = Cache(options.cache), finished_estimates(options, chosen_workspace(options))
    if options.measure.combined:
        compared = pool_similarity(estimates, scope=options.scope, cache=cache)
        if options.measure.depends_on_k:
            warn_of_zeros(compared.curve, options.top_fraction)
        return compared.matrix(options.measure, options.top_fraction)
    spec = similarity_spec(estimates, options.measure, top_fraction=options.top_fraction, scope=options.scope)
    matrix = similarity(estimates, spec, cache)
    if options.measure.depends_on_k:
        warn_of_zeros(pool_similarity(estimates, scope=options.scope, cache=cache).curve, options.top_fraction)
    return matrix


def warn_of_zeros(curve: OverlapCurve, top_fraction: float) -> None:
    """Say where K asks for more parameters than differ from zero."""
    if (words := curve.zeros_reached(top_fraction)) is not None:
        logger.warning("--top-fraction %g reaches into zeros. %s", top_fraction, words)


def finished_estimates(options: argparse.Namespace, workspace: Workspace) -> Mapping[LanguagePair, Artifact]:
    """A workspace's estimates, all of them."""
    cache = Cache(options.cache)
    estimates = {pair: find_fisher(spec, cache) for pair, spec in fisher_specs(workspace).items()}
    if missing := [str(pair) for pair, artifact in estimates.items() if artifact is None]:
        raise PseudoFamError(
            f"{len(missing)} of {len(estimates)} pairs are not estimated: {', '.join(missing)}. "
            f"Run `estimate` with the same options and --corpus {workspace.corpus} first, or name the estimated ones with --pairs."
        )
    finished = {pair: artifact for pair, artifact in estimates.items() if artifact is not None}
    if imported := imported_pairs(finished):
        logger.warning("Imported, not computed here: %s.", ", ".join(map(str, imported)))
    return finished


def chosen_workspace(options: argparse.Namespace) -> Workspace:
    """The workspace that the options name."""
    return Workspace(
        model=options.model,
        corpus=chosen_corpus(options),
        pairs=options.pairs,
        split=options.split,
        parameters=options.parameters,
        max_sentences=options.max_sentences,
        seed=options.seed,
        **chosen_estimator(options),
    )


def families_workspace(options: argparse.Namespace) -> Workspace:
    """The workspace whose estimates tell the families."""
    return replace(chosen_workspace(options), corpus=options.families_from or chosen_corpus(options))


def chosen_corpus(options: argparse.Namespace) -> str:
    """The corpus that the options name, limited to what was kept back where they say so."""
    if not options.only_kept_back:
        return str(options.corpus)
    model = options.model if options.only_kept_back is True else options.only_kept_back
    return limited_source(options.corpus, model)


def written(text: str, out: Path | None) -> None:
    """Write to a file and name it, or to standard output."""
    if out is None:
        sys.stdout.write(text)
    else:
        write_atomically(out, text)
        print(out)


@contextmanager
def bar(title: str, *, shown: bool = True, in_parts: bool = False) -> Iterator[Callable[[Progress], None]]:
    """Progress with rate and remaining time on standard error: a bar on a terminal, elsewhere a line now and then.

    Args:
        title: What is at work.
        shown: Whether anything is written at all.
        in_parts: Whether what is reported is one part of the work after another, of which each begins at 0.
    """
    if shown and not sys.stderr.isatty():
        yield _lines(title, "of this part to go" if in_parts else "to go")
        return
    with tqdm(desc=title, leave=False, disable=None if shown else True) as bar:

        def report(progress: Progress) -> None:
            bar.total, bar.n, bar.unit = progress.total, progress.done, f" {progress.unit}"
            bar.set_postfix_str(progress.phase, refresh=False)
            bar.refresh()

        yield report


def _lines(title: str, to_go: str) -> Callable[[Progress], None]:
    """Writes a line where none was written for a while: what is done by then writes none."""
    last = time.monotonic()

    def report(progress: Progress) -> None:
        nonlocal last
        if progress.done >= progress.total or time.monotonic() - last < _LINE_EVERY_S:
            return
        last = time.monotonic()
        left = "" if progress.remaining_s is None else f", about {duration(progress.remaining_s)} {to_go}"
        done = f"{progress.done:,} of {progress.total:,} {progress.unit}"
        print(f"{title}: {progress.phase}, {done}{left}", file=sys.stderr, flush=True)

    return report


def duration(seconds: float) -> str:
    """Seconds or minutes, whole."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a question to answer between two batches; a second one interrupts at once."""
    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: bool(asked)
    except JobCancelled as cancelled:
        raise JobCancelled(f"{cancelled} The same command goes on from there.") from None
    finally:
        signal.signal(signal.SIGINT, before)


def pair_of(text: str) -> LanguagePair:
    """Read a pair, like be-en."""
    try:
        return pair(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def pairs_of(text: str) -> tuple[LanguagePair, ...]:
    """Read pairs, like be-en,uk-en."""
    return tuple(pair_of(name) for name in text.split(","))


def count(text: str) -> int:
    """Read a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1. Got {text!r}.")
    return int(text)


def choice(kind: type[StrEnum]) -> Callable[[str], Any]:
    """A reader of the values of `kind`."""

    def read(text: str) -> StrEnum:
        try:
            return kind(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"must be one of {', '.join(kind)}. Got {text!r}.") from error

    return read
