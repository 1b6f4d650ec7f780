"""Multi-parallel text in one file per language (and split), aligned by line over all languages."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from pseudofam_core.corpora.moses import aligned_lines
from pseudofam_core.corpora.reader import (
    SPLIT_WORDS,
    Reader,
    Table,
    code_of,
    files_in,
    language_columns,
    pairs_into,
    split_of,
)
from pseudofam_core.languages import LanguagePair


class LineFilesCorpus(Reader):
    """A folder of ``train.be`` … (or FLORES's ``be.devtest``), or of ``be.txt`` … where there is one split.

    The one split of ``.txt`` files is the one that the folder's name names (``flores101-devtest`` → test), else test.

    Args:
        root: The folder.
        target: `pairs` lists each language into this one.
    """

    layout: ClassVar[str] = "a file per language, aligned by line (train.be, train.en; or be.txt, en.txt for one split)"

    def __init__(self, root: str | Path, *, target: str = "en") -> None:
        """Keep the place; nothing is read."""
        super().__init__(root)
        self.target = target

    def _find_tables(self) -> Sequence[Table]:
        files = sorted(file for path in files_in(self.root) if (file := _split_and_language(path)))
        return [self._table_of(split, group) for split, group in itertools.groupby(files, key=lambda file: file[0])]

    def _table_of(self, split: str, files: Iterable[tuple[str, str, Path]]) -> Table:
        name_of = {language: path.name for _, language, path in files}
        spellings = language_columns(name_of, where=self.root)
        columns = {code: name_of[spelling] for code, spelling in spellings.items()}
        return Table(split, self.root, columns, pairs_into(self.target, columns))

    def _rows(self, table: Table, pair: LanguagePair) -> Iterable[tuple[str | None, str | None]]:
        return aligned_lines(table, pair)


def _split_and_language(path: Path) -> tuple[str, str, Path] | None:
    """Split, language as spelled, and path; None where the name is none of ours."""
    match path.name.split("."):
        case [language, "txt"] if code_of(language):
            return split_of(path), language, path
        case [split, language] if split in SPLIT_WORDS and code_of(language):
            return SPLIT_WORDS[split], language, path
        case [language, split] if split in SPLIT_WORDS and code_of(language):
            return SPLIT_WORDS[split], language, path
    return None
