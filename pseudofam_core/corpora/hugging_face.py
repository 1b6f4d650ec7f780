"""Hugging Face datasets with a ``translation`` column of {code: text}: from disk, or from the hub by name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pseudofam_core.corpora.lines import checked_sentence
from pseudofam_core.corpora.reader import Reader, Table, language_columns, pairs_into, split_named, split_of
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import LanguagePair

if TYPE_CHECKING:
    from datasets import Dataset

COLUMN = "translation"


class DatasetCorpus(Reader):
    """What the two sources share: one table per split of a dataset. Errors count rows from 1 as lines.

    Args:
        root: Where the dataset stands.
        target: `pairs` lists each language into this one.
    """

    def __init__(self, root: str | Path, *, target: str = "en") -> None:
        """Keep the place; nothing is read."""
        super().__init__(root)
        self.target = target

    @abstractmethod
    def _load(self) -> Mapping[str, Dataset]: ...

    @cached_property
    def _datasets(self) -> Mapping[str, Dataset]:
        """Split → dataset; splits that are neither train, dev nor test (by any of their names) are left out."""
        return {split: dataset for name, dataset in self._load().items() if (split := split_named(name))}

    def _find_tables(self) -> Sequence[Table]:
        return [self._table_of(split, dataset) for split, dataset in self._datasets.items()]

    def _table_of(self, split: str, dataset: Dataset) -> Table:
        if COLUMN not in dataset.column_names:
            message = f"The dataset must have a column {COLUMN!r}. Its columns are {', '.join(dataset.column_names)}."
            raise CorpusError(message, path=self.root)
        columns = language_columns(self._codes(dataset.features[COLUMN]), where=self.root)
        return Table(split, self.root, columns, pairs_into(self.target, columns))

    def _codes(self, feature: object) -> Iterable[str]:
        """Codes of a Translation feature, or of a column that was built from plain dicts."""
        if codes := getattr(feature, "languages", None):
            return list(codes)
        if isinstance(feature, dict):
            return feature
        raise CorpusError(f"Column {COLUMN!r} must hold {{code: text}}. Its type is {feature}.", path=self.root)

    def _rows(self, table: Table, pair: LanguagePair) -> Iterable[tuple[str | None, str | None]]:
        source, target = table.columns[pair.source], table.columns[pair.target]
        translations = self._datasets[table.split][COLUMN]
        for number, row in enumerate(translations, start=1):
            yield self._cell(row[source], number), self._cell(row[target], number)

    def _cell(self, text: str | None, row: int) -> str | None:
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
        except (OSError, ValueError, KeyError) as error:
            raise CorpusError(f"The saved dataset can't be loaded: {error}", path=self.root) from error
        return dict(loaded) if isinstance(loaded, datasets.DatasetDict) else {split_of(self.root): loaded}


class HubCorpus(DatasetCorpus):
    """A dataset of the Hugging Face hub, downloaded at first use.

    The download itself is not covered by this project's tests, which run without a network.

    Args:
        dataset: ``NAME`` or ``NAME:CONFIG``.
        target: `pairs` lists each language into this one.
    """

    prefix: ClassVar[str] = "hf:"
    layout: ClassVar[str] = "hf:NAME or hf:NAME:CONFIG instead of a path, for a dataset of the Hugging Face hub"

    def __init__(self, dataset: str, *, target: str = "en") -> None:
        """Keep the name; nothing is downloaded."""
        super().__init__(self.prefix + dataset, target=target)
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
        try:
            return dict(datasets.load_dataset(name, config or None))
        except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
            message = f"The dataset can't be loaded from the hub: {error}"
            raise CorpusError(message, path=self.root) from error
