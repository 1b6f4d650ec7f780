"""``estimate``: the Fisher information of each pair."""

from __future__ import annotations

import argparse
import logging

from pseudofam_core.commands.options import add_workspace, bar, chosen_workspace, count, stop_on_interrupt
from pseudofam_core.estimates import FisherSummary, fisher_specs, pool_of, summarise
from pseudofam_core.outcomes.failure_signs import MORE_GRADIENTS
from pseudofam_core.store.cache import Cache

logger = logging.getLogger(__name__)


def _add_estimate(parser: argparse.ArgumentParser) -> None:
    add_workspace(parser)
    parser.add_argument(
        "--batch-tokens", type=count, default=1024, help="padded tokens of a batch: memory and speed, not the result"
    )
    parser.set_defaults(run=_estimate)


def _estimate(options: argparse.Namespace) -> None:
    from pseudofam_core.estimates import computing  # opens torch, which other commands do without

    workspace, cache = chosen_workspace(options), Cache(options.cache)
    pool, specs = pool_of(workspace), fisher_specs(workspace)
    with stop_on_interrupt() as should_stop:
        for place, (pair, spec) in enumerate(specs.items(), start=1):
            with bar(f"{pair} ({place} of {len(pool)})") as report:
                artifact = computing.compute(
                    spec,
                    cache,
                    batch_tokens=options.batch_tokens,
                    pool=pool,
                    report=report,
                    should_stop=should_stop,
                )
            done = summarise(artifact)
            print(f"{pair}\t{_read(done)}\t{done.mean_loss:.3f} nats a token\t{artifact.folder}")
            if done.imported:
                logger.warning("%s: imported on %s, not computed here.", pair, done.created[:10])
            if done.n_gradients == 1:
                logger.warning("%s: F is one squared gradient. %s", pair, MORE_GRADIENTS)


def _read(done: FisherSummary) -> str:
    """Sentences, and where these make up fewer gradients, how many."""
    by_update = f" in {done.n_gradients} update{'s' if done.n_gradients != 1 else ''}"
    return f"{done.n_sentences} sentences{'' if done.n_gradients in (None, done.n_sentences) else by_update}"


COMMANDS = (("estimate", _add_estimate, "estimate the Fisher information of each pair"),)
