"""Score translations with sacreBLEU: BLEU, chrF++ and spBLEU, each with its signature. Knows nothing of models.

Two protocols, never mixed in one comparison: detokenised text on the untouched test set (the default), and tokenised
text on a filtered test set, as the paper's scripts score.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from string import punctuation

import numpy as np
import numpy.typing as npt
from sacrebleu import utils
from sacrebleu.metrics.base import Metric
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.tokenizers.tokenizer_spm import SPM_MODELS
from sacremoses import MosesPunctNormalizer, MosesTokenizer  # type: ignore[import-untyped]  # ships no types

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.errors import ScoringError
from pseudofam_core.languages import LanguagePair, language

SPBLEU_MISSING = (
    "spBLEU is left out: its SentencePiece model is not on this machine, and nothing is fetched unasked. "
    "`sacrebleu --tokenize flores200` fetches it once, where there is a network."
)
# The paper's scripts segment these targets with tools of their own; the others with Moses, which is what is here.
_NOT_MOSES = frozenset({"ar", "hi", "ja", "ko", "my", "ne", "ro", "si", "th", "zh"})
_WITHOUT_SPACES = frozenset({"Hans", "Hant", "Jpan", "Khmr", "Laoo", "Mymr", "Thai", "Tibt"})
_MARKS = frozenset(punctuation + "—|–")
_LONGEST, _LARGEST_RATIO = 250, 3


@dataclass(frozen=True)
class ScoreReport:
    """How well a model translates one pair's split, by sacreBLEU on detokenised text.

    Attributes:
        pair: The direction.
        split: The split scored.
        n_sentences: Sentences translated.
        bleu: Corpus BLEU, 0 to 100.
        chrf: Corpus chrF++, 0 to 100.
        bleu_signature: sacreBLEU's signature of the BLEU setting.
        chrf_signature: sacreBLEU's signature of the chrF++ setting.
        hypotheses: The translations, in the order of the split.
    """

    pair: LanguagePair
    split: str
    n_sentences: int
    bleu: float
    chrf: float
    bleu_signature: str
    chrf_signature: str
    hypotheses: tuple[str, ...] = field(repr=False, default=())


class Protocol(StrEnum):
    """What text is scored."""

    DETOKENISED = "detokenised"
    TOKENISED_FILTERED = "tokenised-filtered"

    @property
    def label(self) -> str:
        """One sentence that says what the numbers are."""
        return _LABELS[self.value]


_LABELS = {
    "detokenised": "Detokenised text, all sentences of the test set.",
    "tokenised-filtered": (
        "Tokenised text on a filtered test set, after the paper's scripts: not to be held against other scores. "
        "Kept: sentences less than half punctuation, of 1 to 250 words and at most 3 times the other side's. "
        "Ours: words counted (Moses; characters where a script has no spaces), not the scripts' SentencePiece pieces; "
        "no filter by the model's character histograms; sources as they are, not normalised before translation."
    ),
}


@dataclass(frozen=True)
class Scorer:
    """Scores translations of one test set by one protocol. The references are read once.

    Args:
        bitext: Sources and references.
        protocol: What text is scored.

    Raises:
        ValueError: The bitext has no sentence to score, or its target language can't be tokenised as in the paper.
        ScoringError: See `require_tokenizer`.
    """

    bitext: Bitext
    protocol: Protocol = Protocol.DETOKENISED

    def __post_init__(self) -> None:
        """Refuse what can't be scored."""
        target = language(self.bitext.pair.target).code
        if self.protocol is Protocol.TOKENISED_FILTERED and target in _NOT_MOSES:
            raise ValueError(
                f"protocol tokenised-filtered needs a target language that the paper's scripts split with Moses. "
                f"Got {target}. Score detokenised text."
            )
        if not self.kept:
            raise ValueError(f"bitext must have a sentence to score by {self.protocol}. Got {len(self.bitext)}.")

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """Positions of the sentences that are scored."""
        if self.protocol is Protocol.DETOKENISED:
            return tuple(range(len(self.bitext)))
        return filtered(self.bitext)

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics by name, the references inside."""
        references = [self.prepared(self.bitext.targets)]
        if self.protocol is Protocol.TOKENISED_FILTERED:
            bleu = BLEU(tokenize="none", smooth_method="none", force=True, references=references)
        else:
            require_tokenizer(self.bitext.pair.target)
            bleu = BLEU(trg_lang=self.bitext.pair.target, references=references)
        return {"BLEU": bleu, "chrF++": CHRF(word_order=2, references=references)}

    @property
    def signatures(self) -> Mapping[str, str]:
        """Each metric's signature, by its name."""
        return {name: str(metric.get_signature()) for name, metric in self.metrics.items()}

    def prepared(self, lines: Sequence[str]) -> list[str]:
        """The lines that are scored, as the metrics take them.

        Raises:
            ValueError: Not one line per sentence of the bitext.
        """
        if len(lines) != len(self.bitext):
            raise ValueError(f"hypotheses must be one per sentence, {len(self.bitext)} in all. Got {len(lines)}.")
        kept = [lines[i] for i in self.kept]
        return kept if self.protocol is Protocol.DETOKENISED else tokenised(kept, self.bitext.pair.target)

    def statistics(self, hypotheses: Sequence[str], metric: str) -> npt.NDArray[np.float64]:
        """Sufficient statistics of each sentence, (sentences, counts): their sum gives the score of any selection."""
        found = self.metrics[metric]._extract_corpus_statistics(self.prepared(hypotheses), None)
        return np.array(found, dtype=np.float64)

    def score(self, hypotheses: Sequence[str]) -> ScoreReport:
        """BLEU and chrF++ of translations, 0 to 100, with their signatures."""
        prepared = self.prepared(hypotheses)
        bleu, chrf = (metric.corpus_score(prepared, None).score for metric in self.metrics.values())
        return ScoreReport(
            pair=self.bitext.pair,
            split=self.bitext.split,
            n_sentences=len(self.kept),
            bleu=bleu,
            chrf=chrf,
            bleu_signature=self.signatures["BLEU"],
            chrf_signature=self.signatures["chrF++"],
            hypotheses=tuple(hypotheses),
        )


