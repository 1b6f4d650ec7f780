"""Translate a split with beam search and score it with sacreBLEU, detokenised and untouched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from pseudofam_core.corpora.batches import token_batches
from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.models import TranslationModel
from pseudofam_core.progress import Meter, Report, ShouldStop, never, silent
from pseudofam_core.results import ScoreReport
from pseudofam_core.tokenization import encode, first_target_token


def translate(
    model: TranslationModel,
    bitext: Bitext,
    *,
    beams: int = 5,
    max_length: int = 256,
    batch_tokens: int = 1024,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> tuple[str, ...]:
    """Translate the sources of a bitext; its targets are not looked at.

    Args:
        model: In evaluation mode.
        bitext: Its pair names the languages.
        beams: Width of the beam search.
        max_length: Tokens at which source and translation are cut.
        batch_tokens: Padded source tokens of a batch.
        report: Receives progress.
        should_stop: Asked after each batch.

    Returns:
        One translation per source, in order.

    Raises:
        LanguageNotCovered: The model has no code for a side.
        JobCancelled: `should_stop` said so.
    """
    encoded = encode(model.tokenizer, model.family, bitext, max_length=max_length)
    begin = first_target_token(model.tokenizer, model.family, bitext.pair)
    options: dict[str, Any] = {} if begin is None else {"forced_bos_token_id": begin}
    translations: list[str] = [""] * len(encoded)
    meter = Meter(report, should_stop, phase="translating", total=len(encoded))
    for batch in token_batches([len(one.source) for one in encoded], max_tokens=batch_tokens):
        inputs = model.collate([encoded[i] for i in batch])
        del inputs["labels"]
        with torch.inference_mode():
            written = model.module.generate(**inputs, num_beams=beams, max_length=max_length, **options)
        for i, text in zip(batch, model.tokenizer.batch_decode(written, skip_special_tokens=True), strict=True):
            translations[i] = text.strip()
        meter.advance(len(batch))
    return tuple(translations)


def score(bitext: Bitext, hypotheses: Sequence[str]) -> ScoreReport:
    """Score translations of a bitext against its targets: BLEU and chrF++ with their signatures.

    Raises:
        ValueError: Not one hypothesis per sentence, or none at all.
    """
    if len(hypotheses) != len(bitext) or not hypotheses:
        raise ValueError(f"hypotheses must be one per sentence, {len(bitext)} in all. Got {len(hypotheses)}.")
    bleu, chrf = BLEU(trg_lang=bitext.pair.target), CHRF(word_order=2)
    references = [list(bitext.targets)]
    bleu_score, chrf_score = (metric.corpus_score(list(hypotheses), references).score for metric in (bleu, chrf))
    return ScoreReport(
        pair=bitext.pair,
        split=bitext.split,
        n_sentences=len(bitext),
        bleu=bleu_score,
        chrf=chrf_score,
        bleu_signature=str(bleu.get_signature()),
        chrf_signature=str(chrf.get_signature()),
        hypotheses=tuple(hypotheses),
    )
