"""``score`` and ``pretrain``: how well a model translates, and how to make a small one."""

from __future__ import annotations

import argparse
from pathlib import Path

from pseudofam_core.commands.estimator import add_precision, settled_precision
from pseudofam_core.commands.options import (
    add_text,
    bar,
    chosen_corpus,
    count,
    pair_of,
    pairs_of,
    stop_on_interrupt,
    written,
)
from pseudofam_core.estimates import corpus_of, pool_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.exchange.tables import scores_csv
from pseudofam_core.finetuning import PRECISIONS
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.decoding import own_settings
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.store.cache import default_root
from pseudofam_core.tasks.translation import TRANSLATION


def _add_pretrain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", required=True, help="a folder or file, or hf:NAME")
    parser.add_argument("--pairs", type=pairs_of, help="like be-en,uk-en; all of the corpus by default")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and its checkpoints")
    parser.add_argument("--steps", type=count, help="updates in all (default: 3200)")
    parser.add_argument(
        "--cap", type=_cap, action="append", default=[], metavar="PAIR=N", help="use N sentences of PAIR"
    )
    parser.add_argument(
        "--keep-back",
        type=float,
        metavar="SHARE",
        help="share of every pair's training text that is never read, in no pair; listed by digest in OUT/kept_back.json",
    )
    parser.add_argument(
        "--vocabulary-pairs", type=pairs_of, help="pairs that the vocabulary covers, uncapped, beyond those trained on"
    )
    parser.add_argument("--vocabulary-size", type=count, help="pieces (default: 10000)")
    parser.add_argument("--d-model", type=count, help="width (default: 256)")
    parser.add_argument("--encoder-layers", type=count, help="(default: 4)")
    parser.add_argument("--decoder-layers", type=count, help="(default: 3)")
    parser.add_argument("--dropout", type=float, help="(default: 0.1)")
    parser.add_argument("--batch-tokens", type=count, help="padded tokens of both sides of a batch (default: 4096)")
    parser.add_argument("--learning-rate", type=float, dest="peak_learning_rate", help="at its peak (default: 0.0015)")
    parser.add_argument("--warmup-steps", type=count, help="the learning rate rises so long (default: 400)")
    parser.add_argument(
        "--aligned-start",
        action="store_true",
        help="begin with similar embeddings of subwords that translate one another",
    )
    parser.add_argument(
        "--mixed-precision", choices=PRECISIONS, dest="precision", help="(default: auto, by the machine)"
    )
    parser.add_argument("--save-every", type=count, default=250, help="updates between checkpoints (default: 250)")
    parser.add_argument("--half", action="store_true", help="save the finished weights in half precision")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=default_root(), help=argparse.SUPPRESS)
    parser.set_defaults(run=_pretrain)


def _add_score(parser: argparse.ArgumentParser) -> None:
    add_text(parser)
    add_precision(parser)
    parser.add_argument("--beams", type=count, default=5)
    parser.add_argument("--out", type=Path, help="file to write (default: standard output)")
    parser.set_defaults(run=_score, split="test", max_sentences=None)


def _score(options: argparse.Namespace) -> None:
    from pseudofam_core.estimates import computing  # opens torch

    workspace = Workspace(
        model=options.model,
        corpus=chosen_corpus(options),
        pairs=options.pairs,
        split=options.split,
        precision=settled_precision(options.precision),
    )
    model, corpus, scores = computing.open_model(workspace), corpus_of(workspace), []
    with stop_on_interrupt() as should_stop:
        for pair in pool_of(workspace):
            whole = corpus.read(pair, workspace.split).complete
            bitext = whole.rows(range(min(options.max_sentences or len(whole), len(whole))))
            with bar(str(pair)) as report:
                translations = TRANSLATION.generate(
                    model,
                    bitext,
                    beams=options.beams,
                    max_length=workspace.max_length,
                    report=report,
                    should_stop=should_stop,
                )
            scores.append(TRANSLATION.score(bitext, translations))
    written(scores_csv(scores, _search(workspace, options.beams)), options.out)


def _search(workspace: Workspace, beams: int) -> dict[str, str]:
    """How the translations were made, for the table."""
    settings = own_settings(resolve_model(workspace.model))
    return {
        "search": f"{TRANSLATION.search}; {beams} beams, at most {workspace.max_length} tokens",
        "held of the model's generation settings": "; ".join(settings.told) or "none",
        "set aside of them": "; ".join(settings.set_aside) or "none",
    }


_PRETRAINING = (
    *("steps", "keep_back", "vocabulary_pairs", "vocabulary_size", "d_model", "encoder_layers", "decoder_layers"),
    *("dropout", "aligned_start", "batch_tokens", "peak_learning_rate", "warmup_steps", "precision"),
)


def _pretrain(options: argparse.Namespace) -> None:
    from pseudofam_core.finetuning.pretraining import PretrainingSpec, pretrain  # opens torch

    workspace = Workspace(corpus=options.corpus, pairs=options.pairs)
    chosen = {name: value for name in _PRETRAINING if (value := getattr(options, name)) is not None}
    spec = PretrainingSpec(pool_of(workspace), caps=dict(options.cap), seed=options.seed, **chosen)
    print(pretrain(spec, corpus_of(workspace), options.out, save_every=options.save_every, half=options.half))


def _cap(text: str) -> tuple[LanguagePair, int]:
    name, _, n = text.partition("=")
    return pair_of(name), count(n)


COMMANDS = (
    ("score", _add_score, f"translate a split of each pair and score it: {TRANSLATION.metric_labels} as CSV"),
    ("pretrain", _add_pretrain, "make a small M2M100 from a folder of parallel text"),
)
