"""TSV and CSV files: as plain text, or as a spreadsheet writes them, with quotes around cells and doubled quotes inside.

Both kinds of TSV are in use, and many corpora hold sentences that begin or end with a quote of their own. Quotes are read where
the file itself shows that they were written as marks, and only if then every row has the header's columns. In CSV, whose
sentences hold commas, they are always marks.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pseudofam_core.corpora.lines import checked_sentence, read_lines
from pseudofam_core.errors import CorpusError

SUFFIXES = (".tsv", ".csv")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


@dataclass
class _Marks:
    """What the cells of a file, parted at every tab, show of quotes.

    Attributes:
        ragged: First line that has not the header's number of cells.
        doubled: First line with a quoted cell that holds doubled quotes, which no plain text has by chance.
        broken: First line with a cell that begins with a quote and is not a whole quoted cell.
        bare: Whether a cell that holds something other than a number is not quoted.
    """

    ragged: int | None = None
    doubled: int | None = None
    broken: int | None = None
    bare: bool = False


def names_of(path: Path) -> list[str]:
    """The cells of a file's header.

    Raises:
        CorpusError: It is empty, or its first line can't be read.
    """
    for line in read_lines(path):
        return _header_of(line) if path.suffix == ".tsv" else next(_quoted_rows(path))[1]
    raise CorpusError("The file is empty: its first line should name the columns.", path=path)


def _header_of(line: str) -> list[str]:
    """The cells of a header, without quotes where all are quoted."""
    cells = line.split("\t")
    return [bare_cell(cell) for cell in cells] if all(map(_QUOTED.fullmatch, cells)) else cells


def bare_cell(cell: str) -> str:
    """A cell without the quotes around it, where it has a whole pair."""
    return cell[1:-1].replace('""', '"') if _QUOTED.fullmatch(cell) else cell


def has_quotes(path: Path, chosen: str | None = None) -> bool:
    """Whether the quotes of a TSV or CSV file are a spreadsheet's marks, not text.

    In TSV they are where cells with doubled quotes, or a quote around every cell, say so; or where rows fall apart
    without them; and reading them gives whole rows of the header's width.

    Args:
        path: The file.
        chosen: ``text`` or ``read``, where a person has said it.

    Raises:
        CorpusError: The file says both, or rows fall apart either way; the message names the line.
    """
    if path.suffix == ".csv":
        return True
    if chosen is not None:
        return chosen == "read"
    marks = _marks(path)
    if marks.ragged is None and marks.broken is None:
        return marks.doubled is not None or not marks.bare
    if marks.doubled is None and (marks.ragged is None or marks.broken is None):
        return False  # text that begins with a quote; or rows that no quote could mend, which `tsv_rows` places
    if (fault := _fault(path)) is None:
        return True
    if marks.doubled is None:
        return False
    number, why = fault
    raise CorpusError(
        f"Quotes stand in it both as a spreadsheet's marks (line {marks.doubled}) and as text: {why}. Write the file "
        "anew in one way, or say after the corpus how to take them: #quotes=text or #quotes=read.",
        path=path,
        line=number,
    )


def cell_rows(path: Path, source: str, target: str, *, quoted: bool) -> Iterator[tuple[str | None, str | None]]:
    """Two columns of each row of a TSV or CSV file; None for an empty cell.

    Raises:
        CorpusError: A row has not the header's number of columns, or a quoted cell does not end; the message names its line.
    """
    rows = _quoted_rows(path) if quoted else _plain_rows(path)
    _, header = next(rows)
    names = header if quoted else _header_of("\t".join(header))
    at = names.index(source), names.index(target)
    for number, cells in rows:
        if len(cells) != len(header):
            message = f"Each row must have the header's {len(header)} columns. This one has {len(cells)}."
            raise CorpusError(message, path=path, line=number)
        sentence, translation = (checked_sentence(cells[i], path=path, line=number) or None for i in at)
        yield sentence, translation


def first_rows(path: Path, n: int) -> list[list[str]]:
    """The first rows after the header, in whichever way of reading them gives whole rows: to look at, not to keep."""
    for read in (_plain_rows, _quoted_rows) if path.suffix == ".tsv" else (_quoted_rows,):
        try:
            _, *rows = (cells for _, cells in itertools.islice(read(path), n + 1))
        except CorpusError:
            continue
        if len({len(cells) for cells in rows}) < 2:
            return [[bare_cell(cell) for cell in cells] for cells in rows]
    return []


def _plain_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(read_lines(path), start=1):
        yield number, line.split("\t")


def _quoted_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows and the lines that they begin on."""
    rows = csv.reader((f"{line}\n" for line in read_lines(path)), delimiter=_delimiter_of(path), strict=True)
    number = 1
    try:
        for cells in rows:
            yield number, cells
            number = rows.line_num + 1
    except csv.Error as error:
        raise CorpusError(f"A quoted cell is not whole: {error}.", path=path, line=number) from error


def _delimiter_of(path: Path) -> str:
    """A tab; in CSV what parts the header: a semicolon where spreadsheets write decimal commas."""
    return max(",;", key=next(iter(read_lines(path)), "").count) if path.suffix == ".csv" else "\t"


def _fault(path: Path) -> tuple[int, str] | None:
    """Where and why reading the quotes does not give whole rows; None where it does."""
    rows = _quoted_rows(path)
    try:
        _, header = next(rows)
        for number, cells in rows:
            if len(cells) != len(header):
                return number, f"with quotes read, this row has {len(cells)} columns, not the header's {len(header)}"
    except CorpusError as error:
        return error.line or 1, "with quotes read, a cell of this row does not end"
    return None


def _marks(path: Path) -> _Marks:
    marks, width = _Marks(), 0
    for number, line in enumerate(read_lines(path), start=1):
        n_cells = line.count("\t") + 1
        width = width or n_cells
        if n_cells != width and marks.ragged is None:
            marks.ragged = number
        if '"' not in line:
            marks.bare = marks.bare or any(map(_is_bare, line.split("\t")))
            continue
        for cell in line.split("\t"):
            _look_at(cell, number, marks)
    return marks


def _look_at(cell: str, number: int, marks: _Marks) -> None:
    if not cell.startswith('"'):
        marks.bare = marks.bare or _is_bare(cell)
    elif _QUOTED.fullmatch(cell) is None:
        marks.broken = marks.broken or number
    elif '""' in cell[1:-1]:
        marks.doubled = marks.doubled or number


def _is_bare(cell: str) -> bool:
    return bool(cell.strip("0123456789.-+eE"))
