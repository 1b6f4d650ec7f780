"""TSV, CSV and JSONL files with named columns."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from pseudofam_core.corpora import quoting
from pseudofam_core.corpora.choices import Choices
from pseudofam_core.corpora.lines import checked_sentence, read_lines
from pseudofam_core.corpora.naming import NO_LANGUAGE, Columns, Skipped, language_columns, split_of
from pseudofam_core.corpora.quoting import cell_rows, first_rows, has_quotes, names_of
from pseudofam_core.corpora.reader import Found, Reader, Table, files_in, folders_in, found_of, pairs_into
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import LanguagePair, pair_sides
from pseudofam_core.languages import pair as parse_pair

SUFFIXES = (*quoting.SUFFIXES, ".jsonl")
_ROWS_LOOKED_AT = 100


class TableCorpus(Reader):
    """A ``.tsv``, ``.csv`` or ``.jsonl`` file, or a folder of them, one per split or per split and pair.

    A file that has the columns `source_column` and `target_column` holds the pair that its name or folder names
    (``be-en.tsv``, ``train.be-en.tsv``, ``be-en/train.tsv``). Any other file holds a column per language, named by
    its code (``id`` is Indonesian). The split is named by the file, else its folder, else it is test.

    TSV and CSV have a header; an empty cell is an absent sentence. In CSV, and where a TSV file shows that a spreadsheet has
    written it, quotes are read (`quoting`). JSONL has an object per line, which may nest the columns in ``translation``; null is an
    absent sentence, and the first line says which columns there are.

    Args:
        root: The file or folder.
        source_column: Column of source sentences.
        target_column: Column of target sentences.
        target: See `Reader`.
        choices: See `Reader`.
    """

    layout: ClassVar[str] = (
        "a .tsv, .csv or .jsonl file, or a folder of them, with a column per language code, "
        "or with the columns source and target and a pair in the file's name (train.be-en.tsv)"
    )

    def __init__(
        self,
        root: str | Path,
        *,
        source_column: str = "source",
        target_column: str = "target",
        target: str = "en",
        choices: Choices | None = None,
    ) -> None:
        """Keep the place; nothing is read."""
        super().__init__(root, target=target, choices=choices)
        self.source_column = source_column
        self.target_column = target_column

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether `path` is or holds such files. Their columns are looked at when they are asked for."""
        return bool(cls(path)._files())

    def _files(self) -> list[Path]:
        """The file itself, or those of the folder and of the folders in it that are named like a pair."""
        if self.root.is_file():
            return [self.root] if self.root.suffix in SUFFIXES else []
        folders = [
            self.root,
            *(folder for folder in folders_in(self.root) if "-" in folder.name or pair_sides(folder.name)),
        ]
        return [path for folder in folders for path in files_in(folder) if path.suffix in SUFFIXES]

    def _find(self) -> Found:
        """The tables. One that names no languages is skipped where others do, and an error where none does."""
        tables, skipped, errors = [], [], []
        for path in self._files():
            try:
                tables.append(self._table_of(path))
            except CorpusError as error:
                errors.append(error)
                skipped.append(Skipped("file", str(path.relative_to(self.root.parent)), NO_LANGUAGE))
        if errors and not tables:
            raise errors[0]
        return found_of(tables, skipped)

    def _table_of(self, path: Path) -> tuple[Table, Columns]:
        names = column_names(path)
        if {self.source_column, self.target_column} <= set(names):
            pair = _pair_of(path)
            sides = {pair.source: self.source_column, pair.target: self.target_column}
            return Table(split_of(path), path, sides, (pair,), self._called(path)), Columns(sides, {}, {}, ())
        columns = language_columns({name: name for name in names}, choices=self.choices, cells=_first_cells(path))
        if len(columns.of) + len(columns.rivals) < 2:
            raise CorpusError(
                f"Two columns must hold sentences: {self.source_column!r} and {self.target_column!r}, or two named by "
                f"language codes. The columns are {', '.join(names)}. Rename them, or choose them after the corpus, as "
                f"in `--corpus {self.root}#be={names[0]}`.",
                path=path,
                line=1,
            )
        pairs = pairs_into(self.target, columns.of)
        return Table(split_of(path), path, columns.of, pairs, self._called(path), columns.rivals), columns

    def _called(self, path: Path) -> str:
        return str(path.relative_to(self.root)) if path != self.root else path.name

    def _quotes(self, path: Path) -> bool:
        """Whether the quotes of a TSV or CSV file are to be read."""
        return has_quotes(path, self.choices.quotes)

    def _rows(self, table: Table, pair: LanguagePair) -> Iterable[tuple[str | None, str | None]]:
        source, target = table.columns[pair.source], table.columns[pair.target]
        if table.path.suffix in quoting.SUFFIXES:
            return cell_rows(table.path, source, target, quoted=self._quotes(table.path))
        return _jsonl_rows(table.path, source, target)


def column_names(path: Path) -> list[str]:
    """Names of the columns of a file, from its first line.

    Raises:
        CorpusError: The file is empty or damaged there, or its first line is blank.
    """
    names = names_of(path) if path.suffix in quoting.SUFFIXES else _keys_of_first(path)
    if not any(names):
        raise CorpusError(
            "The first line must name the columns. It names none. Put their names there.", path=path, line=1
        )
    return names


def _keys_of_first(path: Path) -> list[str]:
    for line in read_lines(path):
        return list(json_object(line, path, 1))
    raise CorpusError("The file is empty: its first line should name the columns.", path=path)


def _first_cells(path: Path) -> Mapping[str, list[object]]:
    """Cells of the first rows by column, as far as they can be read: enough to tell sentences from numbers."""
    names = column_names(path)
    cells: dict[str, list[object]] = {name: [] for name in names}
    for row in _first_cells_of(path, names) if path.suffix in quoting.SUFFIXES else _first_objects(path):
        for name, cell in row.items():
            cells.setdefault(name, []).append(cell)
    return cells


def _first_cells_of(path: Path, names: Sequence[str]) -> Iterator[Mapping[str, object]]:
    return (dict(zip(names, row, strict=False)) for row in first_rows(path, _ROWS_LOOKED_AT))


def _first_objects(path: Path) -> Iterator[Mapping[str, object]]:
    """The first rows of a JSONL file; a damaged one is for `read` to place."""
    with contextlib.suppress(CorpusError):
        for number, line in enumerate(itertools.islice(read_lines(path), _ROWS_LOOKED_AT), start=1):
            yield json_object(line, path, number)


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
