"""The one way from JSON values to frozen values: the inverse of `pseudofam_core.store.keys.canonical`.

Nothing is converted on the way but what JSON can't write (tuples, enums, dataclasses): a 3 that stands for a float stays
a 3, for it is part of a key.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from reprlib import repr as short
from typing import Any, Literal, TypeVar

from pseudofam_core.errors import MalformedValue
from pseudofam_core.languages import LanguagePair, pair

T = TypeVar("T")
_Reader = Callable[[Any], Any]  # of a value; what it raises is placed by whoever calls it
_PLAIN: Mapping[Any, tuple[str, tuple[type, ...]]] = {
    str: ("a text", (str,)),
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    bool: ("true or false", (bool,)),
}


def restored(kind: type[T], values: Any, *, place: str = "") -> T:
    """A value of type `kind`: of plain values, enums, tuples, mappings, language pairs, and dataclasses of these.

    A language pair may be written ``be-en`` as well. A field that is not named takes its default, so that a value that was
    written before it existed can be read.

    Args:
        kind: What to make.
        values: As `json.loads` gives them.
        place: What errors call the whole; by default the name of `kind`.

    Raises:
        MalformedValue: A value has another type or is out of its range, a name has no place in a dataclass, or one without
            a default is missing. The message names the place, as in ``Workspace.cleaning.nfc``.
        TypeError: `kind` holds what JSON can't tell.
    """
    hint: Any = kind
    return typing.cast(T, _placed(_reader(hint), values, "{}", place or getattr(kind, "__name__", str(kind))))


def known_of(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Those entries that dataclass `kind` has a field for: of files that may hold more, such as those of later versions."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


@functools.cache
def _reader(hint: Any) -> _Reader:
    """What reads the values of an annotation."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return lambda value: value
    if hint in _PLAIN:
        return functools.partial(_plain, hint)
    if origin in (typing.Union, types.UnionType):
        readers = [_reader(argument) for argument in arguments if argument is not type(None)]
        return functools.partial(_either, readers, type(None) in arguments)
    if origin is Literal:
        return functools.partial(_member, arguments)
    if origin is tuple:
        return functools.partial(
            _tuple, [_reader(argument) for argument in arguments if argument is not ...], arguments[-1] is ...
        )
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return functools.partial(_mapping, *map(_reader, arguments))
    if isinstance(hint, type) and issubclass(hint, Enum):
        members = tuple(member.value for member in hint)
        return lambda value: hint(_member(members, value))
    if is_dataclass(hint):
        return _pair if hint is LanguagePair else functools.partial(_dataclass, hint)
    raise TypeError(f"kind must be of plain values, enums, tuples, mappings and dataclasses. Got {hint}.")


def _plain(kind: Any, value: Any) -> Any:
    demand, taken = _PLAIN[kind]
    if not isinstance(value, taken) or (isinstance(value, bool) and kind is not bool):
        raise _malformed(demand, value)
    return value


def _either(readers: list[_Reader], optional: bool, value: Any) -> Any:
    """What the first reader makes that takes the value; the last one tells what is wrong."""
    if value is None and optional:
        return None
    for reader in readers[:-1]:
        try:
            return reader(value)
        except MalformedValue:
            continue
    return readers[-1](value)


def _member(members: tuple[Any, ...], value: Any) -> Any:
    if not any(value == member and type(value) is type(member) for member in members):
        raise _malformed(f"one of {', '.join(map(str, members))}", value)
    return value


def _tuple(readers: list[_Reader], any_length: bool, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _malformed("a list", value)
    if any_length:
        readers = readers * len(value)
    if len(value) != len(readers):
        raise _malformed(f"a list of {len(readers)}", value)
    both = enumerate(zip(readers, value, strict=True))
    return tuple(_placed(reader, item, "[{}]", i) for i, (reader, item) in both)


def _mapping(names: _Reader, values: _Reader, value: Any) -> dict[Any, Any]:
    return {
        _placed(names, name, ".{}", name): _placed(values, item, ".{}", name) for name, item in _named(value).items()
    }


def _pair(value: Any) -> LanguagePair:
    """A pair as `canonical` writes it, or as people do."""
    if not isinstance(value, str):
        return typing.cast(LanguagePair, _dataclass(LanguagePair, value))
    try:
        return pair(value)
    except ValueError as error:
        raise MalformedValue(f": {error}") from error


def _dataclass(kind: Any, value: Any) -> Any:
    readers, required = _fields(kind)
    named = _named(value)
    if strange := sorted(set(named) - set(readers)):
        raise MalformedValue(f" has no {', '.join(strange)}. It has {', '.join(readers)}.")
    if lacking := [name for name in required if name not in named]:
        raise MalformedValue(f" must have {', '.join(lacking)}. Got {', '.join(named) or 'nothing'}.")
    given = {name: _placed(readers[name], item, ".{}", name) for name, item in named.items()}
    try:
        return kind(**given)
    except ValueError as error:
        raise MalformedValue(f": {error}") from error


@functools.cache
def _fields(kind: Any) -> tuple[Mapping[str, _Reader], tuple[str, ...]]:
    """What reads each field of a dataclass, and the names of those without a default."""
    hints = typing.get_type_hints(kind)
    required = (field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING)
    return {field.name: _reader(hints[field.name]) for field in fields(kind)}, tuple(required)


def _named(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _malformed("values by name", value)
    return value


def _placed(reader: _Reader, value: Any, form: str, step: object) -> Any:
    """What a reader makes; what it refuses is told with the step that led to it."""
    try:
        return reader(value)
    except MalformedValue as error:
        raise MalformedValue(f"{form.format(step)}{error}") from error.__cause__


def _malformed(demand: str, value: Any) -> MalformedValue:
    return MalformedValue(f" must be {demand}. Got {short(value)}.")
