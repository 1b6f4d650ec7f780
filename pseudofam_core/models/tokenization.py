"""Text to token ids, with source and target language set the way each model family wants it.

Text of one language is no translation: classifiers read its sources and give its targets, which are labels; causal
language models go on from prompts with answers; sequence-to-sequence models do either as text to text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from transformers import M2M100Tokenizer, MarianTokenizer, MBart50Tokenizer, NllbTokenizer, PreTrainedTokenizerBase

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.errors import LanguageNotCovered, ModelError
from pseudofam_core.languages import Language, LanguagePair, language, languages
from pseudofam_core.models.language_tokens import SETTING, is_written, named_token, written_token
from pseudofam_core.models.plain_text import encode_plain


class ModelFamily(Enum):
    """How a family of models is told the languages, or that it is no translation model."""

    M2M100 = "M2M100"
    NLLB = "NLLB"
    MBART50 = "mBART-50"
    MARIAN = "Marian"
    MADLAD = "MADLAD"
    T5 = "T5"
    CLASSIFIER = "classification"
    CAUSAL = "causal language"

    @property
    def translates(self) -> bool:
        """Whether it reads one text and writes another."""
        return self not in (ModelFamily.CLASSIFIER, ModelFamily.CAUSAL)


_EXAMPLE = f'"{SETTING}": {{"sr": ">>srp_Latn<<"}}'


@dataclass(frozen=True)
class EncodedPair:
    """Token ids of one sentence pair, special tokens included; for a classifier, the target is the label's id."""

    source: list[int]
    target: list[int]


def model_family(tokenizer: PreTrainedTokenizerBase, model_type: str) -> ModelFamily:
    """The family of translation models that a tokenizer belongs to.

    Args:
        tokenizer: The model's own tokenizer.
        model_type: ``model_type`` of the model's configuration.

    Raises:
        ModelError: None of the families that are known.
    """
    classes: dict[type, ModelFamily] = {
        M2M100Tokenizer: ModelFamily.M2M100,
        NllbTokenizer: ModelFamily.NLLB,
        MBart50Tokenizer: ModelFamily.MBART50,
        MarianTokenizer: ModelFamily.MARIAN,
    }
    for kind, family in classes.items():
        if isinstance(tokenizer, kind):
            return family
    if model_type in ("t5", "mt5", "umt5"):
        return ModelFamily.MADLAD if is_written(tokenizer, "<2en>") else ModelFamily.T5
    raise ModelError(
        f"model must be of a known translation family ({', '.join(member.value for member in ModelFamily if member.translates)}). "
        f"Got model type {model_type!r} with a {type(tokenizer).__name__}."
    )


def check_coverage(
    tokenizer: PreTrainedTokenizerBase, family: ModelFamily, pair: LanguagePair, pool: Iterable[LanguagePair] = ()
) -> None:
    """Refuse a pair whose languages the model has no code for, and a translation where the model can't translate.

    Args:
        tokenizer: The model's own tokenizer.
        family: Its family.
        pair: The pair asked for.
        pool: Further pairs; the message names those that are covered.

    Raises:
        LanguageNotCovered: A side is not covered.
        ModelError: The model does not translate, and the pair is a translation direction.
    """
    if not family.translates and pair.source != pair.target:
        raise ModelError(
            f"A {family.value} model does not translate. Got {pair}. Give it a folder of .tsv or .jsonl files named by "
            "language (be.jsonl), with the columns text and label (classification) or prompt and answer (causal)."
        )
    missing = [code for code, covered in _sides(tokenizer, family, pair) if not covered]
    if not missing:
        return
    usable = [
        str(candidate) for candidate in pool if all(covered for _, covered in _sides(tokenizer, family, candidate))
    ]
    raise LanguageNotCovered(
        f"This {family.value} model has no code for {' and '.join(language(code).label for code in missing)}, so {pair} "
        f"can't be estimated with it. "
        + (f"Of the pool it covers {', '.join(usable)}." if usable else "It covers no other pair of the pool.")
        + (f" Where its tokenizer has a token for it, name that in the model's tokenizer_config.json: {_EXAMPLE}.")
    )


def covered_languages(tokenizer: PreTrainedTokenizerBase, family: ModelFamily) -> tuple[Language, ...]:
    """The languages of the table that the model can read, in the table's order."""
    return tuple(lang for lang in languages().values() if _covers(tokenizer, family, lang, source=True))


