"""The method in three small pictures, in colours that are readable on light and on dark."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin

_NEAR, _FAR, _TARGET = "#1a8fa8", "#7d8b95", "#d55e00"
_WORDS = "#71808b"
# Cividis, far to near.
_SCALE = ("#00224e", "#575d6d", "#a59c74", "#fee838")
_IMPORTANT = {"be": (1, 2, 6, 7, 9, 14, 16), "uk": (1, 2, 6, 9, 13, 14, 16), "tr": (0, 4, 5, 8, 11, 17, 18)}
_NEARNESS = ((None, 3, 0, 1), (3, None, 0, 1), (0, 0, None, 2), (1, 1, 2, None))


@dataclass(frozen=True)
class Picture:
    """A drawing, and the same in words for who can't see it."""

    svg: str
    alt: str


def estimates_picture() -> Picture:
    """Three languages, each with the parameters it acts on most: two share most of theirs, the third few."""
    parts = []
    for column, (code, important) in enumerate(_IMPORTANT.items()):
        left = 20 + 92 * column
        parts.append(_text(left + 36, 24, code))
        for cell in range(20):
            colour = (_TARGET if code == "tr" else _NEAR) if cell in important else _FAR
            opacity = 1 if cell in important else 0.22
            x, y = left + 15 * (cell % 5), 36 + 19 * (cell // 5)
            parts.append(f'<rect x="{x}" y="{y}" width="12" height="15" rx="2" fill="{colour}" opacity="{opacity}"/>')
    return _picture(
        "Grids of parameters for Belarusian, Ukrainian and Turkish. The first two light up in almost the same places.",
        parts,
    )


def similarity_picture() -> Picture:
    """A small matrix: yellow where two languages act on the same parameters."""
    codes, parts = ("be", "uk", "tr", "kk"), []
    for row, values in enumerate(_NEARNESS):
        parts.append(_text(84, 45 + 24 * row, codes[row], anchor="end"))
        parts.append(_text(107 + 34 * row, 18, codes[row]))
        for column, value in enumerate(values):
            colour, opacity = (_FAR, 0.15) if value is None else (_SCALE[value], 1)
            place = f'x="{92 + 34 * column}" y="{28 + 24 * row}" width="31" height="21" rx="2"'
            parts.append(f'<rect {place} fill="{colour}" opacity="{opacity}"/>')
    return _picture(
        "A matrix of four languages. Belarusian and Ukrainian are near each other, Turkish and Kazakh too.", parts
    )


def family_picture() -> Picture:
    """A target, the radius around it, and its neighbours in and out of the family."""
    parts = [
        f'<circle cx="150" cy="64" r="50" fill="{_NEAR}" fill-opacity="0.13" stroke="{_NEAR}" stroke-dasharray="4 3"/>',
        f'<circle cx="150" cy="64" r="7" fill="{_TARGET}"/>',
        _text(150, 52, "be"),
    ]
    for code, angle, distance in (("uk", 175, 32), ("sk", 335, 36), ("bg", 275, 42), ("tr", 350, 96), ("ja", 170, 108)):
        x, y = 150 + distance * cos(radians(angle)), 64 - distance * sin(radians(angle)) * 0.8
        member = distance < 50
        fill = _NEAR if member else "none"
        parts.append(
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="6" fill="{fill}" stroke="{_NEAR if member else _FAR}" stroke-width="2"/>'
        )
        parts.append(_text(round(x), round(y) - 10, code))
    return _picture("Belarusian in the centre of a circle: three neighbours lie within, two without.", parts)


def _picture(words: str, parts: list[str]) -> Picture:
    drawn = "".join(parts)
    size = 'width="300" height="132" viewBox="0 -4 300 132"'
    return Picture(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{drawn}</svg>', words)


def _text(x: int, y: int, words: str, *, anchor: str = "middle") -> str:
    look = f'text-anchor="{anchor}" font-size="14" font-weight="bold" font-family="sans-serif" fill="{_WORDS}"'
    return f'<text x="{x}" y="{y}" {look}>{words}</text>'
