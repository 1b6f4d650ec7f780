"""The exceptions of the project.

Callers' mistakes (a wrong argument) are `ValueError` or `TypeError`. Failures of the world, which a
correct caller can meet, are drawn here::

    PseudoFamError
    ├── CorpusError             a corpus can't be read: names the file and the line
    ├── ModelError              a model or tokenizer can't be used
    │   └── LanguageNotCovered  the model lacks a language that was asked for
    ├── MalformedValue          values of a file are not what they should be; a ValueError as well
    ├── CacheError              the cache can't be written or read
    │   └── DamagedArtifact     an artifact's bytes are not the ones that were written
    └── JobError                a job can't be started, found or controlled
        └── JobCancelled        the job was asked to stop, and did
"""

from __future__ import annotations

from pathlib import Path

_LONGEST_NAME = 300


class PseudoFamError(Exception):
    """Base of every failure this package reports by itself."""


class CorpusError(PseudoFamError):
    """A corpus can't be read.

    Args:
        message: What is wrong and the way out.
        path: The file at fault.
        line: Its line, counted from 1, where one line is at fault.
    """

    def __init__(self, message: str, *, path: Path | str | None = None, line: int | None = None) -> None:
        """Prefix `message` with ``path:line``."""
        self.path = None if path is None else Path(path)
        self.line = line
        where = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(where + message)


def shortened(name: object) -> str:
    """A name that somebody has given, short enough for a message."""
    text = str(name)
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"


class ModelError(PseudoFamError):
    """A model or its tokenizer can't be used."""


class LanguageNotCovered(ModelError):
    """The model has no code for a language that was asked for."""


class ScoringError(PseudoFamError):
    """Translations can't be scored here."""


class MalformedValue(PseudoFamError, ValueError):
    """Values read from JSON are not what they should be; the message names the field."""


class CacheError(PseudoFamError):
    """The cache can't be read or written."""


class DamagedArtifact(CacheError):
    """The bytes of an artifact are not the ones that were written."""


class JobError(PseudoFamError):
    """A job can't be started, found or controlled."""


class JobCancelled(JobError):
    """The job was asked to stop, and stopped."""
