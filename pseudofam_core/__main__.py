"""The command line: the same stages as the app, for servers and scripts.

Exit status: 0 done, 1 failed with one line on standard error, 2 wrong usage. Ctrl-C stops between two
batches; the same command goes on from there.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pseudofam_core.cache import Artifact, Cache, default_root, write_atomically
from pseudofam_core.comparisons import compare, similarity_spec
from pseudofam_core.errors import JobCancelled, PseudoFamError
from pseudofam_core.estimates import corpus_of, find_fisher, fisher_spec, pool_of, summarise
from pseudofam_core.languages import LanguagePair, pair
from pseudofam_core.progress import Progress
from pseudofam_core.results import PairwiseMatrix
from pseudofam_core.selection import select_families, select_family
from pseudofam_core.specs import Estimator, Measure, Rule, Scope, SelectionSpec, Workspace
from pseudofam_core.tables import families_csv, matrix_csv, scores_csv


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    try:
        options.run(options)
    except (PseudoFamError, ValueError) as error:
        print(f"pseudofam: {error}", file=sys.stderr)
        return 1
    except Exception as error:  # what nobody foresaw: one line here, all of it in the log
        print(f"pseudofam: {type(error).__name__}: {error} (details: {_logged(options)})", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pseudofam_core", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, add, text in (
        ("estimate", _add_estimate, "estimate the Fisher information of each pair"),
        ("similarity", _add_similarity, "compare the estimated pairs: a matrix as CSV"),
        ("families", _add_families, "pick a pseudo language family per target: CSV"),
        ("score", _add_score, "translate a split of each pair and score it: BLEU and chrF++ as CSV"),
        ("pretrain", _add_pretrain, "make a small M2M100 from a folder of parallel text"),
    ):
        add(commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + "."))
    return parser


def _add_workspace(parser: argparse.ArgumentParser) -> None:
    default = Workspace()
    parser.add_argument("--model", default=default.model, help="sample, a Hugging Face folder or a hub name")
    parser.add_argument("--corpus", default=default.corpus, help="sample, a folder or file, or hf:NAME")
    parser.add_argument("--pairs", type=_pairs, help="like be-en,uk-en; all of the corpus by default")
    parser.add_argument("--split", default=default.split)
    parser.add_argument("--parameters", default=default.parameters, help="ffn, encoder-ffn, …, or a regular expression")
    parser.add_argument("--estimator", type=_choice(Estimator), default=default.estimator)
    parser.add_argument("--max-sentences", type=_count, default=default.max_sentences)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--cache", type=Path, default=default_root(), help="folder of results (default: %(default)s)")


def _add_estimate(parser: argparse.ArgumentParser) -> None:
    _add_workspace(parser)
    parser.add_argument("--batch-tokens", type=_count, default=1024, help="padded tokens of a batch: memory and speed")
    parser.set_defaults(run=_estimate)


def _add_measure(parser: argparse.ArgumentParser) -> None:
    _add_workspace(parser)
    parser.add_argument("--measure", type=_choice(Measure), default=Measure.MSE)
    parser.add_argument("--top-fraction", type=float, default=0.4, help="K of overlap (default: %(default)s)")
    parser.add_argument("--scope", type=_choice(Scope), default=Scope.GROUP, help="where overlap takes its top K")
    parser.add_argument("--out", type=Path, help="file to write (default: standard output)")


def _add_similarity(parser: argparse.ArgumentParser) -> None:
    _add_measure(parser)
    parser.set_defaults(run=_similarity)


def _add_families(parser: argparse.ArgumentParser) -> None:
    _add_measure(parser)
    default = SelectionSpec()
    parser.add_argument("--target", type=_pair, help="one target (default: each pair of the pool)")
    parser.add_argument("--rule", type=_choice(Rule), default=default.rule)
    parser.add_argument("--radius", type=float, help="first radius; for --rule radius, the radius")
    parser.add_argument("--shrink", type=float, default=default.shrink)
    parser.add_argument("--smallest", type=_count, default=default.smallest)
    parser.add_argument("--largest", type=_count, default=default.largest, help="largest family; for nearest, its size")
    parser.set_defaults(run=_families)


def _add_pretrain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", required=True, help="a folder or file, or hf:NAME")
    parser.add_argument("--pairs", type=_pairs, help="like be-en,uk-en; all of the corpus by default")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and its checkpoints")
    parser.add_argument("--steps", type=_count, default=3200, help="updates in all (default: %(default)s)")
    parser.add_argument(
        "--cap", type=_cap, action="append", default=[], metavar="PAIR=N", help="use N sentences of PAIR"
    )
    parser.add_argument("--half", action="store_true", help="save the finished weights in half precision")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=default_root(), help=argparse.SUPPRESS)
    parser.set_defaults(run=_pretrain)


def _add_score(parser: argparse.ArgumentParser) -> None:
    _add_workspace(parser)
    parser.add_argument("--beams", type=_count, default=5)
    parser.add_argument("--out", type=Path, help="file to write (default: standard output)")
    parser.set_defaults(run=_score, split="test", max_sentences=None)


def _estimate(options: argparse.Namespace) -> None:
    from pseudofam_core import pipeline  # opens torch, which the other commands do without

    workspace, cache = _workspace(options), Cache(options.cache)
    pool = pool_of(workspace)
    with _stop_on_interrupt() as should_stop:
        for place, one in enumerate(pool, start=1):
            with _bar(f"{one} ({place} of {len(pool)})") as report:
                artifact = pipeline.compute(
                    fisher_spec(workspace, one),
                    cache,
                    batch_tokens=options.batch_tokens,
                    pool=pool,
                    report=report,
                    should_stop=should_stop,
                )
            done = summarise(artifact)
            print(f"{one}\t{done.n_sentences} sentences\t{done.mean_loss:.3f} nats a token\t{artifact.folder}")


def _similarity(options: argparse.Namespace) -> None:
    _written(matrix_csv(_matrix(options)), options.out)


def _families(options: argparse.Namespace) -> None:
    selection = SelectionSpec(
        rule=options.rule,
        initial_radius=options.radius,
        shrink=options.shrink,
        smallest=min(options.smallest, options.largest),
        largest=options.largest,
    )
    matrix = _matrix(options)
    if options.target is None:
        families = select_families(matrix, selection=selection)
    else:
        families = (select_family(matrix, options.target, selection=selection),)
    _written(families_csv(families), options.out)


def _score(options: argparse.Namespace) -> None:
    from pseudofam_core import evaluation, pipeline  # opens torch

    workspace = _workspace(options)
    model, corpus, scores = pipeline.open_model(workspace), corpus_of(workspace), []
    with _stop_on_interrupt() as should_stop:
        for one in pool_of(workspace):
            bitext = corpus.read(one, workspace.split)
            with _bar(str(one)) as report:
                found = evaluation.translate(model, bitext, beams=options.beams, report=report, should_stop=should_stop)
            scores.append(evaluation.score(bitext, found))
    _written(scores_csv(scores), options.out)


def _pretrain(options: argparse.Namespace) -> None:
    from pseudofam_core.pretraining import PretrainingSpec, pretrain  # opens torch

    workspace = Workspace(corpus=options.corpus, pairs=options.pairs)
    spec = PretrainingSpec(pool_of(workspace), steps=options.steps, caps=dict(options.cap), seed=options.seed)
    print(pretrain(spec, corpus_of(workspace), options.out, half=options.half))


def _matrix(options: argparse.Namespace) -> PairwiseMatrix:
    cache, estimates = Cache(options.cache), _finished(options)
    spec = similarity_spec(estimates, options.measure, top_fraction=options.top_fraction, scope=options.scope)
    return compare(estimates, spec, cache)


def _finished(options: argparse.Namespace) -> Mapping[LanguagePair, Artifact]:
    """The workspace's estimates, all of them."""
    workspace, cache = _workspace(options), Cache(options.cache)
    found = {one: find_fisher(fisher_spec(workspace, one), cache) for one in pool_of(workspace)}
    if missing := [str(one) for one, artifact in found.items() if artifact is None]:
        raise PseudoFamError(
            f"{len(missing)} of {len(found)} pairs are not estimated: {', '.join(missing)}. "
            "Run `estimate` with the same options first, or name the estimated ones with --pairs."
        )
    return {one: artifact for one, artifact in found.items() if artifact is not None}


