"""What names say: the split of a file, the language of a column; and what no name says, for a line to the person."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pseudofam_core.corpora.choices import Choices
from pseudofam_core.languages import is_variant, language

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
NO_LANGUAGE = "name no known language (name them by code, like be, bel_Cyrl or pt-BR, or choose one, like #be=NAME)"
NO_PAIR = "name no pair of known languages (name them like be-en or bel_Cyrl-eng_Latn)"
NO_SPLIT = "name no split (name them train, dev or test)"
NO_TEXT = "hold numbers or identifiers, not sentences (if they are sentences, choose them, like #id=NAME)"
ECHOES = "repeat another language's words, as a system's output does (if it is Maltese, name it mlt)"
# A hash, a number, doc12.3: what a cell is that identifies a row. A quote is a sign of text, or of a cell cut in two.
_IDENTIFIER = re.compile(r"[!#-~]*[0-9][!#-~]*|[!#-/:-@\[-`{-~]+")


@dataclass(frozen=True)
class Skipped:
    """Something that is not read.

    Attributes:
        kind: ``folder``, ``file`` or ``column``.
        name: As the corpus spells it.
        why: What its name or content lacks.
    """

    kind: str
    name: str
    why: str


@dataclass(frozen=True)
class Columns:
    """The columns of a table by what they hold.

    Attributes:
        of: Language → column.
        rivals: Language → columns that could all be it: which is not said.
        read_as: Columns that are named by a variant (pt-BR) of the language that they are read as.
        skipped: The others.
    """

    of: Mapping[str, str]
    rivals: Mapping[str, tuple[str, ...]]
    read_as: Mapping[str, str]
    skipped: tuple[Skipped, ...]


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


def language_columns(
    spellings: Mapping[str, str],
    *,
    choices: Choices,
    cells: Mapping[str, Sequence[object]] | None = None,
    kind: str = "column",
) -> Columns:
    """Sort columns, or files of one table, by language.

    Args:
        spellings: How the name of each spells its language: a column's is the name itself.
        choices: A column that is chosen for a language, by its name or spelling, is taken whatever it holds.
        cells: Some cells of each column: one that is named like a language but holds numbers is none.
        kind: What to call them.
    """
    chosen = {
        code: name
        for code, wanted in choices.columns.items()
        for name, spelled in spellings.items()
        if wanted in (name, spelled)
    }
    columns: defaultdict[str, list[str]] = defaultdict(list)
    skipped = []
    for name, spelled in spellings.items():
        code = code_of(spelled)
        if name in chosen.values() or code in chosen:
            continue
        if code is None:
            skipped.append(Skipped(kind, name, NO_LANGUAGE))
        elif why := _no_text(name, spelled, cells or {}):
            skipped.append(Skipped(kind, name, why))
        else:
            columns[code].append(name)
    single = chosen | {code: names[0] for code, names in columns.items() if len(names) == 1}
    rivals = {code: tuple(names) for code, names in columns.items() if len(names) > 1}
    variants = {name: code for code, name in single.items() if code not in chosen and is_variant(spellings[name])}
    return Columns(single, rivals, variants, tuple(skipped))


def told(skipped: Iterable[Skipped]) -> str:
    """What was skipped and how to name it, in a line; empty where nothing was."""
    groups: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for column in dict.fromkeys(skipped):
        groups[column.kind, column.why].append(column.name)
    return "; ".join(f"{kind}s {_some(names)} {why}" for (kind, why), names in groups.items())


def _some(names: Sequence[str]) -> str:
    more = len(names) - 12
    return ", ".join(names[:12]) + (f" and {more} more" if more > 0 else "")


def _no_text(name: str, spelled: str, cells: Mapping[str, Sequence[object]]) -> str | None:
    """Why a column holds no sentences of a language, as far as its cells tell."""
    filled = [cell for cell in cells.get(name, ()) if cell not in (None, "")]
    if filled and all(not isinstance(cell, str) or _IDENTIFIER.fullmatch(cell.strip()) for cell in filled):
        return NO_TEXT
    # Maltese's code is also what machine translation is called.
    others = (column for other, column in cells.items() if other != name)
    if spelled.lower() == "mt" and any(_echoes(cells[name], other) for other in others):
        return ECHOES
    return None


def _echoes(cells: Sequence[object], others: Sequence[object]) -> bool:
    """Whether more than a third of the words of some cells stand in the same row of another column."""
    rows = [(str(cell).split(), set(str(other).split())) for cell, other in itertools.zip_longest(cells, others)]
    n_words = sum(len(words) for words, _ in rows)
    return sum(word in other for words, other in rows for word in words) > n_words / 3
