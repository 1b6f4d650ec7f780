"""Moses folders: a folder per pair, in it a file per split and side, aligned by line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from pseudofam_core.corpora.choices import Choices
from pseudofam_core.corpora.lines import read_sentences
from pseudofam_core.corpora.naming import NO_PAIR, NO_SPLIT, SPLIT_WORDS, Skipped, code_of
from pseudofam_core.corpora.reader import Found, Reader, Table, files_in, folders_in
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import LanguagePair, language, pair_sides


class MosesCorpus(Reader):
    """Folders such as ``be-en/train.be`` and ``be-en/train.en``, in any spelling of pair and codes (``be_en``).

    `pairs` lists the direction that a folder's name says; `read` also takes the other one.
    """

    layout: ClassVar[str] = "a folder per pair with a file per split and side (be-en/train.be, be-en/train.en)"

    def _find(self) -> Found:
        contents = [_tables_of(folder, self.choices) for folder in folders_in(self.root)]
        return Found(
            tuple(table for folder in contents for table in folder.tables),
            tuple(skip for folder in contents for skip in folder.skipped),
        )

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


def _tables_of(folder: Path, choices: Choices) -> Found:
    """One table per split of which at least one side exists: a missing side is for `read` to report."""
    files = files_in(folder)
    sides = next((sides for sides in pair_sides(folder.name) if _has_sides(files, sides)), None)
    if sides is None:
        is_text = any(path.stem in SPLIT_WORDS for path in files)
        return Found((), (Skipped("folder", folder.name, NO_PAIR),) if is_text else ())
    pair = LanguagePair(*(language(side).code for side in sides))
    stems: dict[str, list[Path]] = {}
    for path in files:
        if code_of(path.suffix[1:]) in (pair.source, pair.target):
            stems.setdefault(path.stem, []).append(path)
    tables = [
        _table(folder, stem, pair, sides, [path.name for path in paths], choices)
        for stem, paths in stems.items()
        if stem in SPLIT_WORDS
    ]
    others = [path.name for stem, paths in stems.items() if stem not in SPLIT_WORDS for path in paths]
    return Found(tuple(tables), tuple(Skipped("file", f"{folder.name}/{name}", NO_SPLIT) for name in others))


def _has_sides(files: Sequence[Path], sides: tuple[str, str]) -> bool:
    codes = {language(side).code for side in sides}
    return any(path.suffix and code_of(path.suffix[1:]) in codes for path in files)


def _table(
    folder: Path, stem: str, pair: LanguagePair, sides: tuple[str, str], names: Sequence[str], choices: Choices
) -> Table:
    columns, rivals = {}, {}
    for code, side in zip((pair.source, pair.target), sides, strict=True):
        files = [name for name in names if code_of(name.rpartition(".")[2]) == code] or [f"{stem}.{side}"]
        wanted = choices.columns.get(code)
        chosen = [name for name in files if wanted in (name, name.rpartition(".")[2])] or files
        if len(chosen) == 1:
            columns[code] = chosen[0]
        else:
            rivals[code] = tuple(name.rpartition(".")[2] for name in chosen)
    return Table(SPLIT_WORDS[stem], folder, columns, (pair,), stem, rivals)
