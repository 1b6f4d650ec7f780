"""What a person says of a corpus after its place: which of two splits, which of two columns, which common language.

Written ``my/corpus#test=devtest,zh=zh-cn``, wherever a corpus is named: `--corpus`, the Corpus field of the app, a job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from pseudofam_core.corpora.bitext import SPLITS
from pseudofam_core.errors import CorpusError
from pseudofam_core.languages import language

QUOTES = ("text", "read")
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Choices:
    """What is chosen where a corpus leaves a choice.

    Attributes:
        target: `pairs` lists each language into this one, where a corpus holds the same text in several.
        quotes: Whether quotes in TSV files are ``text`` or are ``read`` as a spreadsheet's; None: as the file shows.
        splits: By split: the file, word or split that it is taken from, as the corpus spells it.
        columns: By language: the column or file that it is taken from, as the corpus spells it.
    """

    target: str = "en"
    quotes: str | None = None
    splits: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    columns: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


def parse_source(source: str) -> tuple[str, Choices]:
    """Part the place of a corpus from what is chosen of it.

    Raises:
        CorpusError: Something that can't be chosen.
    """
    place, written = _parted(source)
    if not written:
        return place, Choices()
    chosen: dict[str, str] = {}
    splits: dict[str, str] = {}
    columns: dict[str, str] = {}
    for one in written.split(","):
        name, _, value = (part.strip() for part in one.partition("="))
        if not value:
            _refuse(source, one)
        if name in SPLITS:
            splits[name] = value
        elif name == "target" and (code := _code(value)):
            chosen["target"] = code
        elif name == "quotes" and value in QUOTES:
            chosen["quotes"] = value
        elif code := _code(name):
            columns[code] = value
        else:
            _refuse(source, one)
    return place, Choices(**chosen, splits=splits, columns=columns)


def say_which(root: Path | str, name: str, value: str) -> str:
    """The way out of a choice, as part of a message."""
    return f"Say which after the corpus, as in `--corpus {root}#{name}={value}`, or in the app's field Corpus."


def absolute_source(source: str) -> str:
    """The same source with its path in full, where it is a path that exists."""
    place, written = _parted(source)
    path = Path(place).expanduser()
    return (str(path.absolute()) if path.exists() else place) + (f"#{written}" if written else "")


def _parted(source: str) -> tuple[str, str]:
    """The place, and what stands after the mark; a file whose own name has the mark is a place."""
    place, mark, written = source.rpartition("#")
    return (source, "") if not mark or Path(source).expanduser().exists() else (place, written)


def _code(spelling: str) -> str | None:
    try:
        return language(spelling).code
    except ValueError:
        return None


def _refuse(source: str, one: str) -> NoReturn:
    raise CorpusError(
        f"After # a corpus takes {', '.join(SPLITS)}, target, quotes ({' or '.join(QUOTES)}) or a language, each with = and "
        f"a name, parted by commas, as in my/corpus#test=devtest,zh=zh-cn. Got {one!r}.",
        path=source,
    )
