"""The TED talks of Qi et al. (2018): the multi-parallel corpus of the paper, of about 60 languages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pseudofam_core.corpora.reader import Table, files_in
from pseudofam_core.corpora.tables import TableCorpus
from pseudofam_core.languages import LanguagePair

NULL = "__NULL__"


class TedTalksCorpus(TableCorpus):
    """The folder of ``all_talks_train.tsv``, ``all_talks_dev.tsv`` and ``all_talks_test.tsv``, or one of them.

    A cell is ``__NULL__`` (tokenised: ``_ _ NULL _ _``) where a talk lacks the language: such rows are dropped.
    Columns that no known language names (``talk_name``, ``calv``) are skipped and logged.

    Quotes are text: the talks have them at either end of a line, unpaired.
    """

    layout: ClassVar[str] = "the TED talks of Qi et al. 2018 (all_talks_train.tsv and its dev and test)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether there is a file named ``all_talks_….tsv``."""
        return any(_is_talks(file) for file in (path, *files_in(path)))

    def _files(self) -> list[Path]:
        return [path for path in super()._files() if _is_talks(path)]

    def _quotes(self, path: Path) -> bool:
        return False

    def _rows(self, table: Table, pair: LanguagePair) -> Iterator[tuple[str | None, str | None]]:
        for source, target in super()._rows(table, pair):
            yield _unless_null(source), _unless_null(target)


def _is_talks(path: Path) -> bool:
    return path.is_file() and path.name.startswith("all_talks_") and path.suffix == ".tsv"


def _unless_null(cell: str | None) -> str | None:
    return None if cell is None or cell.replace(" ", "") == NULL else cell
