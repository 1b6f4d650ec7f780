"""What all readers share: a corpus is a set of tables, and a table has a split and one column per language."""

from __future__ import annotations

import itertools
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NoReturn

from pseudofam_core.corpora.bitext import SPLITS, Bitext
from pseudofam_core.corpora.choices import Choices, say_which
from pseudofam_core.corpora.naming import Columns, Skipped, told
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import LanguagePair, language

logger = logging.getLogger(__name__)
# What Bible translators' tools write in the place of a verse that stands with the one before.
_SAID_BEFORE = "<range>"
_Row = tuple[str | None, str | None]


@dataclass(frozen=True)
class Table:
    """Aligned columns of one split.

    Attributes:
        split: One of `SPLITS`.
        path: The file, or the folder of the files.
        columns: Language code → the column's (or file's) name as the source spells it.
        pairs: The pairs to list. Any two columns can be read.
        called: How the source calls the split, or the file: what tells two tables of one split apart.
        rivals: Language code → columns that could all be it.
    """

    split: str
    path: Path
    columns: Mapping[str, str]
    pairs: tuple[LanguagePair, ...]
    called: str
    rivals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def covers(self, pair: LanguagePair) -> bool:
        """Whether it has a column for both sides, or several to choose from."""
        return {pair.source, pair.target} <= self.columns.keys() | self.rivals.keys()


@dataclass(frozen=True)
class Found:
    """What a reader finds in its place.

    Attributes:
        tables: What can be read.
        skipped: What can't, and why.
        read_as: Columns and files named by a variant (pt-BR), and the language that each is read as.
    """

    tables: tuple[Table, ...]
    skipped: tuple[Skipped, ...] = ()
    read_as: Mapping[str, str] = field(default_factory=dict)


