"""``estimate``: the Fisher information of each pair."""

from __future__ import annotations

import argparse

from pseudofam_core.commands.options import add_workspace, bar, chosen_workspace, count, stop_on_interrupt
from pseudofam_core.estimates import fisher_specs, pool_of, summarise
from pseudofam_core.store.cache import Cache


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
        for place, (one, spec) in enumerate(specs.items(), start=1):
            with bar(f"{one} ({place} of {len(pool)})") as report:
                artifact = computing.compute(
                    spec,
                    cache,
                    batch_tokens=options.batch_tokens,
                    pool=pool,
                    report=report,
                    should_stop=should_stop,
                )
            done = summarise(artifact)
            print(f"{one}\t{done.n_sentences} sentences\t{done.mean_loss:.3f} nats a token\t{artifact.folder}")


COMMANDS = (("estimate", _add_estimate, "estimate the Fisher information of each pair"),)
