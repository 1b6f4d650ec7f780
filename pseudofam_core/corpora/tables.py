"""TSV and JSONL files with named columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from pseudofam_core.corpora.lines import checked_sentence, read_lines
from pseudofam_core.corpora.reader import Reader, Table, files_in, language_columns, pairs_into, split_of
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import LanguagePair
from pseudofam_core.languages import pair as parse_pair

SUFFIXES = (".tsv", ".jsonl")


class TableCorpus(Reader):
    """A ``.tsv`` or ``.jsonl`` file, or a folder of them, one per split or per split and pair.

    A file that has the columns `source_column` and `target_column` holds the pair that its name or folder names
    (``be-en.tsv``, ``train.be-en.tsv``, ``be-en/train.tsv``). Any other file holds a column per language, named by
    its code (``id`` is Indonesian). The split is named by the file, else its folder, else it is test.

    TSV has a header and no quoting; an empty cell is an absent sentence. JSONL has an object per line, which may
    nest the columns in ``translation``; null is an absent sentence, and the first line says which columns there are.

    Args:
        root: The file or folder.
        source_column: Column of source sentences.
        target_column: Column of target sentences.
        target: `pairs` lists each language into this one, where columns are named by languages.
    """

    layout: ClassVar[str] = (
        "a .tsv or .jsonl file, or a folder of them, with a column per language code, "
        "or with the columns source and target and a pair in the file's name (train.be-en.tsv)"
    )

    def __init__(
        self,
        root: str | Path,
        *,
        source_column: str = "source",
        target_column: str = "target",
        target: str = "en",
    ) -> None:
        """Keep the place; nothing is read."""
        super().__init__(root)
        self.source_column = source_column
        self.target_column = target_column
        self.target = target

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether `path` is or holds such files. Their columns are looked at when they are asked for."""
        return bool(cls(path)._files())

    def _files(self) -> list[Path]:
        """The file itself, or those of the folder and of the folders in it that are named like a pair."""
        if self.root.is_file():
            return [self.root] if self.root.suffix in SUFFIXES else []
        folders = [self.root, *sorted(path for path in self.root.glob("*-*") if path.is_dir())]
        return [path for folder in folders for path in files_in(folder) if path.suffix in SUFFIXES]

    def _find_tables(self) -> Sequence[Table]:
        return [self._table_of(path, column_names(path)) for path in self._files()]

    def _table_of(self, path: Path, names: Sequence[str]) -> Table:
        if {self.source_column, self.target_column} <= set(names):
            pair = _pair_of(path)
            return Table(
                split=split_of(path),
                path=path,
                columns={pair.source: self.source_column, pair.target: self.target_column},
                pairs=(pair,),
            )
        columns = language_columns(names, where=path)
        if len(columns) < 2:
            raise CorpusError(
                f"Two columns must hold sentences: {self.source_column!r} and {self.target_column!r}, or two named by "
                f"language codes. The columns are {', '.join(names)}. Name them with source_column and target_column.",
                path=path,
                line=1,
            )
        return Table(split_of(path), path, columns, pairs_into(self.target, columns))

    def _rows(self, table: Table, pair: LanguagePair) -> Iterable[tuple[str | None, str | None]]:
        read = tsv_rows if table.path.suffix == ".tsv" else _jsonl_rows
        return read(table.path, table.columns[pair.source], table.columns[pair.target])


def column_names(path: Path) -> list[str]:
    """Names of the columns of a TSV or JSONL file, from its first line.

    Raises:
        CorpusError: The file is empty or damaged there.
    """
    for line in read_lines(path):
        return line.split("\t") if path.suffix == ".tsv" else list(json_object(line, path, 1))
    raise CorpusError("The file is empty: its first line should name the columns.", path=path)


def _pair_of(path: Path) -> LanguagePair:
    for name in (*path.name.split("."), path.resolve().parent.name):
        try:
            return parse_pair(name)
        except ValueError:
            continue
    raise CorpusError(
        "The columns are named source and target, but neither the file's name nor its folder's says the languages. "
        "Rename it like train.be-en.tsv, or name the columns by language codes.",
        path=path,
    )


def tsv_rows(path: Path, source: str, target: str) -> Iterator[tuple[str | None, str | None]]:
    """Two columns of each row of a TSV file; None for an empty cell."""
    lines = read_lines(path)
    header = next(lines).split("\t")
    at = header.index(source), header.index(target)
    for number, line in enumerate(lines, start=2):
        cells = line.split("\t")
        if len(cells) != len(header):
            message = f"Each row must have the header's {len(header)} columns. This one has {len(cells)}."
            raise CorpusError(message, path=path, line=number)
        one, other = (checked_sentence(cells[i], path=path, line=number) or None for i in at)
        yield one, other


def _jsonl_rows(path: Path, source: str, target: str) -> Iterator[tuple[str | None, str | None]]:
    for number, line in enumerate(read_lines(path), start=1):
        row = json_object(line, path, number)
        yield json_cell(row, source, path, number), json_cell(row, target, path, number)


def json_object(line: str, path: Path, number: int) -> Mapping[str, object]:
    """A line of a JSONL file, or what it nests in ``translation``."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"Each line must be a JSON object: {error}.", path=path, line=number) from error
    if isinstance(row, dict) and isinstance(row.get("translation"), dict):
        row = row["translation"]
    if not isinstance(row, dict):
        message = f"Each line must be a JSON object. This one is a {type(row).__name__}."
        raise CorpusError(message, path=path, line=number)
    return row


def json_cell(row: Mapping[str, object], column: str, path: Path, number: int) -> str | None:
    """The sentence in a column; None for null."""
    if column not in row:
        message = f"The row has no column {column!r}. Its columns are {', '.join(row)}."
        raise CorpusError(message, path=path, line=number)
    cell = row[column]
    if cell is None:
        return None
    if not isinstance(cell, str):
        message = f"Column {column!r} must hold a string or null. Got a {type(cell).__name__}."
        raise CorpusError(message, path=path, line=number)
    return checked_sentence(cell, path=path, line=number)
