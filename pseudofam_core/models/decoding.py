"""What evaluation means by beam search, and which of a model's own generation settings hold in it.

The search is the same for all models, or scores of two of them could not be held against each other. A model's own settings
hold where they say what a token is for, or which it must not write; whatever else it asks for is set aside, and named.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pseudofam_core.errors import ModelError
from pseudofam_core.models.hub import ModelSource, read_text

BEAM_SEARCH: Mapping[str, Any] = {
    "do_sample": False,
    "early_stopping": False,
    "length_penalty": 1.0,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "encoder_repetition_penalty": 1.0,
    "encoder_no_repeat_ngram_size": 0,
    "min_length": 0,
    "num_return_sequences": 1,
    "return_dict_in_generate": False,
}
"""By the names of `transformers.GenerationConfig`, beside ``num_beams`` and ``max_length``, which are asked for."""

SEARCH_WORDS = (
    "beam search by log-probability per token (length penalty 1), until no open hypothesis is likely to become the best; "
    "nothing is drawn, and repetition is neither penalised nor forbidden"
)

HOLDS = (
    *("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id"),
    *("forced_bos_token_id", "forced_eos_token_id", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens"),
)
"""Of a model's own settings, those that hold. `first_target_token` is put in place of ``forced_bos_token_id``."""

_ROLES = HOLDS[:4]
# What else would change outputs, and its value that changes nothing.
OFF: Mapping[str, Any] = {
    **BEAM_SEARCH,
    "cache_implementation": None,
    "constraints": None,
    "diversity_penalty": 0.0,
    "dola_layers": None,
    "exponential_decay_length_penalty": None,
    "force_words_ids": None,
    "guidance_scale": None,
    "max_new_tokens": None,
    "max_time": None,
    "min_new_tokens": None,
    "num_beam_groups": 1,
    "penalty_alpha": None,
    "prompt_lookup_num_tokens": None,
    "remove_invalid_values": False,
    "renormalize_logits": False,
    "sequence_bias": None,
    "stop_strings": None,
    "token_healing": False,
    "use_mtp": False,
    "watermarking_config": None,
}


@dataclass(frozen=True)
class OwnSettings:
    """A model's own generation settings.

    Attributes:
        values: Those of `HOLDS`, by name.
        set_aside: The others that would change outputs, as ``name = value``; sorted.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    set_aside: tuple[str, ...] = ()

    @property
    def told(self) -> tuple[str, ...]:
        """What holds beside the roles of tokens, as ``name = value``."""
        return tuple(_told(name, value) for name, value in self.values.items() if name not in _ROLES)


def own_settings(source: ModelSource) -> OwnSettings:
    """What a model's ``generation_config.json`` says, or its ``config.json`` where it has none.

    Raises:
        ModelError: The file can't be read.
    """
    said = _read(source, "generation_config.json")
    if said is None:
        said = _read(source, "config.json") or {}
    held = {name: said[name] for name in HOLDS if said.get(name) is not None}
    aside = [_told(name, said[name]) for name, off in OFF.items() if _differs(said.get(name), off)]
    return OwnSettings(held, tuple(sorted(aside)))


def _read(source: ModelSource, name: str) -> Mapping[str, Any] | None:
    """The entries of a JSON file of the model; None where it has no such file."""
    try:
        text = read_text(source, name)
        said = None if text is None else json.loads(text)
        if not isinstance(said, Mapping | None):
            raise ValueError("it holds no names with values")
    except ValueError as error:
        raise ModelError(f"{name} of {source.name} must be JSON. It can't be read: {error}. Correct it.") from error
    return said


def _differs(value: Any, off: Any) -> bool:
    return value is not None and value != off and bool(value or off)


def _told(name: str, value: Any) -> str:
    return f"{name} = {json.dumps(value)}"
