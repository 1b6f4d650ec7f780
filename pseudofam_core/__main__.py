"""The command line: the same stages as the app, for servers and scripts.

Exit status: 0 done, 1 failed with one line on standard error, 2 wrong usage. Ctrl-C stops between two
batches; the same command goes on from there.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pseudofam_core.commands import (
    comparing,
    estimates,
    explorer,
    families,
    finetuning,
    foresight,
    jobs,
    lab,
    report,
    signals,
    training,
    transfer,
)
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.jobs.waiting import wait_asleep
from pseudofam_core.models.memory import out_of_memory
from pseudofam_core.store.cache import default_root, write_atomically
from pseudofam_core.store.writing import out_of_disk


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    wait_asleep()
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    try:
        with _each_message_once():
            options.run(options)
    except KeyboardInterrupt:
        print("pseudofam: Stopped. The same command goes on from there.", file=sys.stderr)
        return 1
    except (PseudoFamError, ValueError) as error:
        print(f"pseudofam: {error}", file=sys.stderr)
        return 1
    except Exception as error:  # what nobody foresaw: one line here, all of it in the log
        told = out_of_memory(error) or out_of_disk(error) or f"{type(error).__name__}: {error} ({_logged(options)})"
        print(f"pseudofam: {told}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pseudofam", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for stage in (
        explorer,
        estimates,
        families,
        signals,
        finetuning,
        comparing,
        transfer,
        foresight,
        report,
        lab,
        training,
        jobs,
    ):
        for name, add, text in stage.COMMANDS:
            add(commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + "."))
    return parser


@contextmanager
def _each_message_once() -> Iterator[None]:
    """Every handler tells a message once a command; a caller in the same process gets its handlers back as they were."""
    with ExitStack() as stack:
        for handler in logging.getLogger().handlers:
            once = _once()
            handler.addFilter(once)
            stack.callback(handler.removeFilter, once)
        yield


def _once() -> Callable[[logging.LogRecord], bool]:
    """A filter that lets a message pass once: a corpus is opened anew for each of its pairs."""
    seen: set[str] = set()

    def passes(record: logging.LogRecord) -> bool:
        message = record.getMessage()
        is_new = message not in seen
        seen.add(message)
        return is_new

    return passes


def _logged(options: argparse.Namespace) -> str:
    """Where the details are; a disk that is full or closed must not hide what went wrong first."""
    path: Path = getattr(options, "cache", default_root()) / "logs" / f"{time.strftime('%Y%m%d-%H%M%S')}.log"
    try:
        write_atomically(path, traceback.format_exc())
    except (OSError, UnicodeError) as error:
        return f"no details, because {path} can't be written: {error}"
    return f"details: {path}"


if __name__ == "__main__":
    sys.exit(main())