def _workspace(options: argparse.Namespace) -> Workspace:
    return Workspace(
        model=options.model,
        corpus=options.corpus,
        pairs=options.pairs,
        split=options.split,
        parameters=options.parameters,
        estimator=options.estimator,
        max_sentences=options.max_sentences,
        seed=options.seed,
    )


def _written(text: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(text)
    else:
        write_atomically(out, text)
        print(out)


@contextmanager
def _bar(title: str) -> Iterator[Callable[[Progress], None]]:
    """A progress bar with rate and remaining time on standard error."""
    with tqdm(desc=title, unit=" sentences", leave=False, disable=None) as bar:

        def report(progress: Progress) -> None:
            bar.total, bar.n = progress.total, progress.done
            bar.set_postfix_str(progress.phase, refresh=False)
            bar.refresh()

        yield report


@contextmanager
def _stop_on_interrupt() -> Iterator[Callable[[], bool]]:
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


def _logged(options: argparse.Namespace) -> Path:
    path: Path = options.cache / "logs" / f"{time.strftime('%Y%m%d-%H%M%S')}.log"
    write_atomically(path, traceback.format_exc())
    return path


def _pair(text: str) -> LanguagePair:
    try:
        return pair(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _pairs(text: str) -> tuple[LanguagePair, ...]:
    return tuple(_pair(one) for one in text.split(","))


def _cap(text: str) -> tuple[LanguagePair, int]:
    name, _, n = text.partition("=")
    return _pair(name), _count(n)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1. Got {text!r}.")
    return int(text)


def _choice(kind: type[StrEnum]) -> Callable[[str], Any]:
    def read(text: str) -> StrEnum:
        try:
            return kind(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"must be one of {', '.join(kind)}. Got {text!r}.") from error

    return read


if __name__ == "__main__":
    sys.exit(main())
