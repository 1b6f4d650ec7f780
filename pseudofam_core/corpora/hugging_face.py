"""Hugging Face datasets with a ``translation`` column of {code: text}: from disk, or from the hub by name."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pseudofam_core.corpora.choices import Choices
from pseudofam_core.corpora.lines import checked_sentence
from pseudofam_core.corpora.naming import NO_SPLIT, Columns, Skipped, language_columns, split_named, split_of
from pseudofam_core.corpora.reader import Found, Reader, Table, found_of, pairs_into
from pseudofam_core.errors import CorpusError, shortened
from pseudofam_core.languages import LanguagePair

if TYPE_CHECKING:
    from datasets import Dataset

COLUMN = "translation"
# What a library ends in at odd JSON and Arrow.
_UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, ArithmeticError, ImportError)
_NAME = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?")


class DatasetCorpus(Reader):
    """What the two sources share: one table per split of a dataset. Errors count rows from 1 as lines."""

    @abstractmethod
    def _load(self) -> Mapping[str, Dataset]: ...

    @cached_property
    def _datasets(self) -> Mapping[str, Dataset]:
        """The datasets by their own names."""
        return self._load()

    def _find(self) -> Found:
        splits = {name: split_named(name) for name in self._datasets}
        tables = [self._table_of(split, name) for name, split in splits.items() if split]
        return found_of(tables, [Skipped("split", name, NO_SPLIT) for name, split in splits.items() if not split])

    def _table_of(self, split: str, name: str) -> tuple[Table, Columns]:
        dataset = self._datasets[name]
        if COLUMN not in dataset.column_names:
            message = f"The dataset must have a column {COLUMN!r}. Its columns are {', '.join(dataset.column_names)}."
            raise CorpusError(message, path=self.root)
        cells = {code: [None if of_text else 0] for code, of_text in self._codes(dataset.features[COLUMN]).items()}
        columns = language_columns({code: code for code in cells}, choices=self.choices, cells=cells)
        return Table(split, self.root, columns.of, pairs_into(self.target, columns.of), name, columns.rivals), columns

    def _codes(self, feature: object) -> Mapping[str, bool]:
        """Codes of a Translation feature, or of a column that was built from plain dicts; and whether they hold text."""
        if codes := getattr(feature, "languages", None):
            return dict.fromkeys(codes, True)
        if isinstance(feature, dict):
            return {code: "string" in str(getattr(kind, "dtype", "")) for code, kind in feature.items()}
        raise CorpusError(f"Column {COLUMN!r} must hold {{code: text}}. Its type is {feature}.", path=self.root)

    def _rows(self, table: Table, pair: LanguagePair) -> Iterable[tuple[str | None, str | None]]:
        source, target = table.columns[pair.source], table.columns[pair.target]
        number = 0
        try:
            for number, row in enumerate(self._datasets[table.called][COLUMN], start=1):
                yield self._cell(row[source], number), self._cell(row[target], number)
        except _UNREADABLE as error:
            message = f"The row can't be read: {_first_line(error)}"
            raise CorpusError(message, path=self.root, line=number) from error

    def _cell(self, text: object, row: int) -> str | None:
        if text is not None and not isinstance(text, str):
            raise CorpusError(
                f"A cell must hold text or nothing. Got a {type(text).__name__}.", path=self.root, line=row
            )
        return None if text is None else checked_sentence(text, path=self.root, line=row)


class SavedDatasetCorpus(DatasetCorpus):
    """A Dataset or DatasetDict that `save_to_disk` wrote.

    A Dataset alone is the split that the folder's name names, else test.
    """

    layout: ClassVar[str] = "a Hugging Face dataset saved to disk, with a column `translation` of {code: text}"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether the marks of `save_to_disk` are there."""
        single = (path / "state.json").is_file() and (path / "dataset_info.json").is_file()
        return single or (path / "dataset_dict.json").is_file()

    def _load(self) -> Mapping[str, Dataset]:
        import datasets  # slow to import, and needed by this reader only

        try:
            loaded = datasets.load_from_disk(self.root)
        except _UNREADABLE as error:
            raise CorpusError(f"The saved dataset can't be loaded: {_first_line(error)}", path=self.root) from error
        return dict(loaded) if isinstance(loaded, datasets.DatasetDict) else {split_of(self.root): loaded}


class HubCorpus(DatasetCorpus):
    """A dataset of the Hugging Face hub, downloaded at first use.

    The download itself is not covered by this project's tests, which run without a network.

    Args:
        dataset: ``NAME`` or ``NAME:CONFIG``.
        choices: See `Reader`.
    """

    prefix: ClassVar[str] = "hf:"
    layout: ClassVar[str] = "hf:NAME or hf:NAME:CONFIG instead of a path, for a dataset of the Hugging Face hub"

    def __init__(self, dataset: str, *, choices: Choices | None = None) -> None:
        """Keep the name; nothing is downloaded."""
        super().__init__(self.prefix + dataset, choices=choices)
        self.dataset = dataset

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """No path is a name on the hub."""
        return False

    @property
    def name(self) -> str:
        """Name on the hub, with the configuration."""
        return self.dataset

    def _load(self) -> Mapping[str, Dataset]:
        import datasets  # slow to import, and needed by this reader only

        name, _, config = self.dataset.partition(":")
        if _NAME.fullmatch(name) is None or Path(name).exists():  # the library would read a folder of that name
            raise CorpusError("After hf: a name on the hub must stand, as in hf:OWNER/NAME.", path=shortened(self.root))
        try:
            return dict(datasets.load_dataset(name, config or None))
        except (*_UNREADABLE, datasets.exceptions.DatasetsError) as error:
            message = f"The dataset can't be loaded from the hub: {_first_line(error)}"
            raise CorpusError(message, path=self.root) from error


def _first_line(error: Exception) -> str:
    """What a library says of a file that somebody else may have made: in one line, of a line's length."""
    return shortened((str(error).strip().splitlines() or [type(error).__name__])[0])
