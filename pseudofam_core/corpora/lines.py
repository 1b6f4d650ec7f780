r"""Lines of text files, read the same way by every reader.

A line ends at ``\n`` and nowhere else: U+2028, U+0085, form feeds and lone ``\r`` stand inside sentences, and
`str.splitlines` would cut there and misalign the two sides. One ``\r`` before the ``\\n`` and a byte
order mark at the start of the file are dropped. A file of ``\r`` that has no ``\n`` before its end has its line ends there,
as old spreadsheets write them.
"""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Iterator
from pathlib import Path

from pseudofam_core.errors import CorpusError

MAX_SENTENCE_CHARACTERS = 100_000


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file one by one, without their ends.

    Raises:
        CorpusError: The file can't be opened, or a line is not UTF-8 (the message gives the byte, from 1, in its line).
    """
    try:
        with path.open("rb") as file:
            first = file.readline().removeprefix(codecs.BOM_UTF8)
            second = file.readline()
            lines = _at_returns(first) if not second else [first, second]
            for number, raw in enumerate(itertools.chain(lines, file), start=1):
                yield _decode(raw, path, number)
    except OSError as error:
        raise CorpusError(f"The file can't be read: {error.strerror}.", path=path) from error


def read_sentences(path: Path) -> list[str]:
    """Read a file of one sentence per line.

    Raises:
        CorpusError: As `read_lines`, or a line is longer than any sentence.
    """
    return [checked_sentence(line, path=path, line=number) for number, line in enumerate(read_lines(path), start=1)]


def checked_sentence(text: str, *, path: Path, line: int) -> str:
    """Return `text`, where it can be a sentence.

    Raises:
        CorpusError: It has more than `MAX_SENTENCE_CHARACTERS`, or holds a lone surrogate (which JSON can spell).
    """
    if len(text) > MAX_SENTENCE_CHARACTERS:
        raise CorpusError(
            f"A sentence has {len(text):,} characters; at most {MAX_SENTENCE_CHARACTERS:,} are read. "
            "Is this one sentence per line, with \\n line ends? Split or remove the line.",
            path=path,
            line=line,
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = f"Character {error.start + 1} of a sentence is a lone surrogate. Remove it."
        raise CorpusError(message, path=path, line=line) from error
    return text


def _at_returns(only: bytes) -> list[bytes]:
    """The lines of a file in which at most its end is a newline."""
    text = only.removesuffix(b"\n").removesuffix(b"\r")
    return text.split(b"\r") if only else []


def _decode(raw: bytes, path: Path, number: int) -> str:
    try:
        return raw.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"Byte {error.start + 1} of the line (0x{raw[error.start]:02x}) is not UTF-8. Convert the file to UTF-8.",
            path=path,
            line=number,
        ) from error
