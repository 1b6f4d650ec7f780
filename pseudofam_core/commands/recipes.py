"""Options that say how a model is trained."""

from __future__ import annotations

import argparse
from dataclasses import replace

from pseudofam_core.commands.options import count
from pseudofam_core.finetuning import DEV_METRICS, PRECISIONS, PRESETS, Budget, Lora, Recipe, TextCut


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """The preset, and what is changed of it; how much text is taken."""
    parser.add_argument("--preset", choices=PRESETS, help="default: small for the sample model, else paper")
    parser.add_argument("--eval-every", type=count, help="updates between evaluations on dev")
    parser.add_argument("--batch-tokens", type=count, help="padded tokens of a batch")
    parser.add_argument("--batches-per-update", type=count, dest="batches", help="gradients accumulated")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--warmup-updates", type=int, help="the learning rate rises so long")
    parser.add_argument("--training-dropout", type=float, help="of hidden states")
    parser.add_argument("--training-attention-dropout", type=float)
    parser.add_argument("--training-label-smoothing", type=float)
    parser.add_argument("--temperature", type=float, help="n^(1/T) weighs a pair of n sentences (default: all alike)")
    parser.add_argument("--dev-metric", choices=DEV_METRICS, help="what chooses the best weights")
    parser.add_argument(
        "--mixed-precision", choices=PRECISIONS, help="of training (default: auto, by what this machine trains in)"
    )
    parser.add_argument("--lora", type=count, metavar="RANK", help="train adapters of this rank (needs peft)")
    parser.add_argument("--target-sentences", type=count, help="train on so many sentences of the target")
    parser.add_argument("--auxiliary-sentences", type=count, help="train on so many sentences of each auxiliary")


def chosen_recipe(options: argparse.Namespace, model: str) -> tuple[Recipe, Budget]:
    """The preset with what the options change, and the budget that goes with it."""
    recipe, budget = PRESETS[options.preset or ("small" if model == "sample" else "paper")]
    names = {name: name for name in ("eval_every", "batch_tokens", "learning_rate", "temperature", "dev_metric")}
    names |= {"accumulation": "batches", "precision": "mixed_precision", "warmup_updates": "warmup_updates"}
    # Estimators have a dropout and a smoothing of their own.
    names |= {name: f"training_{name}" for name in ("dropout", "attention_dropout", "label_smoothing")}
    chosen = {name: getattr(options, option) for name, option in names.items()}
    changes = {name: value for name, value in chosen.items() if value is not None}
    lora = None if options.lora is None else Lora(rank=options.lora, alpha=2 * options.lora)
    return replace(recipe, lora=lora, **changes), budget


def chosen_cut(options: argparse.Namespace) -> TextCut:
    """How much training text is taken."""
    return TextCut(options.target_sentences, options.auxiliary_sentences)
