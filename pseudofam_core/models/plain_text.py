"""Text that contains a model's own tokens, encoded as the text that it is: a sentence with ``</s>`` does not end there.

Tokenizers take such strings for control tokens wherever they stand. Sentences without any are encoded as ever.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence, Set
from typing import Any

from pseudofam_core.errors import ModelError

# MADLAD's and Marian's codes are ordinary entries of their vocabularies.
_CODE = re.compile(r"<2[^<>\s]+>|>>[^<>\s]+<<")


def encode_plain(
    tokenizer: Any, texts: Sequence[str], *, prefix: str = "", side: str = "text", **options: Any
) -> list[list[int]]:
    """Token ids of texts, in which no token of the model's own stands but those that the tokenizer or `prefix` puts there.

    Args:
        tokenizer: The model's own tokenizer, its languages set.
        texts: Sentences.
        prefix: What stands before each, for the model to read as it is: a language code.
        side: ``text``, or ``text_target`` for what the model writes.
        options: Of the tokenizer's call: truncation, special tokens.

    Raises:
        ModelError: The tokenizer makes a token of its own of a text, however it is put.
    """
    control_tokens, unknown = _own_tokens(tokenizer), tokenizer.unk_token
    control_ids = frozenset(control_tokens.values())
    encoded: list[list[int]] = tokenizer(**{side: [prefix + text for text in texts]}, **options)["input_ids"]
    allowed = _count(tokenizer(**{side: [prefix]}, **options)["input_ids"][0], control_ids)
    for i, (text, ids) in enumerate(zip(texts, encoded, strict=True)):
        # The token for what is unknown stands for letters too: where its own name is written, only the text tells.
        if _count(ids, control_ids) > allowed or (unknown and unknown in text):
            encoded[i] = _as_text(tokenizer, text, control_tokens, prefix=prefix, side=side, options=options)
            if _count(encoded[i], control_ids) > allowed:
                message = f"The tokenizer takes a part of {text[:80]!r} for a control token. Remove it from the text."
                raise ModelError(message)
    return encoded


def _own_tokens(tokenizer: Any) -> dict[str, int]:
    """Tokens that no text stands for. The one for unknown text is none of them, unless it has another role."""
    vocabulary: Mapping[str, int] = tokenizer.get_vocab()
    control_tokens = {token: vocabulary[token] for token in tokenizer.all_special_tokens if token in vocabulary}
    control_tokens |= {token: i for token, i in vocabulary.items() if _CODE.fullmatch(token)}
    control_tokens |= getattr(tokenizer, "lang_token_to_id", {})
    if tokenizer.unk_token not in (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token):
        control_tokens.pop(tokenizer.unk_token, None)
    return control_tokens


def _count(ids: Sequence[int], control_ids: Set[int]) -> int:
    return sum(token_id in control_ids for token_id in ids)


def _as_text(
    tokenizer: Any, text: str, control_tokens: Mapping[str, int], *, prefix: str, side: str, options: Mapping[str, Any]
) -> list[int]:
    """The text with each of the model's own tokens in it spelled out, framed and cut as `options` say."""
    names = sorted({*control_tokens, tokenizer.unk_token or next(iter(control_tokens))}, key=len, reverse=True)
    marks = re.compile(f"({'|'.join(map(re.escape, names))})")
    if not marks.search(text):  # the tokenizer makes wide letters plain
        text = unicodedata.normalize("NFKC", text)
    ids: list[int] = []
    for place, part in enumerate(marks.split(text)):
        ids += _spelled(tokenizer, part, control_tokens, side) if place % 2 else _bare(tokenizer, part, side)
    before, after = _frame(tokenizer, side) if options.get("add_special_tokens", True) else ([], [])
    room = options["max_length"] - len(before) - len(after)
    return [*before, *[*_bare(tokenizer, prefix, side), *ids][:room], *after]


def _bare(tokenizer: Any, text: str, side: str, **options: Any) -> list[int]:
    """Ids of a text without a frame."""
    ids: list[int] = tokenizer(**{side: text}, add_special_tokens=False, **options)["input_ids"] if text else []
    return ids


def _spelled(tokenizer: Any, name: str, control_tokens: Mapping[str, int], side: str) -> list[int]:
    """Ids of a token's name as text: as the tokenizer splits it where it can, else letter by letter."""
    ids = _bare(tokenizer, name, side, split_special_tokens=True)
    if name != tokenizer.unk_token and not _count(ids, frozenset(control_tokens.values())):
        return ids
    letters = (tokenizer.convert_tokens_to_ids(letter) for letter in name)
    return [token_id for token_id in letters if token_id is not None]


def _frame(tokenizer: Any, side: str) -> tuple[list[int], list[int]]:
    """What the tokenizer puts before and after a text."""
    bare = _bare(tokenizer, "a", side)
    whole = tokenizer(**{side: "a"})["input_ids"]
    place = next(i for i in range(len(whole)) if whole[i : i + len(bare)] == bare)
    return whole[:place], whole[place + len(bare) :]