class Reader(ABC):
    """A corpus in a file or folder. Subclasses say which tables there are, and read two columns of one.

    Attributes:
        layout: What the reader looks for, as a phrase for messages.

    Args:
        root: The file or folder.
        target: `pairs` lists each language into this one, where a table has more than two.
        choices: What a person has said of the corpus; its target comes first.
    """

    layout: ClassVar[str]

    def __init__(self, root: str | Path, *, target: str = "en", choices: Choices | None = None) -> None:
        """Keep the place; nothing is read."""
        self.root = Path(root)
        self.choices = choices or Choices(target=target)
        self.target = self.choices.target

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether `path` has the layout that this class reads."""
        return bool(cls(path)._find().tables)

    @abstractmethod
    def _find(self) -> Found:
        """Look through the place."""

    @abstractmethod
    def _rows(self, table: Table, pair: LanguagePair) -> Iterable[tuple[str | None, str | None]]:
        """Both sides of each row of `table`; None where a side has no sentence."""

    @property
    def name(self) -> str:
        """Name of the file or folder."""
        return self.root.resolve().name

    @cached_property
    def _found(self) -> Found:
        contents = self._find()
        for note in self._notes(contents):
            logger.warning("%s: %s", self.root, note)
        return contents

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables, found once."""
        return self._found.tables

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What is not read."""
        return self._found.skipped

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of what is not read, or is read as something else: a sentence each."""
        return self._notes(self._found)

    def _notes(self, contents: Found) -> tuple[str, ...]:
        rivals = {code: names for table in contents.tables for code, names in table.rivals.items()}
        return (
            *(f"skipped: {line}." for line in [told(contents.skipped)] if line),
            *(f"{name} is read as {language(code).label}." for name, code in contents.read_as.items()),
            *(f"{language(code).label} is left out. {self._which(code, names)}" for code, names in rivals.items()),
        )

    def _which(self, code: str, names: Sequence[str]) -> str:
        return f"It could be {' or '.join(names)}. {say_which(self.root, code, names[0])}"

    def pairs(self) -> tuple[LanguagePair, ...]:
        """The pairs it holds, sorted. `read` also takes any other two languages that share a table.

        Raises:
            CorpusError: There is none.
        """
        if pairs := sorted({pair for table in self.tables for pair in table.pairs}):
            return tuple(pairs)
        for table in self.tables:
            if self.target in table.rivals:
                self._ask_column(table, self.target)
            if self.target in table.columns and table.rivals:
                self._ask_column(table, min(table.rivals))
        codes = sorted({code for table in self.tables for code in (*table.columns, *table.rivals)})
        example = codes[0] if codes else "fr"
        raise CorpusError(
            f"No language pair into {self.target} found. Languages found: {', '.join(codes) or 'none'}; expected "
            f"{self.layout}. Where the common side isn't {language(self.target).name}, name it after the corpus, as in "
            f"`--corpus {self.root}#target={example}`, or name the pairs with `--pairs`.",
            path=self.root,
        )

    def readable(self) -> tuple[LanguagePair, ...]:
        """Every two languages that share a table, in one direction, sorted."""
        sides = (itertools.combinations(sorted(table.columns), 2) for table in self.tables)
        return tuple(sorted({LanguagePair(*two) for combinations in sides for two in combinations}))

    def splits(self, pair: LanguagePair) -> tuple[str, ...]:
        """The splits that exist for `pair`, in the order train, dev, test."""
        existing = {table.split for table in self._covering(pair)}
        return tuple(split for split in SPLITS if split in existing)

    def read(self, pair: LanguagePair, split: str) -> Bitext:
        """Read one split of one pair. Rows that lack a side are dropped, and their number is logged.

        Raises:
            CorpusError: The split is missing, empty or damaged (the message names file and line), or there are
                several and nothing says which is meant.
            ValueError: No split has that name.
        """
        tables = self._tables(pair, split)
        if len(tables) > 1:
            called = [table.called for table in tables]
            raise CorpusError(
                f"{pair} has {len(tables)} texts for {split}: {', '.join(called)}. {say_which(self.root, split, called[0])}",
                path=self.root,
            )
        return self._read(tables[0], pair)

    def read_all(self, pair: LanguagePair, split: str) -> tuple[Bitext, ...]:
        """Every text of a split: more than one where a person has not said which, or has left some aside.

        Raises:
            CorpusError: See `read`.
        """
        return tuple(self._read(table, pair) for table in self._tables(pair, split, all_of=True))

    def _read(self, table: Table, pair: LanguagePair) -> Bitext:
        for code in (pair.source, pair.target):
            if code in table.rivals:
                self._ask_column(table, code)
        rows = _whole_verses(list(self._rows(table, pair)))
        kept = [(source, target) for source, target in rows if source is not None and target is not None]
        if not any(source.strip() and target.strip() for source, target in kept):
            message = f"The {table.split} split of {pair} is empty: {len(rows)} rows, none with both sides."
            raise CorpusError(message, path=table.path)
        if len(kept) < len(rows):
            logger.info("%s, %s %s: %d rows lack a side", table.path, pair, table.split, len(rows) - len(kept))
        return Bitext(pair, table.split, tuple(source for source, _ in kept), tuple(target for _, target in kept))

    def _covering(self, pair: LanguagePair) -> list[Table]:
        """Tables with both sides: those that list the pair, else those that can be read for it."""
        covering = [table for table in self.tables if table.covers(pair)]
        return [table for table in covering if pair in table.pairs] or covering

    def _tables(self, pair: LanguagePair, split: str, *, all_of: bool = False) -> list[Table]:
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
        if all_of or (wanted := self.choices.splits.get(split)) is None:
            return matching
        chosen = [table for table in matching if table.called == wanted]
        if not chosen:
            held = ", ".join(table.called for table in matching)
            raise CorpusError(f"{pair} has no {wanted!r} for {split}. It has {held}.", path=self.root)
        return chosen

    def _ask_column(self, table: Table, code: str) -> NoReturn:
        raise CorpusError(f"{language(code).label}: {self._which(code, table.rivals[code])}", path=table.path)


def found_of(tables: Iterable[tuple[Table, Columns]], skipped: Iterable[Skipped] = ()) -> Found:
    """What was found, from tables and what their columns are."""
    tables = list(tables)
    read_as = {name: code for _, columns in tables for name, code in columns.read_as.items()}
    return Found(
        tuple(table for table, _ in tables), (*skipped, *(skip for _, c in tables for skip in c.skipped)), read_as
    )


def pairs_into(target: str, codes: Iterable[str]) -> tuple[LanguagePair, ...]:
    """Each language into `target`, where `target` is one of them."""
    codes = set(codes)
    return tuple(LanguagePair(code, target) for code in sorted(codes - {target}) if target in codes)


def files_in(folder: Path) -> list[Path]:
    """The visible files of a folder, sorted; none where it isn't a folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def folders_in(folder: Path) -> list[Path]:
    """The visible folders in a folder, sorted; none where it isn't a folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _whole_verses(rows: Sequence[_Row]) -> list[_Row]:
    """The rows, but blank where one side holds a verse with the one before and the other does not: neither row is parallel.

    Joined they would be, but then the text of one pair is no longer that of another, from which it must be held out.
    """
    kept, first = list(rows), None
    for place, row in enumerate(rows):
        ranges = [text is not None and text.strip() == _SAID_BEFORE for text in row]
        if not any(ranges):
            first = place
            continue
        kept[place] = ("", "")
        if first is not None and not all(ranges):
            kept[first] = ("", "")
    return kept