def require_tokenizer(target: str) -> None:
    """See that BLEU can split a language into words, before anybody waits for translations into it.

    Args:
        target: Code of the language.

    Raises:
        ScoringError: sacreBLEU wants another package for it.
    """
    try:
        BLEU(trg_lang=target)
    except RuntimeError as error:
        raise ScoringError(
            f"BLEU of text in {language(target).name} needs a package that splits it into words. Install it: "
            f"pip install 'sacrebleu[{target}]'."
        ) from error


def score(bitext: Bitext, hypotheses: Sequence[str]) -> ScoreReport:
    """Score translations of a bitext against its targets, detokenised: BLEU and chrF++ with their signatures.

    Raises:
        ValueError: Not one hypothesis per sentence, or none at all.
    """
    return Scorer(bitext).score(hypotheses)


def spbleu(bitext: Bitext, hypotheses: Sequence[str]) -> tuple[float, str] | None:
    """The spBLEU score and its signature, or None where sacreBLEU's SentencePiece models are not on this machine.

    FLORES-200's model is taken, else FLORES-101's; the signature says which. `SPBLEU_MISSING` tells a person why not.
    """
    folder = Path(utils.SACREBLEU_DIR) / "models"
    for name in ("flores200", "flores101"):
        if (folder / Path(SPM_MODELS[name]["url"]).name).is_file():
            metric = BLEU(tokenize=name)
            found = metric.corpus_score(Scorer(bitext).prepared(hypotheses), [list(bitext.targets)]).score
            return found, str(metric.get_signature())
    return None


def tokenised(lines: Sequence[str], code: str) -> list[str]:
    """Lines with punctuation normalised and split by Moses' rules, as the paper's scripts do before scoring."""
    normalise = MosesPunctNormalizer(code, pre_replace_unicode_punct=True, post_remove_control_chars=True).normalize
    split = MosesTokenizer(code).tokenize
    return [split(normalise(line), escape=False, return_str=True) for line in lines]


def filtered(bitext: Bitext) -> tuple[int, ...]:
    """Positions of the sentences that the tokenised, filtered protocol keeps; `Protocol.label` gives the rule."""
    lengths = [_lengths(lines, code) for lines, code in _sides(bitext)]
    mostly_marks = [[_mostly_marks(line) for line in lines] for lines, _ in _sides(bitext)]
    return tuple(
        i
        for i, (source, target) in enumerate(zip(*lengths, strict=True))
        if not (mostly_marks[0][i] or mostly_marks[1][i])
        and min(source, target) >= 1
        and max(source, target) <= min(_LONGEST, _LARGEST_RATIO * min(source, target))
    )


def _sides(bitext: Bitext) -> tuple[tuple[Sequence[str], str], ...]:
    return (bitext.sources, bitext.pair.source), (bitext.targets, bitext.pair.target)


def _lengths(lines: Sequence[str], code: str) -> list[int]:
    if language(code).script in _WITHOUT_SPACES:
        return [sum(not unicodedata.category(letter).startswith("Z") for letter in line) for line in lines]
    return [len(line.split()) for line in tokenised(lines, code)]


def _mostly_marks(line: str) -> bool:
    return 2 * sum(letter in _MARKS for letter in line) >= len(line)
