"""Translation: beam search into the target language; BLEU, which is tested, and chrF++ by sacreBLEU; spBLEU where it can be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sacrebleu import utils
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.tokenizers.tokenizer_spm import SPM_MODELS

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.errors import ScoringError
from pseudofam_core.languages import language
from pseudofam_core.models.decoding import SEARCH_WORDS
from pseudofam_core.scoring.metrics import LOSS, Beside, TextMetric
from pseudofam_core.scoring.protocols import Protocol
from pseudofam_core.tasks.task import Claim, Task

if TYPE_CHECKING:
    from pseudofam_core.models.loading import TranslationModel

PAPER_GAIN = 1.7
# Scripts that put no spaces between words, and for which sacreBLEU has no tokenizer but those of spBLEU.
_UNSPLIT = frozenset({"Khmr", "Laoo", "Mymr", "Thai", "Tibt"})
SPBLEU_MISSING = (
    "spBLEU is left out: its SentencePiece model is not on this machine, and nothing is fetched unasked. "
    "`sacrebleu --tokenize flores200` fetches it once, where there is a network."
)


def _translated(model: TranslationModel, bitext: Bitext, **options: Any) -> tuple[str, ...]:
    from pseudofam_core.models.generating import generate  # opens torch

    return generate(model, bitext, **options)


def _bleu(references: Sequence[str] | None, *, target: str, protocol: Protocol) -> BLEU:
    given = None if references is None else [references]
    if protocol is Protocol.TOKENISED_FILTERED:
        return BLEU(tokenize="none", smooth_method="none", force=True, references=given)
    require_tokenizer(target)
    return BLEU(trg_lang=_split_like(target), references=given)


def _chrf(references: Sequence[str] | None, *, target: str, protocol: Protocol) -> CHRF:
    return CHRF(word_order=2, references=None if references is None else [references])


def _split_like(target: str) -> str:
    """The code by which sacreBLEU knows how to split a language: Chinese script is split like Chinese."""
    return "zh" if language(target).script in ("Hans", "Hant") else target


def no_words(target: str) -> str | None:
    """Why BLEU means nothing for text in a language whose words sacreBLEU can't tell apart; None where it can."""
    if language(target).script not in _UNSPLIT:
        return None
    name = language(target).name
    return f"BLEU is meaningless: {name} has no spaces between words, and sacreBLEU does not split it; see chrF++"


def require_tokenizer(target: str) -> None:
    """See that BLEU can split a language into words, before anybody waits for translations into it.

    Args:
        target: Code of the language.

    Raises:
        ScoringError: sacreBLEU wants another package for it.
    """
    try:
        BLEU(trg_lang=_split_like(target))
    except RuntimeError as error:
        raise ScoringError(
            f"BLEU of text in {language(target).name} needs a package that splits it into words. Install it: "
            f"pip install 'sacrebleu[{target}]'."
        ) from error


def spbleu(hypotheses: Sequence[str], references: Sequence[str]) -> tuple[float, str] | None:
    """The spBLEU score and its signature, or None where sacreBLEU's SentencePiece models are not on this machine.

    FLORES-200's model is taken, else FLORES-101's; the signature says which. `SPBLEU_MISSING` tells a person why not.

    Raises:
        ValueError: Not one hypothesis per reference.
    """
    if len(hypotheses) != len(references):
        raise ValueError(f"hypotheses must be one per sentence, {len(references)} in all. Got {len(hypotheses)}.")
    folder = Path(utils.SACREBLEU_DIR) / "models"
    for name in ("flores200", "flores101"):
        if (folder / Path(SPM_MODELS[name]["url"]).name).is_file():
            metric = BLEU(tokenize=name)
            return metric.corpus_score(list(hypotheses), [list(references)]).score, str(metric.get_signature())
    return None


# Runs of one arm were apart by 0.4 BLEU on 500 sentences and by 0.9 on 155: docs/does-it-pay.md.
_BLEU = TextMetric("bleu", "BLEU", made=_bleu, doubt=no_words, run_spread=10.0)
_CHRF = TextMetric("chrf", "chrF++", made=_chrf)
TRANSLATION = Task(
    quality="translation quality",
    metrics=(_BLEU, _CHRF),
    dev_metrics=(LOSS, _BLEU, _CHRF),
    sentence_metric=_CHRF,
    made=_translated,
    search=SEARCH_WORDS,
    require_language=require_tokenizer,
    beside=(Beside("spBLEU", spbleu, SPBLEU_MISSING),),
    claim=Claim(
        gain=PAPER_GAIN,
        over="traditional",
        words=(
            f"The paper claims +{PAPER_GAIN} BLEU on average of pseudo over traditional families (Ma, Liu and Zhang, EMNLP "
            "2023, arXiv 2312.02820: m2m100_418M, TED talks into English, tokenised BLEU on a filtered test set, one seed)."
        ),
    ),
)
"""The task of every run so far."""
