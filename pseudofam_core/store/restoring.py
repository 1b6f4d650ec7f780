"""Specs from their canonical JSON values: the inverse of `pseudofam_core.store.keys.canonical`."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar

from pseudofam_core.languages import LanguagePair, pair

T = TypeVar("T")


def restored(kind: type[T], values: Any) -> T:
    """A value of type `kind`: a dataclass of plain values, enums, tuples, language pairs and further dataclasses.

    A language pair may be written ``be-en`` as well. A field that is not named takes its default, so that a spec that was
    written before it existed can be read.

    Raises:
        TypeError: A name has no place in `kind`, or one without a default is missing.
        ValueError: A value is out of its range.
    """
    if kind is LanguagePair and isinstance(values, str):
        return typing.cast(T, pair(values))
    if not is_dataclass(kind):
        return typing.cast(T, _plain(kind, values))
    hints = typing.get_type_hints(kind)
    known = {one.name for one in fields(kind) if one.name in values}
    if strange := set(values) - known:
        raise TypeError(f"{kind.__name__} has no {', '.join(sorted(strange))}.")
    return typing.cast(T, kind(**{name: _typed(hints[name], values[name]) for name in known}))


def _typed(hint: Any, value: Any) -> Any:
    """A value of an annotation: ``X | None``, ``tuple[X, ...]``, or a type."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        if value is None:
            return None
        hint = next(one for one in typing.get_args(hint) if one is not type(None))
    if typing.get_origin(hint) is tuple:
        return tuple(_typed(typing.get_args(hint)[0], one) for one in value)
    return restored(hint, value)


def _plain(hint: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        raise TypeError(f"{getattr(hint, '__name__', hint)} must be a plain value. Got {dict(value)}.")
    return hint(value) if isinstance(hint, type) and issubclass(hint, Enum) else value
