"""The view in the address: a link opens it, Back undoes a change, Forward does it again.

The address is read where a page is opened or history is walked, and written where a person changes a control. Streamlit's
own `bind="query-params"` replaces the address instead of adding to the browser's history, so that Back skips a page's
changes; `st.query_params` adds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

T = TypeVar("T")
N = TypeVar("N", int, float)
_STATE = "view_state"
_LONGEST = 5000  # characters of a value in the address


@dataclass
class _Address:
    """What one visitor's address says.

    Attributes:
        page: The page it is of; None before the first.
        values: The controls that differ from their defaults, by name, written as the address writes them.
        left: The same for each page that was left.
        shared: Names of the controls that all pages share.
        known: Names of all controls seen so far.
    """

    page: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    left: dict[str, dict[str, str]] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)


def open_page(page: str) -> None:
    """Read the address where it is news: on opening a page, and on Back and Forward. explorer.py calls it before any control.

    In between, what this server remembers is the truth: a second quick change may arrive with the address of before the first.
    """
    address = _address()
    context = get_script_run_ctx()
    if address.page != page or (context is not None and context.is_history_navigation):
        if address.page is not None:
            address.left[address.page] = address.values
        told = st.query_params.to_dict()
        address.page, address.values = page, {name: text for name, text in told.items() if len(text) <= _LONGEST}


def _as_value(value: Any) -> dict[str, Any]:
    return {"value": value}


def control(
    name: str,
    default: T,
    *,
    read: Callable[[str], T],
    write: Callable[[T], str] = str,
    shared: bool = False,
    start: Callable[[T], dict[str, Any]] = _as_value,
) -> dict[str, Any]:
    """Arguments that tie a widget to the address: ``st.text_input("Model", **control("model", "sample", read=str))``.

    Args:
        name: Its name in the address, and the widget's key.
        default: The value that the address does not mention.
        read: From the address's text to the value. ValueError or KeyError mean the text is nonsense: the default is shown.
        write: The way back.
        shared: Whether all pages have this control. The sidebar's do.
        start: How the widget is told its value at first: ``value``, but for `choice` and its kin.
    """
    address = _address()
    address.known.add(name)
    if shared:
        address.shared.add(name)
    value = default
    if (said := address.values.get(name)) is not None:
        try:
            value = read(said)
        except (ValueError, KeyError):
            value = default
    tied = {"key": name, "on_change": _changed, "args": (name, default, write)}
    if name not in st.session_state or st.session_state[name] != value:
        st.session_state[name] = value
        return tied
    # Said in every other run: a widget that the browser makes anew, in the midst of a change of page, falls back on it.
    return tied | start(value)


def choice(
    name: str,
    options: Sequence[T],
    default: T | None = None,
    *,
    code: Callable[[T], str] = str,
    shared: bool = False,
    start: Literal["index", "default", "value"] = "index",
) -> dict[str, Any]:
    """`control` for a widget that takes one of `options`: the first, where no default is named.

    Args:
        name: See `control`.
        options: The values to choose from.
        default: See `control`.
        code: How the address writes an option.
        shared: See `control`.
        start: How the widget calls its first value: ``index`` of a select box or radio, ``default`` of a segmented
            control or pills, ``value`` of a select slider.
    """
    by_code = {code(option): option for option in options}
    first = options[0] if default is None else default

    def begin(value: T) -> dict[str, Any]:
        return {start: list(options).index(value) if start == "index" else value}

    return control(name, first, read=by_code.__getitem__, write=code, shared=shared, start=begin)


def optional(
    name: str, options: Sequence[T], *, code: Callable[[T], str] = str, shared: bool = False
) -> dict[str, Any]:
    """`control` for a select box that takes one of `options` or nothing."""
    by_code: dict[str, T | None] = {code(option): option for option in options}
    tied = control(
        name,
        None,
        read=by_code.__getitem__,
        write=lambda option: "" if option is None else code(option),
        shared=shared,
        start=lambda option: {} if option is None else {"index": list(options).index(option)},
    )
    return {"index": None} | tied


def several(name: str, options: Sequence[T], *, code: Callable[[T], str] = str, shared: bool = False) -> dict[str, Any]:
    """`control` for a multiselect of `options`, none by default. Options that are gone are left out."""
    by_code = {code(option): option for option in options}
    empty: list[T] = []
    return control(
        name,
        empty,
        read=lambda text: [by_code[written] for written in dict.fromkeys(text.split()) if written in by_code],
        write=lambda chosen: " ".join(code(option) for option in chosen),
        shared=shared,
        start=lambda chosen: {"default": chosen},
    )


def number(name: str, default: N, *, low: N, high: N, most: N | None = None, shared: bool = False) -> dict[str, Any]:
    """`control` for a number of the default's own type. One out of bounds is nonsense: a link must not ask for all of a server.

    Args:
        name: See `control`.
        default: See `control`.
        low: The least that makes sense.
        high: The most that makes sense.
        most: Where the control ends at present, if below `high`: what the address says beyond it counts as this.
        shared: See `control`.
    """
    end = high if most is None else most
    return control(name, default, read=lambda text: min(_bounded(type(default)(text), low, high), end), shared=shared)


def optional_number(
    name: str, kind: type[N], default: N | None = None, *, low: N, high: N, shared: bool = False
) -> dict[str, Any]:
    """`control` for a number input that may be left empty; the address writes an emptied one as ``all``."""
    tied = control(
        name,
        default,
        read=lambda text: None if text == "all" else _bounded(kind(text), low, high),
        write=lambda value: "all" if value is None else str(value),
        shared=shared,
    )
    return {"value": None} | tied


def switch(name: str, default: bool = False, *, shared: bool = False) -> dict[str, Any]:
    """`control` for a toggle or checkbox."""
    return control(
        name,
        default,
        read=lambda text: {"yes": True, "no": False}[text],
        write=lambda on: "yes" if on else "no",
        shared=shared,
    )


def set_value(name: str, words: str | None) -> None:
    """Change a control from elsewhere (a click in a chart, a button), as if it had been moved; None is its default.

    To be called from a callback, or before the control is made.
    """
    address = _address()
    address.known.add(name)
    if words is None:
        address.values.pop(name, None)
    else:
        address.values[name] = words
    _write(address)


def open_view(values: Mapping[str, str]) -> None:
    """Give the present page these controls and no others, as if its address had been opened. To be called from a callback."""
    address = _address()
    address.known.update(values)
    address.values = dict(values)
    _write(address)


def text_of(name: str) -> str | None:
    """What the address says of a control that this run may not draw, and goes on to say; None where it is at its default."""
    address = _address()
    address.known.add(name)
    return address.values.get(name)


def number_of(name: str, kind: type[N], *, low: N, high: N) -> N | None:
    """The number that the address says of a control; None where it says nothing or nonsense."""
    try:
        return None if (said := text_of(name)) is None else _bounded(kind(said), low, high)
    except ValueError:
        return None


def reset(keep: Sequence[str]) -> None:
    """Set every control of every page to its default, but those named."""
    address = _address()
    address.left.clear()
    address.values = {name: text for name, text in address.values.items() if name in keep}
    _write(address)


def parameters(page: str, **view: str) -> dict[str, str]:
    """The address of a page as it was left, with what all pages share as it is now.

    Args:
        page: Name of the page in the address; empty for the first.
        view: Controls of that page to be set, as the address writes them.
    """
    address = _address()
    if page == address.page:
        return address.values | view
    shared = {name: text for name, text in address.values.items() if name in address.shared}
    of_page = {name: text for name, text in address.left.get(page, {}).items() if name not in address.shared}
    return shared | of_page | view


def address() -> tuple[str, dict[str, str]]:
    """The present page and all that its address says."""
    now = _address()
    return now.page or "", dict(now.values)


def _address() -> _Address:
    address: _Address = st.session_state.setdefault(_STATE, _Address())
    return address


def _changed(name: str, default: Any, write: Callable[[Any], str]) -> None:
    address = _address()
    value = st.session_state[name]
    if value == default:
        address.values.pop(name, None)
    else:
        address.values[name] = write(value)
    _write(address)


def _write(address: _Address) -> None:
    """Put the view into the address, which adds to the browser's history where it differs."""
    st.query_params.from_dict({name: text for name, text in address.values.items() if name in address.known})


def _bounded(value: N, low: N, high: N) -> N:
    if not low <= value <= high:  # said so that NaN is refused
        raise ValueError(f"The address asks for {value}, which must be in [{low}, {high}].")
    return value