def encode(
    tokenizer: PreTrainedTokenizerBase,
    family: ModelFamily,
    bitext: Bitext,
    *,
    max_length: int,
    labels: Mapping[str, int] | None = None,
) -> list[EncodedPair]:
    """Encode every sentence pair, cut to `max_length` tokens a side.

    Args:
        tokenizer: The model's own tokenizer.
        family: Its family.
        bitext: The text. A causal model's answers follow their prompts as they are written, and end with its end token.
        max_length: Tokens of a side beyond which it is cut.
        labels: ``label2id`` of a classifier's configuration.

    Raises:
        LanguageNotCovered: The model has no code for a side.
        ModelError: The text is not of the kind that the model takes.
    """
    check_coverage(tokenizer, family, bitext.pair)
    cut: dict[str, Any] = {"truncation": True, "max_length": max_length}
    source, target = language(bitext.pair.source), language(bitext.pair.target)
    if family in _CODE_OF:
        tokenizer.src_lang, tokenizer.tgt_lang = (_code(tokenizer, family, lang) for lang in (source, target))
    prefix = _source_prefix(tokenizer, family, source, target)
    sources = encode_plain(tokenizer, bitext.sources, prefix=prefix, **cut)
    if family is ModelFamily.CLASSIFIER:
        targets = [[_label_id(label, labels or {})] for label in bitext.targets]
    elif family is ModelFamily.CAUSAL:
        bare: dict[str, Any] = {"add_special_tokens": False, "truncation": True, "max_length": max_length - 1}
        targets = [[*ids, *_end(tokenizer)] for ids in encode_plain(tokenizer, bitext.targets, **bare)]
    else:
        targets = encode_plain(tokenizer, bitext.targets, side="text_target", **cut)
    return [EncodedPair(*sides) for sides in zip(sources, targets, strict=True)]


def _label_id(label: str, ids: Mapping[str, int]) -> int:
    """The id of a label, which is written by its name or as its number."""
    if label in ids:
        return ids[label]
    if label.isdecimal() and int(label) in ids.values():
        return int(label)
    raise ModelError(f"label must be one of the model's: {', '.join(ids)}, or its number. Got {label!r}.")


def _end(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    return [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]


def first_target_token(tokenizer: Any, family: ModelFamily, pair: LanguagePair) -> int | None:
    """Id of the token that generation must begin with to write the pair's target language, where the family has one."""
    if family not in _CODE_OF:
        return None
    code = _code(tokenizer, family, language(pair.target))
    return int(tokenizer.get_lang_id(code) if family is ModelFamily.M2M100 else tokenizer.convert_tokens_to_ids(code))


_CODE_OF = {
    ModelFamily.M2M100: lambda lang: lang.m2m100,
    ModelFamily.NLLB: lambda lang: lang.nllb,
    ModelFamily.MBART50: lambda lang: lang.mbart50,
}


def _code(tokenizer: Any, family: ModelFamily, lang: Language) -> str | None:
    """A language as the tokenizer's settings name it; the token that a user names for M2M100 has marks around that."""
    named = named_token(tokenizer, lang)
    if named and family is ModelFamily.M2M100:
        return named.strip("_")
    return named or _CODE_OF[family](lang)


def _source_prefix(tokenizer: Any, family: ModelFamily, source: Language, target: Language) -> str:
    if family is ModelFamily.T5 and source != target:
        return f"translate {source.name} to {target.name}: "
    if family is ModelFamily.MADLAD:
        return f"{_madlad_token(tokenizer, target)} "
    if family is ModelFamily.MARIAN and (token := _marian_token(tokenizer, target)):
        return f"{token} "
    return ""


def _sides(tokenizer: Any, family: ModelFamily, pair: LanguagePair) -> list[tuple[str, bool]]:
    source = _covers(tokenizer, family, language(pair.source), source=True)
    target = _covers(tokenizer, family, language(pair.target), source=False)
    return [(pair.source, source), (pair.target, target)]


def _covers(tokenizer: Any, family: ModelFamily, lang: Language, *, source: bool) -> bool:
    if family is ModelFamily.M2M100:
        return _code(tokenizer, family, lang) in tokenizer.lang_code_to_id
    if family in _CODE_OF:
        return is_written(tokenizer, _code(tokenizer, family, lang))
    if family is ModelFamily.MARIAN:
        return _marian_covers(tokenizer, lang, source=source)
    # These read any text and say nothing of its languages; MADLAD lists those it writes.
    return (
        family in (ModelFamily.T5, ModelFamily.CLASSIFIER, ModelFamily.CAUSAL)
        or _madlad_token(tokenizer, lang) is not None
    )


def _marian_covers(tokenizer: Any, lang: Language, *, source: bool) -> bool:
    """Marian models name one language a side, or a collective code of ISO 639-5 (``sla``, ``mul``)."""
    if not source and _marian_token(tokenizer, lang):
        return True
    named = tokenizer.source_lang if source else tokenizer.target_lang
    if not named:
        return True  # the checkpoint does not say; the user does
    codes = {code.lower() for code in (lang.code, lang.iso639_1, lang.iso639_3) if code}
    try:
        return named.lower() in codes or language(named).code == lang.code
    except ValueError:
        return source


def _marian_token(tokenizer: Any, target: Language) -> str | None:
    return written_token(tokenizer, target, (target.iso639_3, target.iso639_1, target.nllb, target.code))


def _madlad_token(tokenizer: Any, lang: Language) -> str | None:
    return written_token(tokenizer, lang, (lang.iso639_1, lang.code, lang.iso639_3))
