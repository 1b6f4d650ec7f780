"""Names and notes that people give to runs, families and views: small artifacts of the cache, verified as all others are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pseudofam_core.errors import CacheError, MalformedValue
from pseudofam_core.store.cache import Artifact, Cache, readable
from pseudofam_core.store.restoring import restored
from pseudofam_core.store.stages import Stage

LONGEST_NAME, LONGEST_WORDS, LONGEST_SUBJECT = 80, 2_000, 8_000
MOST_NOTES = 200
"""Of each kind."""


class Noted(StrEnum):
    """What may have a name and a note, by its subject: a run's key, a family's code, a view's address, a job's id."""

    RUN = "run"
    FAMILY = "family"
    VIEW = "view"
    JOB = "job"


@dataclass(frozen=True)
class Note:
    """A name and words that a person gave to something.

    Attributes:
        kind: What it is of.
        subject: Which one: see `Noted`.
        name: What it shall be called, in one line.
        words: What there is to say of it; may be empty.
        written: When, in seconds since 1970.
    """

    kind: Noted
    subject: str
    name: str
    words: str
    written: float

    def __post_init__(self) -> None:
        """Refuse a name that is none, and what is longer than a note."""
        if not self.name.strip() or len(self.name.splitlines()) > 1:
            raise ValueError(f"name must be a line with a letter in it. Got {self.name[:LONGEST_NAME]!r}.")
        limits = (("subject", LONGEST_SUBJECT), ("name", LONGEST_NAME), ("words", LONGEST_WORDS))
        for part, most in limits:
            if len(getattr(self, part)) > most:
                raise ValueError(f"{part} must have at most {most:,} characters. Got {len(getattr(self, part)):,}.")


def notes_of(cache: Cache, kind: Noted) -> dict[str, Note]:
    """The notes of a kind by their subject, the newest first. Of several of one subject the newest counts."""
    newest_last = sorted((note for _, note in _kept(cache) if note.kind is kind), key=lambda note: note.written)
    by_subject = {note.subject: note for note in newest_last}
    return dict(sorted(by_subject.items(), key=lambda entry: -entry[1].written))


def keep_note(cache: Cache, note: Note) -> None:
    """Keep a note; it takes the place of an earlier one of its subject.

    Raises:
        CacheError: There are `MOST_NOTES` of the kind already, or it can't be written.
    """
    known = notes_of(cache, note.kind)
    if note.subject not in known and len(known) >= MOST_NOTES:
        raise CacheError(f"At most {MOST_NOTES} notes of a {note.kind} are kept. Remove one first.")
    key = Stage.NOTE.key(note)
    cache.store(Stage.NOTE, key, spec=note, summary={}, write=lambda folder: None)
    _remove(cache, note.kind, note.subject, but=key)


def remove_note(cache: Cache, kind: Noted, subject: str) -> None:
    """Forget the note of a subject; nothing where there is none.

    Raises:
        CacheError: It can't be removed.
    """
    _remove(cache, kind, subject)


def _remove(cache: Cache, kind: Noted, subject: str, *, but: str = "") -> None:
    for key, note in _kept(cache):
        if (note.kind, note.subject) == (kind, subject) and key != but:
            cache.remove(Stage.NOTE, key)


def _kept(cache: Cache) -> list[tuple[str, Note]]:
    """All notes with their keys; what is damaged, or not what its key says, is left out and logged."""
    notes = ((key, readable(cache.find(Stage.NOTE, key), _note)) for key in cache.keys(Stage.NOTE))
    return [(key, note) for key, note in notes if note is not None]


def _note(artifact: Artifact) -> Note:
    note = restored(Note, artifact.spec)
    if Stage.NOTE.version_of(artifact.key, note) is None:
        raise MalformedValue(f"The key of note {artifact.key[:8]} is not that of what it says.")
    return note
