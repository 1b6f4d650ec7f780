"""How a file comes to hold what nobody wrote: flipped, cut, exchanged, a folder in its place, a JSON value of another kind."""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    10**5000,
    1e308,
    float("inf"),
    float("nan"),
    "",
    "\ud800",
    "a\0b",
    "~nobody/x",
    "x" * 5000,
    [],
    {},
    [[]],
    {"a": 1},
)
_TEXTS = (b"", b"[]", b"null", b"3", b'"x"', b"[" * 200_000, b'{"a":' * 200_000, b"\xff\xfe", b"\0" * 4096, b"1" * 5000)


def damage(path: Path, others: Sequence[Path], rng: random.Random) -> str:
    """Do one thing to a file; says what in a word."""
    kinds = [_flip, _flip, _cut, _replace, _remove, _folder, _exchange]
    kind = rng.choice([*kinds, _json, _json, _json] if path.suffix == ".json" else kinds)
    kind(path, others, rng)
    return f"{path.name} {kind.__name__.strip('_')}"


def damaged_json(text: str, rng: random.Random) -> str:
    """The JSON with one of its values removed or of another kind, or with a field that nobody knows."""
    values = json.loads(text)
    holders = [values]
    for holder in holders:
        inner = list(holder.values() if isinstance(holder, dict) else holder)
        holders += [one for one in inner if isinstance(one, dict | list) and one]
    holder = rng.choice(holders)
    if not isinstance(holder, dict | list) or not holder:
        return odd_json(rng.choice(ODD))
    place = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    if rng.random() < 0.2:
        del holder[place]
    elif rng.random() < 0.1 and isinstance(holder, dict):
        holder["a newer field"] = 1
    elif rng.random() < 0.3 and isinstance(holder[place], int | float):
        holder[place] = holder[place] * rng.choice([0, -1, 2, 1e9]) + rng.choice([0, 1])
    else:
        holder[place] = rng.choice(ODD)
    return odd_json(values)


def odd_json(values: Any) -> str:
    """JSON of values of which some may be odd, a number of thousands of digits among them."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return json.dumps(values)
    finally:
        sys.set_int_max_str_digits(limit)


def _flip(path: Path, _: Sequence[Path], rng: random.Random) -> None:
    whole = bytearray(path.read_bytes() or b"x")
    for _n in range(rng.choice([1, 1, 1, 8])):
        whole[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
    path.write_bytes(whole)


def _cut(path: Path, _: Sequence[Path], rng: random.Random) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: rng.randrange(len(whole) + 1)])


def _replace(path: Path, _: Sequence[Path], rng: random.Random) -> None:
    path.write_bytes(rng.choice([*_TEXTS, rng.randbytes(99)]))


def _remove(path: Path, _: Sequence[Path], __: random.Random) -> None:
    path.unlink()


def _folder(path: Path, _: Sequence[Path], rng: random.Random) -> None:
    path.unlink()
    path.mkdir()
    if rng.random() < 0.5:
        (path / "x").write_text("x")


def _exchange(path: Path, others: Sequence[Path], rng: random.Random) -> None:
    """With a file of the same name, or its whole folder with the other's."""
    alike = [one for one in others if one.name == path.name and one != path]
    if not alike:
        return _flip(path, others, rng)
    one, two = (path, rng.choice(alike)) if rng.random() < 0.5 else (path.parent, rng.choice(alike).parent)
    if one == two or one in two.parents or two in one.parents:
        return _flip(path, others, rng)
    aside = path.parents[1] / "aside"
    for source, target in ((one, aside), (two, one), (aside, two)):
        shutil.move(source, target)
    return None


def _json(path: Path, _: Sequence[Path], rng: random.Random) -> None:
    path.write_text(damaged_json(path.read_text(encoding="utf-8"), rng), encoding="utf-8")
