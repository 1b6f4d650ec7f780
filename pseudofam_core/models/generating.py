"""What a model writes for the sources of a bitext, by beam search as `decoding` has it."""

from __future__ import annotations

import torch

from pseudofam_core.corpora.batches import token_batches
from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.models.decoding import BEAM_SEARCH
from pseudofam_core.models.loading import TranslationModel
from pseudofam_core.models.tokenization import encode, first_target_token
from pseudofam_core.progress import Meter, Report, ShouldStop, never, silent


def generate(
    model: TranslationModel,
    bitext: Bitext,
    *,
    beams: int = 5,
    max_length: int = 256,
    batch_tokens: int = 1024,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> tuple[str, ...]:
    """Write on from the sources of a bitext, in its target language; its targets are not looked at.

    Args:
        model: As `load_model` gives it: in evaluation mode, without generation settings that change the search.
        bitext: Its pair names the languages.
        beams: Width of the beam search.
        max_length: Tokens at which source and output are cut.
        batch_tokens: Padded source tokens of a batch.
        report: Receives progress.
        should_stop: Asked after each batch.

    Returns:
        One output per source, in order.

    Raises:
        LanguageNotCovered: The model has no code for a side.
        JobCancelled: `should_stop` said so.
    """
    encoded = encode(model.tokenizer, model.family, bitext, max_length=max_length)
    begin = first_target_token(model.tokenizer, model.family, bitext.pair)
    options = {**BEAM_SEARCH, **({} if begin is None else {"forced_bos_token_id": begin})}
    outputs: list[str] = [""] * len(encoded)
    meter = Meter(report, should_stop, phase="translating", total=len(encoded))
    for batch in token_batches([len(sentence.source) for sentence in encoded], max_tokens=batch_tokens):
        collated = model.collate([encoded[i] for i in batch])
        # Nothing of the reference: with its tokens the decoder would begin with them.
        inputs = {name: collated[name] for name in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            written = model.module.generate(**inputs, num_beams=beams, max_length=max_length, **options)
        for i, text in zip(batch, model.tokenizer.batch_decode(written, skip_special_tokens=True), strict=True):
            outputs[i] = text.strip()
        meter.advance(len(batch))
    return tuple(outputs)
