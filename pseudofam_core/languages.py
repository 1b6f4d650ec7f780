"""Languages and language pairs: codes, names, scripts and traditional families.

The table stands in `languages.tsv`, beside this file; its header states its sources.
"""

from __future__ import annotations

import csv
import difflib
import functools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from pseudofam_core.language_tags import BY_REGION, HOMES, OTHER_CODES, REGIONS, VARIANTS

# Corpora also use ISO 639-3 codes of macrolanguages (FLORES-101: ara, fas): each with the table's code of its language.
_MACROLANGUAGES = {
    "ara": "ar",
    "aym": "ayr",
    "aze": "az",
    "din": "dik",
    "est": "et",
    "fas": "fa",
    "ful": "ff",
    "kau": "knc",
    "kur": "kmr",
    "lav": "lv",
    "mlg": "mg",
    "mon": "mn",
    "msa": "ms",
    "nep": "ne",
    "nor": "no",
    "ori": "or",
    "orm": "gaz",
    "pus": "ps",
    "que": "quy",
    "sqi": "sq",
    "swa": "sw",
    "tmh": "taq",
    "uzb": "uz",
    "yid": "yi",
    "zho": "zh",
}


@dataclass(frozen=True, slots=True)
class Language:
    """One language as corpora and translation models name it.

    Attributes:
        code: The code that this project uses: M2M100's, else NLLB's ISO 639-3, else (a second script) NLLB's in full.
        name: English name.
        iso639_1: Two letters, or None.
        iso639_3: Three letters of the individual language; a macrolanguage is resolved (fa → pes).
        script: ISO 15924 code of the script that the models' text of this row uses.
        family: Top-level family of Glottolog.
        branch: The branch below it that the traditional grouping uses, or None.
        m2m100: Code in M2M100's tokenizer, or None.
        nllb: Code in NLLB-200's tokenizer, or None.
        mbart50: Code in mBART-50's tokenizer, or None.
    """

    code: str
    name: str
    iso639_1: str | None
    iso639_3: str
    script: str
    family: str
    branch: str | None
    m2m100: str | None
    nllb: str | None
    mbart50: str | None

    @property
    def traditional_family(self) -> str:
        """The grouping of the paper: the branch inside Indo-European, the family elsewhere."""
        return self.branch if self.family == "Indo-European" and self.branch else self.family

    @property
    def label(self) -> str:
        """Name and code, as every page writes a language: ``Belarusian · be``."""
        return f"{self.name} · {self.code}"


@dataclass(frozen=True, slots=True, order=True)
class LanguagePair:
    """A translation direction, written ``be-en``: from `source` into `target`.

    Both are codes of the table; `pair` reads any spelling of a code.
    """

    source: str
    target: str

    def __str__(self) -> str:
        """``source-target``."""
        return f"{self.source}-{self.target}"

    @property
    def language(self) -> Language:
        """The side that tells pairs of one pool apart: the one that is not English."""
        return language(self.target if self.source == "en" else self.source)

    @property
    def label(self) -> str:
        """``Belarusian · be`` for be-en."""
        return self.language.label


def languages() -> Mapping[str, Language]:
    """All known languages by their project code."""
    return _tables()[0]


def language(code: str) -> Language:
    """Look a language up by any of its codes (be, bel, bel_Cyrl, mBART's kk_KZ) or its English name.

    Case does not matter, nor whether a code is written with - or _. A macrolanguage's ISO 639-3 code (fas) stands for
    the individual language that the models cover (fa, which is pes), and a retired code (iw) for today's. Tags of script
    and region are understood: zh-TW is zho_Hant, and where the table has no such row (sr_Latn, pt-BR) they stand for
    the language; `is_variant` tells.

    Raises:
        ValueError: No language has that code or name; the message offers the nearest ones.
    """
    by_spelling = _tables()[1]
    if lang := by_spelling.get(spelling := _folded(code)) or _tagged(spelling):
        return lang
    near = difflib.get_close_matches(spelling, by_spelling, n=3)
    raise ValueError(
        f"language must be a known code or English name. Got {code!r}. "
        + (f"Did you mean {', '.join(near)}?" if near else "`pseudofam_core.languages.languages()` lists them.")
    )


def is_variant(code: str) -> bool:
    """Whether `code` says more than the language that it stands for: pt-BR, sr_Latn; not zh-TW, which is a row itself."""
    spelling = _folded(code)
    if spelling in _tables()[1] or (lang := _tagged(spelling)) is None:
        return False
    tags = spelling.split("_")[1:]
    home = f"{lang.code}_{tags[-1]}".lower() in HOMES or (_base(spelling), tags[-1]) in BY_REGION
    return not (home or tags == [lang.script.lower()])


