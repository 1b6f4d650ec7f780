"""What a person says of a corpus after its place: which of two splits, which of two columns, which common language.

And the model whose unread text it is limited to. Written ``my/corpus#test=devtest,zh=zh-cn``, wherever a corpus is named:
`--corpus`, the Corpus field of the app, a job.
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
from pseudofam_core.places import local

QUOTES = ("text", "read")
_KEPT_BACK = "kept-back"
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Choices:
    """What is chosen where a corpus leaves a choice.

    Attributes:
        target: `pairs` lists each language into this one, where a corpus holds the same text in several.
        quotes: Whether quotes in TSV files are ``text`` or are ``read`` as a spreadsheet's; None: as the file shows.
        splits: By split: the file, word or split that it is taken from, as the corpus spells it.
        columns: By language: the column or file that it is taken from, as the corpus spells it.
        kept_back: Folder of a model that has kept text back; train is then that text alone (`LimitedCorpus`).
    """

    target: str = "en"
    quotes: str | None = None
    splits: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    columns: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    kept_back: str | None = None


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
    for choice in written.split(","):
        name, _, value = (part.strip() for part in choice.partition("="))
        if not value:
            _refuse(source, choice)
        if name in SPLITS:
            splits[name] = value
        elif name == "target" and (code := _code(value)):
            chosen["target"] = code
        elif name == _KEPT_BACK:
            chosen["kept_back"] = value
        elif name == "quotes" and value in QUOTES:
            chosen["quotes"] = value
        elif code := _code(name):
            columns[code] = value
        else:
            _refuse(source, choice)
    return place, Choices(**chosen, splits=splits, columns=columns)


def source_name(source: str) -> str:
    """What a corpus is called in titles: the last part of its place, and whose unread text it is limited to."""
    place, written = _parted(source)
    chosen = dict(choice.strip().split("=", 1) for choice in written.split(",") if "=" in choice)
    limit = f" kept back from {Path(chosen[_KEPT_BACK]).name}" if _KEPT_BACK in chosen else ""
    return f"{Path(place).name or place}{limit}"


def say_which(root: Path | str, name: str, value: str) -> str:
    """The way out of a choice, as part of a message."""
    return f"Say which after the corpus, as in `--corpus {root}#{name}={value}`, or in the app's field Corpus."


def limited_source(source: str, model: str) -> str:
    """The same source limited to the training text that the model in a folder has not read."""
    place, written = _parted(source)
    return f"{place}#{f'{written},' if written else ''}{_KEPT_BACK}={model}"


def absolute_source(source: str) -> str:
    """The same source with its paths in full, where they exist: its own, and that of a model that limits it."""
    place, written = _parted(source)
    choices = ",".join(_in_full(choice) for choice in written.split(",")) if written else ""
    return _absolute(place) + (f"#{choices}" if choices else "")


def _in_full(choice: str) -> str:
    name, _, value = (part.strip() for part in choice.partition("="))
    return f"{name}={_absolute(value)}" if name == _KEPT_BACK else choice


def _absolute(name: str) -> str:
    path = local(name)
    return name if path is None else str(path.absolute())


def _parted(source: str) -> tuple[str, str]:
    """The place, and what stands after the mark; a file whose own name has the mark is a place."""
    place, mark, written = source.rpartition("#")
    return (source, "") if not mark or local(source) is not None else (place, written)


def _code(spelling: str) -> str | None:
    try:
        return language(spelling).code
    except ValueError:
        return None


def _refuse(source: str, choice: str) -> NoReturn:
    raise CorpusError(
        f"After # a corpus takes {', '.join(SPLITS)}, target, quotes ({' or '.join(QUOTES)}), {_KEPT_BACK} or a language, "
        f"each with = and a name, parted by commas, as in my/corpus#test=devtest,zh=zh-cn. Got {choice!r}.",
        path=source,
    )
