"""How well a colour can be read on another: WCAG 2's contrast ratio, 1 to 21."""

from __future__ import annotations

from collections.abc import Sequence


def contrast(first: Sequence[float], second: Sequence[float]) -> float:
    """The ratio of two colours, each red, green and blue in [0, 1]."""
    darker, lighter = sorted(map(_luminance, (first, second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Sequence[float]) -> float:
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
