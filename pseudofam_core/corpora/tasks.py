"""Text of one language with what a model shall say of it: labels, or answers to prompts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from pseudofam_core.corpora import quoting
from pseudofam_core.corpora.lines import read_lines
from pseudofam_core.corpora.naming import SPLIT_WORDS, Skipped, code_of, split_of
from pseudofam_core.corpora.quoting import cell_rows, has_quotes
from pseudofam_core.corpora.reader import Found, Reader, Table, files_in
from pseudofam_core.corpora.tables import SUFFIXES, column_names, json_cell, json_object
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import LanguagePair

TARGET_COLUMNS: Mapping[str, str] = {"text": "label", "prompt": "answer"}
_NO_CODE = "say the language neither by their own name nor by their folder's"


class TaskCorpus(Reader):
    """A ``.tsv``, ``.csv`` or ``.jsonl`` file per language, with the columns ``text`` and ``label``, or ``prompt`` and ``answer``.

    The language is named by the file (``be.jsonl``, ``train.be.tsv``), else by its folder (``be/train.tsv``); the
    split by the file, else its folder, else it is test. A language's text is a pair of the language with itself:
    nothing is translated. Labels may be names or, in JSONL, numbers.

    Args:
        root: The file or folder.
    """

    layout: ClassVar[str] = (
        "a .tsv, .csv or .jsonl file per language (be.jsonl, train.be.tsv) "
        "with the columns text and label, or prompt and answer"
    )

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether a file has the columns. One that can't be read is left for a looser reader to report."""
        try:
            return any(_source_column(file) for file in cls(path)._files())
        except CorpusError:
            return False

    def _files(self) -> list[Path]:
        """The file itself, or those of the folder and of the folders in it that are named by a language."""
        if self.root.is_file():
            return [self.root] if self.root.suffix in SUFFIXES else []
        if not self.root.is_dir():
            return []
        folders = [
            self.root,
            *sorted(folder for folder in self.root.iterdir() if folder.is_dir() and code_of(folder.name)),
        ]
        return [path for folder in folders for path in files_in(folder) if path.suffix in SUFFIXES]

    def _find(self) -> Found:
        files = [(path, column) for path in self._files() if (column := _source_column(path))]
        tables = [table for path, column in files if (table := _table_of(path, column))]
        if files and not tables:
            raise CorpusError(f"{_NO_CODE}. Rename it like be.jsonl or train.be.tsv.", path=files[0][0])
        named = {table.path for table in tables}
        return Found(
            tuple(tables), tuple(Skipped("file", path.name, _NO_CODE) for path, _ in files if path not in named)
        )

    def _rows(self, table: Table, pair: LanguagePair) -> Iterable[tuple[str | None, str | None]]:
        source = table.columns[pair.source]
        target = TARGET_COLUMNS[source]
        if table.path.suffix in quoting.SUFFIXES:
            return cell_rows(table.path, source, target, quoted=has_quotes(table.path, self.choices.quotes))
        return _jsonl_rows(table.path, source, target)


def _source_column(path: Path) -> str | None:
    names = column_names(path)
    return next((source for source, other in TARGET_COLUMNS.items() if {source, other} <= set(names)), None)


def _table_of(path: Path, column: str) -> Table | None:
    words = [word for word in path.name.split(".") if word not in SPLIT_WORDS]
    code = next((code for word in (*words, path.resolve().parent.name) if (code := code_of(word))), None)
    if code is None:
        return None
    return Table(split_of(path), path, {code: column}, (LanguagePair(code, code),), path.name)


def _jsonl_rows(path: Path, source: str, target: str) -> Iterator[tuple[str | None, str | None]]:
    for number, line in enumerate(read_lines(path), start=1):
        row = json_object(line, path, number)
        if type(row.get(target)) is int:
            row = {**row, target: str(row[target])}
        yield json_cell(row, source, path, number), json_cell(row, target, path, number)
