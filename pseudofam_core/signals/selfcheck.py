"""Known answers: whether a signal tells what nobody doubts, with this model and this text.

A language's other half of text must be nearer than any other language's, and of copies of it, one whose words are all
enciphered (`pseudofam_core.signals.ciphers`) must be farther than one that keeps most of them, and that farther than the other
half itself: so fine-tuning has it. Signals that do not look at text are not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pseudofam_core.corpora import Bitext
from pseudofam_core.errors import CorpusError
from pseudofam_core.estimates import drawn_text, held_out_of, pool_of
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.progress import Report, ShouldStop, never, silent
from pseudofam_core.signals.ciphers import KEPT_WORDS, enciphered
from pseudofam_core.signals.results import FloatMatrix
from pseudofam_core.signals.table import Need, Signal, signals_of


@dataclass(frozen=True)
class Answer:
    """What a signal answers with some number of sentences a half.

    Attributes:
        signal: Its name in the table.
        n_sentences: Sentences of a half.
        pairs: Pairs that have twice as many.
        not_nearest: Those whose other half is not nearer than every other pair's.
        out_of_order: Those of whose copies the enciphered one is not the farthest, or the one that keeps most words not
            farther than the other half.
    """

    signal: str
    n_sentences: int
    pairs: tuple[LanguagePair, ...]
    not_nearest: tuple[LanguagePair, ...]
    out_of_order: tuple[LanguagePair, ...]

    @property
    def is_right(self) -> bool:
        """Whether all of it is as it must be."""
        return not self.not_nearest and not self.out_of_order


def self_check(
    workspace: Workspace,
    *,
    sentences: Sequence[int] = (25, 50, 100, 200),
    signals: Sequence[str] | None = None,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> tuple[Answer, ...]:
    """Ask the signals of a pool what nobody doubts. Nothing is kept: it takes four passes over each number of sentences.

    Args:
        workspace: Model, corpus, pool, parameters and seed.
        sentences: Numbers of sentences of a half. A pair that has fewer than twice as many is left out.
        signals: Names; by default all that look at text.
        report: Receives progress.
        should_stop: Asked after each batch.

    Returns:
        An answer for each signal and number of sentences that at least two pairs have.

    Raises:
        ValueError: An unknown signal, or a number below 2.
        CorpusError: The text can't be read, or no two pairs have enough of it.
        PseudoFamError: As `signal_matrices`.
    """
    if bad := [n for n in sentences if n < 2]:
        raise ValueError(f"sentences must be at least 2 a half. Got {bad[0]}.")
    asked = [
        signal
        for signal in signals_of(None if signals is None else tuple(signals))
        if signal.needs is not Need.LANGUAGES
    ]
    held, whole = held_out_of(workspace), replace(workspace, max_sentences=2 * max(sentences))
    texts = {pair: drawn_text(whole, pair, held=held)[0] for pair in pool_of(workspace)}
    enough = {n: {pair: text for pair, text in texts.items() if len(text) >= 2 * n} for n in sorted(set(sentences))}
    if all(len(some) < 2 for some in enough.values()):
        raise CorpusError(
            f"At least two pairs must have {2 * min(sentences)} sentences. Got "
            f"{', '.join(f'{pair}: {len(text)}' for pair, text in texts.items())}. Ask with fewer sentences."
        )
    from pseudofam_core.signals.between import values_between  # opens torch

    return tuple(
        answer
        for n, some in enough.items()
        if len(some) > 1
        for answer in _answers(n, some, asked, values_between, workspace, report, should_stop)
    )


def fewest_sentences(answers: Sequence[Answer], signal: str) -> int | None:
    """The smallest number of sentences from which on every answer of a signal is right; None where the last is not."""
    numbers = [answer.n_sentences if answer.is_right else None for answer in answers if answer.signal == signal]
    wrong = [place for place, n in enumerate(numbers) if n is None]
    right = numbers[wrong[-1] + 1 :] if wrong else numbers
    return right[0] if right else None


_Between = Callable[..., Mapping[str, FloatMatrix]]


def _answers(
    n: int,
    texts: Mapping[LanguagePair, Bitext],
    signals: Sequence[Signal],
    between: _Between,
    workspace: Workspace,
    report: Report,
    should_stop: ShouldStop,
) -> list[Answer]:
    """Rows are first halves; columns all second halves, then their copies with most words, then their enciphered ones."""
    pairs = tuple(texts)
    halves = [texts[pair].rows(range(n)) for pair in pairs]
    others = [texts[pair].rows(range(n, 2 * n)) for pair in pairs]
    copies = [
        [enciphered(half, seed=workspace.seed, kept_words=share) for half in others] for share in (KEPT_WORDS, 0.0)
    ]
    matrices = between(
        workspace, halves, [*others, *copies[0], *copies[1]], signals, report=report, should_stop=should_stop
    )
    return [_answer(name, n, pairs, values.reshape(len(pairs), 3, len(pairs))) for name, values in matrices.items()]


def _answer(name: str, n: int, pairs: tuple[LanguagePair, ...], values: FloatMatrix) -> Answer:
    """From (pairs, 3, pairs) values of each half with others' halves and their two copies; NaN is no answer, and wrong."""
    itself, kept, changed = (values[:, copy].diagonal() for copy in range(3))
    others = np.where(np.eye(len(pairs), dtype=bool), -np.inf, values[:, 0]).max(axis=1)
    nearest, ordered = itself > others, (itself > kept) & (kept > changed)
    return Answer(
        name,
        n,
        pairs,
        tuple(pair for pair, right in zip(pairs, nearest, strict=True) if not right),
        tuple(pair for pair, right in zip(pairs, ordered, strict=True) if not right),
    )
