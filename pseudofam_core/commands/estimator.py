"""Options that say how the Fisher diagonal is estimated: of `estimate`, and of what looks its results up."""

from __future__ import annotations

import argparse
from typing import Any

from pseudofam_core.estimates.spec import Estimator, MiniBatches, Precision, Workspace
from pseudofam_core.models.machine import AUTO, capability

_PER_BATCH = "per-batch only"


def add_precision(parser: argparse.ArgumentParser) -> None:
    """The number format of weights and activations."""
    parser.add_argument(
        "--precision",
        choices=[AUTO, *map(str, Precision)],
        default=str(Workspace().precision),
        help="of weights and activations: float32, the same on every machine; bfloat16, half the memory; auto, which is "
        "bfloat16 where this machine computes in it (default: %(default)s)",
    )


def add_estimator(parser: argparse.ArgumentParser) -> None:
    """Estimator, number format, shards, and the settings of training batches."""
    default, usual = Workspace(), MiniBatches()
    parser.add_argument(
        "--estimator",
        type=Estimator,
        choices=list(Estimator),
        default=default.estimator,
        help="square the gradient of each sentence, of training batches with dropout and label smoothing as the paper's "
        "scripts do, or of sentences whose target tokens are drawn from the model (default: %(default)s)",
    )
    add_precision(parser)
    parser.add_argument(
        "--shards", type=int, default=default.shards, help="shards of sentences for uncertainty (default: %(default)s)"
    )
    for option, kind, value, text in (
        ("--update-tokens", int, usual.tokens, "padded tokens of a training batch (the paper's script: 4800)"),
        ("--accumulation", int, usual.accumulation, "training batches of an update (the script: 2 × 2 GPUs)"),
        ("--label-smoothing", float, usual.label_smoothing, "share of a target's probability that is spread"),
        ("--dropout", _share, usual.dropout, "share of activations, or config for the model's own"),
        ("--attention-dropout", _share, usual.attention_dropout, "share of attention weights, or config"),
    ):
        parser.add_argument(option, type=kind, default=value, help=f"{text}; {_PER_BATCH} (default: %(default)s)")


def chosen_estimator(options: argparse.Namespace) -> dict[str, Any]:
    """What the options say, as fields of a `Workspace`."""
    settings = MiniBatches(
        tokens=options.update_tokens,
        accumulation=options.accumulation,
        label_smoothing=options.label_smoothing,
        dropout=options.dropout,
        attention_dropout=options.attention_dropout,
    )
    return {
        "estimator": options.estimator,
        "precision": settled_precision(options.precision),
        "shards": options.shards,
        # As a workspace has them by default: then jobs and pages ask for the same.
        "mini_batches": settings if options.estimator is Estimator.PER_BATCH and settings != MiniBatches() else None,
    }


def settled_precision(precision: str) -> Precision:
    """The number format that an option names: `auto` is this machine's."""
    if precision != AUTO:
        return Precision(precision)
    return Precision.BFLOAT16 if capability().training == "bf16" else Precision.FLOAT32


def _share(text: str) -> float | None:
    return None if text == "config" else float(text)
