"""How a tokenizer writes a language: as its user has named it, as its family does, or in any spelling that it knows.

A user names tokens in the model's ``tokenizer_config.json``: ``"language_tokens": {"sr": ">>srp_Latn<<"}``. There they
belong to the model's digest, and so to every key.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pseudofam_core.errors import ModelError
from pseudofam_core.languages import Language, is_variant, language

SETTING = "language_tokens"
_WRITTEN = re.compile(r"<2([A-Za-z_-]+)>|>>([A-Za-z_-]+)<<")


def named_token(tokenizer: Any, lang: Language) -> str | None:
    """The token that the model's user has named for a language, or None.

    Raises:
        ModelError: A language or token that is named is none.
    """
    return _named(tokenizer).get(lang.code)


def written_token(tokenizer: Any, lang: Language, spellings: Sequence[str | None]) -> str | None:
    """The token ``<2be>`` or ``>>bel<<`` of a language.

    The one that is named, else by the first of `spellings` that is known, else any that stands for the language. A variant
    (``>>srp_Latn<<`` for Serbian, which is Cyrillic here) is taken only where it is named.
    """
    if named := named_token(tokenizer, lang):
        return named
    known = _tokens(tokenizer)
    first = next((known[spelling] for spelling in spellings if spelling and spelling in known), None)
    return first or _by_language(tokenizer).get(lang.code)


def is_written(tokenizer: Any, token: str | None) -> bool:
    """Whether the tokenizer has a token."""
    return token is not None and token in _vocabulary(tokenizer)


@functools.lru_cache(maxsize=8)
def _vocabulary(tokenizer: Any) -> frozenset[str]:
    return frozenset(tokenizer.get_vocab())


@functools.lru_cache(maxsize=8)
def _tokens(tokenizer: Any) -> Mapping[str, str]:
    """Tokens of languages by what stands in them: est of ``>>est<<``."""
    matches = {token: _WRITTEN.fullmatch(token) for token in sorted(_vocabulary(tokenizer))}
    return {match[1] or match[2]: token for token, match in matches.items() if match}


@functools.lru_cache(maxsize=8)
def _by_language(tokenizer: Any) -> Mapping[str, str]:
    """Tokens by language; of several that stand for one, the shortest, and of these the first."""
    tokens: dict[str, str] = {}
    for spelling, token in sorted(_tokens(tokenizer).items(), key=lambda item: (len(item[0]), item[0])):
        try:
            code = language(spelling).code
        except ValueError:
            continue
        if not is_variant(spelling):
            tokens.setdefault(code, token)
    return tokens


@functools.lru_cache(maxsize=8)
def _named(tokenizer: Any) -> Mapping[str, str]:
    setting = tokenizer.init_kwargs.get(SETTING, {})
    demand = f"{SETTING} in tokenizer_config.json must name a token of the tokenizer for each language"
    if not isinstance(setting, dict):
        raise ModelError(f'{demand}, like {{"sr": ">>srp_Latn<<"}}. Got {setting!r}.')
    named = {}
    for spelling, token in setting.items():
        if not is_written(tokenizer, token):
            raise ModelError(f"{demand}. Got {token!r} for {spelling!r}, which it has not.")
        try:
            named[language(spelling).code] = token
        except ValueError as error:
            raise ModelError(f"{demand}. {error}") from error
    return named
