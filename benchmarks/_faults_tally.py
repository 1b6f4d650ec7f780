"""What was tried and what came of it, and a way to end what hangs."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

OUTCOMES = ("lost", "wrong", "hung", "tracebacks")


class Hung(BaseException):
    """It took longer than it may. No `Exception`, lest somebody catch it."""


@dataclass
class Tally:
    """Counts of what was tried, and of what must not happen, the first of each kind in words."""

    counts: Counter[str] = field(default_factory=Counter)
    told: dict[str, str] = field(default_factory=dict)

    def tried(self, what: str) -> None:
        """Count one more kill, mutation, input or write."""
        self.counts[what] += 1

    def fault(self, outcome: str, kind: str, words: object) -> None:
        """Count what must not happen; the first of a kind is printed."""
        self.counts[outcome] += 1
        if kind not in self.told:
            self.told[kind] = str(words)
            print(f"{outcome}: {kind}: {str(words)[:2000]}", flush=True)

    @contextmanager
    def watched(self, kind: str, *expected: type[BaseException], seconds: int = 60) -> Iterator[None]:
        """Whatever is not expected is a traceback; what takes longer than `seconds` has hung."""
        before = signal.signal(signal.SIGALRM, _hang)
        signal.alarm(seconds)
        try:
            yield
        except expected:
            pass
        except Hung:
            self.fault("hung", f"{kind}: hangs", f"more than {seconds} s")
        except (Exception, SystemExit) as error:
            self.fault("tracebacks", f"{kind}: {type(error).__name__}: {str(error)[:80]}", repr(error))
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)


def _hang(*_: object) -> None:
    raise Hung
