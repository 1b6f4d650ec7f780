"""What all readers share: a corpus is a set of tables, and a table has a split and one column per language."""

from __future__ import annotations

import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from pseudofam_core.corpora.bitext import SPLITS, Bitext
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import LanguagePair, language

logger = logging.getLogger(__name__)

SPLIT_WORDS: Mapping[str, str] = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "val": "dev",
    "valid": "dev",
    "validation": "dev",
    "test": "test",
    "devtest": "test",
}


@dataclass(frozen=True)
class Table:
    """Aligned columns of one split.

    Attributes:
        split: One of `SPLITS`.
        path: The file, or the folder of the files.
        columns: Language code → the column's (or file's) name as the source spells it.
        pairs: The pairs to list. Any two columns can be read.
    """

    split: str
    path: Path
    columns: Mapping[str, str]
    pairs: tuple[LanguagePair, ...]

    def covers(self, pair: LanguagePair) -> bool:
        """Whether it has a column for both sides."""
        return {pair.source, pair.target} <= self.columns.keys()


class Reader(ABC):
    """A corpus in a file or folder. Subclasses say which tables there are, and read two columns of one.

    Attributes:
        layout: What the reader looks for, as a phrase for messages.
    """

    layout: ClassVar[str]

    def __init__(self, root: str | Path) -> None:
        """Keep the place; nothing is read."""
        self.root = Path(root)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether `path` has the layout that this class reads."""
        return bool(cls(path)._find_tables())

    @abstractmethod
    def _find_tables(self) -> Sequence[Table]: ...

    @abstractmethod
    def _rows(self, table: Table, pair: LanguagePair) -> Iterable[tuple[str | None, str | None]]:
        """Both sides of each row of `table`; None where a side has no sentence."""

    @property
    def name(self) -> str:
        """Name of the file or folder."""
        return self.root.resolve().name

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """The tables, found once."""
        return tuple(self._find_tables())

    def pairs(self) -> tuple[LanguagePair, ...]:
        """The pairs it holds, sorted. `read` also takes any other two languages that share a table.

        Raises:
            CorpusError: There is none.
        """
        if found := sorted({pair for table in self.tables for pair in table.pairs}):
            return tuple(found)
        codes = sorted({code for table in self.tables for code in table.columns})
        raise CorpusError(
            f"No language pair found. Languages found: {', '.join(codes) or 'none'}; expected {self.layout}. "
            "Where the common side isn't English, name it with `target`.",
            path=self.root,
        )

    def splits(self, pair: LanguagePair) -> tuple[str, ...]:
        """The splits that exist for `pair`, in the order train, dev, test."""
        existing = {table.split for table in self._covering(pair)}
        return tuple(split for split in SPLITS if split in existing)

    def read(self, pair: LanguagePair, split: str) -> Bitext:
        """Read one split of one pair. Rows that lack a side are dropped, and their number is logged.

        Raises:
            CorpusError: The split is missing, empty or damaged; the message names file and line.
            ValueError: No split has that name.
        """
        table = self._table(pair, split)
        rows = list(self._rows(table, pair))
        kept = [(source, target) for source, target in rows if source is not None and target is not None]
        if not kept:
            message = f"The {split} split of {pair} is empty: {len(rows)} rows, none with both sides."
            raise CorpusError(message, path=table.path)
        if len(kept) < len(rows):
            logger.info("%s, %s %s: %d rows lack a side", table.path, pair, split, len(rows) - len(kept))
        return Bitext(pair, split, tuple(source for source, _ in kept), tuple(target for _, target in kept))

    def _covering(self, pair: LanguagePair) -> list[Table]:
        """Tables with both sides: those that list the pair, else those that can be read for it."""
        covering = [table for table in self.tables if table.covers(pair)]
        return [table for table in covering if pair in table.pairs] or covering

    def _table(self, pair: LanguagePair, split: str) -> Table:
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}. Got {split!r}.")
        covering = self._covering(pair)
        if not covering:
            held = ", ".join(map(str, self.pairs()))
            raise CorpusError(f"The corpus has no {pair}. It holds {held}.", path=self.root)
        matching = [table for table in covering if table.split == split]
        if not matching:
            held = ", ".join(self.splits(pair))
            raise CorpusError(f"{pair} has no {split} split. It has {held}.", path=self.root)
        if len(matching) > 1:
            message = f"{pair} {split} stands in both {matching[0].path} and {matching[1].path}. Keep one of them."
            raise CorpusError(message, path=self.root)
        return matching[0]


def split_named(name: str) -> str | None:
    """The split that a file or folder name names: ``all_talks_train.tsv`` → train, ``flores101-devtest`` → test."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS), None)


def split_of(path: Path) -> str:
    """The split that a file's name names, else its folder's, else test.

    Text that doesn't say what it is for counts as test: then it is never trained on by accident.
    """
    return split_named(path.name) or split_named(path.resolve().parent.name) or "test"


def code_of(spelling: str) -> str | None:
    """Project code of a language in any spelling, or None."""
    try:
        return language(spelling).code
    except ValueError:
        return None


def language_columns(names: Iterable[str], *, where: Path) -> dict[str, str]:
    """Language code → column name, for the columns that are named by a language.

    Of two columns for one language (zh and zh-cn), the one spelled like the code is kept, else the first.
    Columns that go unused are logged.
    """
    columns: dict[str, str] = {}
    names = list(names)
    for name in sorted(names, key=lambda name: code_of(name) != name):
        if code := code_of(name):
            columns.setdefault(code, name)
    if unused := [name for name in names if name not in columns.values()]:
        logger.info("%s: skipped columns that name no further known language: %s", where, ", ".join(unused))
    return columns


def pairs_into(target: str, codes: Iterable[str]) -> tuple[LanguagePair, ...]:
    """Each language into `target`, where `target` is one of them."""
    codes = set(codes)
    return tuple(LanguagePair(code, target) for code in sorted(codes - {target}) if target in codes)


def files_in(folder: Path) -> list[Path]:
    """The visible files of a folder, sorted; none where it isn't a folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
