"""What two texts have in common on their source sides: subwords, character 3-grams, scripts, and how much there is of each.

Subwords are those of the model's tokenizer, without language codes and sentence ends.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
SKEW = 0.99
_BITS = 21  # of a code point


@dataclass(frozen=True, eq=False)
class TextProfile:
    """What is counted of a text's source side.

    Attributes:
        subwords: (k,) ids of the distinct subwords, rising.
        subword_counts: (k,) how often each occurs.
        trigrams: (m,) distinct character 3-grams as numbers, rising; see `trigram_counts`.
        trigram_counts: (m,) how often each occurs.
        letters: (l,) code points of the distinct letters.
        letter_counts: (l,) how often each occurs.
        n_sentences: (1,) sentence pairs of the text.
    """

    subwords: IntArray
    subword_counts: IntArray
    trigrams: IntArray
    trigram_counts: IntArray
    letters: IntArray
    letter_counts: IntArray
    n_sentences: IntArray


def profile(sentences: Sequence[str], subwords: Sequence[Sequence[int]]) -> TextProfile:
    """Count a text.

    Args:
        sentences: The source side.
        subwords: Ids of each sentence.
    """
    counted = Counter(letter for line in sentences for letter in line if letter.isalpha())
    letters = sorted((ord(letter), n) for letter, n in counted.items())
    ids, id_counts = np.unique(
        np.array([subword for line in subwords for subword in line], np.int64), return_counts=True
    )
    trigrams, counts = trigram_counts(sentences)
    codes, letter_counts = np.array(letters, np.int64).reshape(-1, 2).T.copy()
    return TextProfile(ids, id_counts, trigrams, counts, codes, letter_counts, np.array([len(sentences)]))


def trigram_counts(sentences: Sequence[str]) -> tuple[IntArray, IntArray]:
    """Character 3-grams of sentences in lower case (NFKC, casefold), each with a blank before and after it.

    Returns:
        The distinct ones, rising, of letters x, y, z as x·2⁴² + y·2²¹ + z; and how often each occurs.
    """
    lines = (" ".join(unicodedata.normalize("NFKC", sentence).casefold().split()) for sentence in sentences)
    text = "\n".join(f" {line} " for line in lines)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
    grams = codes[:-2] << 2 * _BITS | codes[1:-1] << _BITS | codes[2:] if len(codes) > 2 else codes[:0]
    breaks = codes == ord("\n")
    across = breaks[:-2] | breaks[1:-1] | breaks[2:] if len(codes) > 2 else breaks[:0]
    return np.unique(grams[~across], return_counts=True)


def covered_types(target: TextProfile, auxiliary: TextProfile) -> float:
    """Share of the target's distinct subwords that occur in the auxiliary's text; NaN for a target without any."""
    return _share(np.isin(target.subwords, auxiliary.subwords).sum(), len(target.subwords))


def covered_tokens(target: TextProfile, auxiliary: TextProfile) -> float:
    """The same share, each of the target's subwords counted as often as it occurs."""
    both = np.isin(target.subwords, auxiliary.subwords)
    return _share(target.subword_counts[both].sum(), target.subword_counts.sum())


def nearness_of_distributions(target: TextProfile, auxiliary: TextProfile) -> float:
    """−KL of the subword distributions, smoothed by skewing: −Σ_v p_t(v) log (p_t(v) / (α p_a(v) + (1−α) p_t(v))), nats.

    The skew divergence of Lee (ACL 1999), α = 0.99. A subword that the auxiliary lacks costs log 100 for its share of
    the target's text, however much text there is; with counts added instead, small texts would be near to all.

    Returns:
        From −log 100, where nothing is in common, to 0; NaN where a text has no subword.
    """
    n_target, n_auxiliary = target.subword_counts.sum(), auxiliary.subword_counts.sum()
    if not n_target or not n_auxiliary:
        return math.nan
    p = target.subword_counts / n_target
    q = np.zeros_like(p)
    _, mine, theirs = np.intersect1d(target.subwords, auxiliary.subwords, assume_unique=True, return_indices=True)
    q[mine] = auxiliary.subword_counts[theirs] / n_auxiliary
    return -float(np.sum(p * np.log(p / (SKEW * q + (1 - SKEW) * p))))


def trigram_cosine(target: TextProfile, auxiliary: TextProfile) -> float:
    """Cosine of the counts of character 3-grams; NaN where a text has none."""
    _, mine, theirs = np.intersect1d(target.trigrams, auxiliary.trigrams, assume_unique=True, return_indices=True)
    t, a = (text.trigram_counts.astype(np.float64) for text in (target, auxiliary))
    return _share(float(t[mine] @ a[theirs]), math.sqrt((t @ t) * (a @ a)))


def shared_scripts(target: TextProfile, auxiliary: TextProfile) -> float:
    """Σ over scripts of the smaller of both texts' shares of letters: 1 for the same mixture, 0 for none in common."""
    shares = [_script_shares(text) for text in (target, auxiliary)]
    if not all(shares):
        return math.nan
    return sum(min(share, shares[1].get(script, 0.0)) for script, share in shares[0].items())


def log_amount(target: TextProfile, auxiliary: TextProfile) -> float:
    """Logarithm of the auxiliary's sentence pairs: the same for every target."""
    return math.log(auxiliary.n_sentences[0])


def _script_shares(text: TextProfile) -> dict[str, float]:
    """By the first word of each letter's Unicode name, which is its script's: LATIN, CYRILLIC, HANGUL."""
    counts: Counter[str] = Counter()
    for code, n in zip(text.letters.tolist(), text.letter_counts.tolist(), strict=True):
        counts[unicodedata.name(chr(code), "UNNAMED").split()[0]] += n
    return {script: n / counts.total() for script, n in counts.items()}


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan
