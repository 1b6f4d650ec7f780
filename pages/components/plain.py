"""Text from elsewhere, shown as text: names of folders and models, titles, errors, what an address says."""

from __future__ import annotations

import re

# What begins an image, a link, HTML, a formula, a colour, an icon, a heading or emphasis in Streamlit's Markdown.
_MARKS = re.compile(r"[\\`*_\[\]<>$~#|!&]|:(?=\S)")
# Addresses become links after all escapes are read; a word joiner, which nobody sees, keeps them from it.
_ADDRESSES = re.compile(r"(?<=www)(?=\.)|(?<=http:)(?=//)|(?<=https:)(?=//)|(?=@)", re.IGNORECASE)
_LONGEST = 2000  # characters


def plain(text: object) -> str:
    """The text with every mark of Markdown escaped, on one line and of a bearable length."""
    words = " ".join(str(text).split())
    short = words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
    return _MARKS.sub(r"\\\g<0>", _ADDRESSES.sub("\u2060", short))
