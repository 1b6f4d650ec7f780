"""Groups of a model's parameters, by their Hugging Face names (METHOD.md §1)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import regex  # it can be given a time limit; what `re` reads it reads alike

# fc1/fc2: M2M100, NLLB, mBART, Marian. DenseReluDense.wi, .wi_0, .wi_1, .wo: T5, MADLAD.
_FFN = r"{side}\.(layers|block)\.\d+\..*\b(fc1|fc2|wi|wi_0|wi_1|wo)\.weight$"
# Llama and its kin, GPT-2; BERT and its kin, whose attention has an output.dense too.
_DECODER_ONLY_FFN = r"\b(layers|h)\.\d+\.mlp\.\w+\.weight$"
_ENCODER_ONLY_FFN = r"\blayer\.\d+\.(intermediate|output)\.dense\.weight$"
_PATTERNS = {
    "ffn": "|".join((_FFN.format(side="(encoder|decoder)"), _DECODER_ONLY_FFN, _ENCODER_ONLY_FFN)),
    "encoder-ffn": _FFN.format(side="encoder"),
    "decoder-ffn": _FFN.format(side="decoder"),
    "attention": r"(encoder|decoder)\.(layers|block)\.\d+\..*(self_attn|encoder_attn|SelfAttention|EncDecAttention)\.",
    "layers": r"\b(layers|block|layer|h)\.\d+\.",
    "all": r"",
}


_LONGEST = 500  # characters of an expression
_SECONDS = 2.0  # for all names together

PARAMETER_GROUPS = ("ffn", "encoder-ffn", "decoder-ffn", "attention", "layers", "all")


def select_parameters(names: Iterable[str], group: str) -> tuple[str, ...]:
    """The names that belong to a group, in the order given.

    Args:
        names: Parameter names.
        group: One of `PARAMETER_GROUPS`, or a regular expression that is searched in each name.

    Raises:
        ValueError: The expression is not valid or takes too long, or nothing belongs to the group.
    """
    demand = f"parameters must be one of {', '.join(PARAMETER_GROUPS)} or a regular expression"
    if len(group) > _LONGEST:
        raise ValueError(f"{demand} of at most {_LONGEST} characters. Got {len(group)}.")
    try:
        selected = _searched(names, regex.compile(_PATTERNS.get(group, group)))
    except (regex.error, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"{demand}. Got {group!r}: {error}.") from error
    except TimeoutError as error:
        raise ValueError(f"{demand} that is quick to search. {group!r} takes more than {_SECONDS:g} s.") from error
    if not selected:
        raise ValueError(f"parameters must select at least one parameter. {group!r} selects none of this model's.")
    return selected


def _searched(names: Iterable[str], pattern: regex.Pattern[str]) -> tuple[str, ...]:
    """Names in which the pattern is found.

    Raises:
        TimeoutError: It takes too long: some patterns try every way to part a name.
    """
    end = time.monotonic() + _SECONDS
    return tuple(name for name in names if pattern.search(name, timeout=max(end - time.monotonic(), 1e-3)))


def compared_parameters(names: Sequence[str]) -> tuple[str, ...]:
    """The parameters that similarity looks at: `names`, sorted, without ``k_proj.bias``.

    A key bias shifts all of a softmax's inputs alike, so its gradient is zero and its Fisher is rounding noise.
    """
    return tuple(sorted(name for name in set(names) if not name.endswith("k_proj.bias")))