def pair(text: str) -> LanguagePair:
    """Read ``be-en`` (or ``bel_Cyrl-eng_Latn``, ``be→en``, ``en_luo``) as a pair; ``be-be`` is text of one language.

    Raises:
        ValueError: Not two known languages.
    """
    sides = pair_sides(text)
    if pairs := {LanguagePair(*(language(side).code for side in halves)) for halves in sides}:
        if len(pairs) == 1:
            return pairs.pop()
        raise ValueError(
            f"A language pair must be read in one way. Got {text!r}: {', '.join(map(str, sorted(pairs)))}."
        )
    halves = re.split("[-→]", text)
    if len(halves) != 2:
        raise ValueError(f"A language pair is written source-target, like be-en. Got {text!r}.")
    return LanguagePair(*(language(side).code for side in halves))


def pair_sides(text: str) -> tuple[tuple[str, str], ...]:
    """Both sides of a pair as `text` spells them, in each way that it can be read; none where it is no pair.

    An underscore parts two languages only where there is no other mark, and where the whole is no language by itself.
    """
    marks = re.findall("[-→]", text)
    if not marks and (_folded(text) in _tables()[1] or _tagged(_folded(text))):
        return ()
    mark = "→" if "→" in marks else "-" if marks else "_"
    halves = ((text[: place.start()], text[place.end() :]) for place in re.finditer(mark, text))
    return tuple((source, target) for source, target in halves if _is_known(source) and _is_known(target))


def _is_known(code: str) -> bool:
    return _folded(code) in _tables()[1] or _tagged(_folded(code)) is not None


def _base(spelling: str) -> str:
    """Project code of the language before the first tag."""
    lang = _tables()[1].get(spelling.split("_")[0])
    return "" if lang is None else lang.code


def _tagged(spelling: str) -> Language | None:
    """The language that a code with tags stands for: script (latn), region (br), variant (tarask)."""
    _, *tags = spelling.split("_")
    if not tags or not (base := _base(spelling)):
        return None
    lang = languages()[base]
    for tag in tags:
        if tag in _scripts():
            lang = _in_script(lang, tag)
        elif (base, tag) in BY_REGION:
            lang = languages()[BY_REGION[base, tag]]
        elif tag not in REGIONS.get(base, "").split() and f"{base}_{tag}" not in HOMES and tag not in VARIANTS:
            return None
    return lang


def _in_script(lang: Language, script: str) -> Language:
    """The row of the same language in a script (in lower case), or the row itself where there is none."""
    same = (other for other in languages().values() if other.iso639_3 == lang.iso639_3)
    return next((other for other in same if other.script.lower() == script), lang)


@functools.cache
def _scripts() -> frozenset[str]:
    return frozenset(lang.script.lower() for lang in languages().values())


@functools.cache
def _tables() -> tuple[Mapping[str, Language], Mapping[str, Language]]:
    """The table by code, and by every spelling in lower case."""
    text = resources.files(__package__).joinpath("languages.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader((line for line in text.splitlines() if not line.startswith("#")), delimiter="\t")
    by_code = {row["code"]: _language(row) for row in rows}
    by_spelling: dict[str, Language] = {}
    for spellings in ("code", "iso639_1", "iso639_3", "m2m100", "nllb", "mbart50", "name"):
        for lang in by_code.values():
            if spelling := getattr(lang, spellings):
                by_spelling.setdefault(_folded(spelling), lang)
    by_spelling |= {other: by_code[code] for other, code in (OTHER_CODES | _MACROLANGUAGES).items()}
    return MappingProxyType(by_code), MappingProxyType(by_spelling)


def pair_labels(pairs: Sequence[LanguagePair]) -> tuple[str, ...]:
    """A name per pair, no two alike: ``Belarusian · be``, with the direction where the pool has a language twice."""
    count = Counter(pair.label for pair in pairs)
    return tuple(pair.label if count[pair.label] == 1 else f"{pair.label} ({pair})" for pair in pairs)


def _folded(spelling: str) -> str:
    return spelling.strip().lower().replace("-", "_")


def _language(row: Mapping[str, str]) -> Language:
    optional = {key: row[key] or None for key in ("iso639_1", "branch", "m2m100", "nllb", "mbart50")}
    required = {key: row[key] for key in ("code", "name", "iso639_3", "script", "family")}
    return Language(**required, **optional)  # type: ignore[arg-type]  # the two dicts split str from str | None
