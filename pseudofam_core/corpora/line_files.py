"""Multi-parallel text in one file per language (and split), aligned by line over all languages."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pseudofam_core.corpora.lines import read_lines
from pseudofam_core.corpora.moses import aligned_lines
from pseudofam_core.corpora.naming import (
    NO_LANGUAGE,
    NO_SPLIT,
    SPLIT_WORDS,
    Columns,
    Skipped,
    code_of,
    language_columns,
    split_of,
)
from pseudofam_core.corpora.reader import Found, Reader, Table, files_in, found_of, pairs_into
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import LanguagePair

VERSES = "vref.txt"
# What stands beside a corpus and is none of its files.
_ABOUT = frozenset({"readme", "license", "licence", "source", "notice", "copying", "changelog", "requirements", "vref"})
_LINES_LOOKED_AT = 50


class LineFilesCorpus(Reader):
    """A folder of ``train.be`` … (or FLORES's ``be.devtest``), or of ``be.txt`` … where there is one split.

    The one split of ``.txt`` files is the one that the folder's name names (``flores101-devtest`` → test), else test.
    Beside Bible translators' ``vref.txt``, ``ukr-nt.txt`` is Ukrainian.
    """

    layout: ClassVar[str] = "a file per language, aligned by line (train.be, train.en; or be.txt, en.txt for one split)"

    def _find(self) -> Found:
        paths = files_in(self.root)
        verses = any(path.name == VERSES for path in paths)
        named = [(path, _named(path, verses=verses)) for path in paths]
        files = sorted(file for _, file in named if isinstance(file, File))
        groups = itertools.groupby(files, key=lambda file: (file.split, file.called))
        skipped = [name for _, name in named if isinstance(name, Skipped)]
        return found_of((self._table_of(*mark, list(group)) for mark, group in groups), skipped if files else ())

    def _table_of(self, split: str, called: str, files: Sequence[File]) -> tuple[Table, Columns]:
        columns = language_columns(
            {file.path.name: file.language for file in files},
            choices=self.choices,
            cells={file.path.name: _first_lines(file.path) for file in files},
            kind="file",
        )
        return Table(split, self.root, columns.of, pairs_into(self.target, columns.of), called, columns.rivals), columns

    def _rows(self, table: Table, pair: LanguagePair) -> Iterable[tuple[str | None, str | None]]:
        return aligned_lines(table, pair)


@dataclass(frozen=True, order=True)
class File:
    """A file of one language: its split, what the split is called in its name, and how its name spells the language."""

    split: str
    called: str
    language: str
    path: Path


def _named(path: Path, *, verses: bool) -> File | Skipped | None:
    """What a file's name says; None where it has nothing of a corpus."""
    match path.name.split("."):
        case [name, "txt"]:
            spelled = name.partition("-")[0] if verses and code_of(name) is None else name
            if code_of(spelled):
                return File(split_of(path), "txt", spelled, path)
            return None if name.lower() in _ABOUT else Skipped("file", path.name, NO_LANGUAGE)
        case [first, other] if first in SPLIT_WORDS or other in SPLIT_WORDS:
            split, name = (first, other) if first in SPLIT_WORDS else (other, first)
            if code_of(name):
                return File(SPLIT_WORDS[split], split, name, path)
            return Skipped("file", path.name, NO_LANGUAGE)
        case [*_, name] if code_of(name):
            return Skipped("file", path.name, NO_SPLIT)
    return None


def _first_lines(path: Path) -> list[str]:
    """Its beginning. A file that can't be read is for `read` to report."""
    try:
        return list(itertools.islice(read_lines(path), _LINES_LOOKED_AT))
    except CorpusError:
        return []
