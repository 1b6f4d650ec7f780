"""Moses folders: a folder per pair, in it a file per split and side, aligned by line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from pseudofam_core.corpora.lines import read_sentences
from pseudofam_core.corpora.reader import SPLIT_WORDS, Reader, Table, files_in
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import LanguagePair
from pseudofam_core.languages import pair as parse_pair


class MosesCorpus(Reader):
    """Folders such as ``be-en/train.be`` and ``be-en/train.en``.

    `pairs` lists the direction that a folder's name says; `read` also takes the other one.
    """

    layout: ClassVar[str] = "a folder per pair with a file per split and side (be-en/train.be, be-en/train.en)"

    def _find_tables(self) -> Sequence[Table]:
        folders = sorted(self.root.iterdir()) if self.root.is_dir() else []
        return [table for folder in folders for table in _tables_of(folder)]

    def _rows(self, table: Table, pair: LanguagePair) -> Iterable[tuple[str | None, str | None]]:
        return aligned_lines(table, pair)


def aligned_lines(table: Table, pair: LanguagePair) -> Iterable[tuple[str, str]]:
    """Lines of two files of one table, side by side.

    Raises:
        CorpusError: A file is missing or damaged, or the numbers of lines differ.
    """
    source, target = (table.path / table.columns[code] for code in (pair.source, pair.target))
    sources, targets = read_sentences(source), read_sentences(target)
    if len(sources) != len(targets):
        raise CorpusError(
            "Both sides must have one line per sentence. "
            f"{source.name} has {len(sources)} lines and {target.name} has {len(targets)}; this is the first line "
            "without a counterpart. The misalignment may begin earlier: compare the files.",
            path=source if len(sources) > len(targets) else target,
            line=min(len(sources), len(targets)) + 1,
        )
    return zip(sources, targets, strict=True)


def _tables_of(folder: Path) -> list[Table]:
    """One table per split of which at least one side exists: a missing side is for `read` to report."""
    try:
        pair = parse_pair(folder.name)
    except ValueError:
        return []
    spellings = folder.name.replace("→", "-").split("-")
    stems = [path.stem for path in files_in(folder) if path.suffix.removeprefix(".") in spellings]
    return [
        Table(
            split=SPLIT_WORDS[stem],
            path=folder,
            columns={
                pair.source: f"{stem}.{spellings[0]}",
                pair.target: f"{stem}.{spellings[1]}",
            },
            pairs=(pair,),
        )
        for stem in dict.fromkeys(stems)
        if stem in SPLIT_WORDS
    ]
