"""Make a small M2M100 from a folder of parallel text: vocabulary, tokenizer, model, training.

The result is an ordinary Hugging Face folder that every other command takes as its ``--model``.
Training is transformers' Trainer; what is ours is the order in which sentences are drawn.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer, TrainingArguments

from pseudofam_core.corpora.bitext import Bitext, ParallelCorpus
from pseudofam_core.corpora.held_out import held_out, without
from pseudofam_core.corpora.kept_back import KEPT_BACK_FILE, KeptBack, keep_back, read_kept_back, write_kept_back
from pseudofam_core.errors import CorpusError, ModelError
from pseudofam_core.finetuning.aligned_start import align
from pseudofam_core.finetuning.checkpoints import last_checkpoint
from pseudofam_core.finetuning.plan import drawn_anew
from pseudofam_core.finetuning.recipe import PRECISIONS
from pseudofam_core.finetuning.training import PlannedTrainer, require_device
from pseudofam_core.finetuning.vocabulary import train_tokenizer
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.loading import padded, padded_batch
from pseudofam_core.models.machine import AUTO, capability
from pseudofam_core.models.memory import keep_freed_memory
from pseudofam_core.models.precision import halved
from pseudofam_core.models.soundness import check_finite
from pseudofam_core.models.tokenization import EncodedPair, ModelFamily, encode

logger = logging.getLogger(__name__)

_TOKENIZER_FILE = "sentencepiece.bpe.model"


@dataclass(frozen=True)
class PretrainingSpec:
    """What to train. Equal specs on equal text and hardware make equal models.

    Attributes:
        pairs: Directions to learn.
        vocabulary_size: SentencePiece pieces, fewer where the text has no more; language tokens come on top.
        d_model: Width; the feed-forward layers are four times as wide.
        encoder_layers: Layers of the encoder.
        decoder_layers: Layers of the decoder.
        dropout: Dropout of hidden states; attention has the same.
        steps: Updates in all. The last `decay_fraction` of them lower the learning rate to zero,
            so a finished run can be prolonged only from a checkpoint before that.
        batch_tokens: Padded tokens of a batch, source and target together.
        peak_learning_rate: Learning rate of the stable phase (AdamW).
        warmup_steps: Updates of linear warm-up.
        decay_fraction: Share of `steps` at the end with a falling rate.
        label_smoothing: Of the training loss.
        temperature: A pair of n sentences is drawn in proportion to n^(1/temperature); 2 is the square root.
        caps: Most training sentences kept of a pair (a seeded sample), by pair.
        vocabulary_pairs: Further pairs whose text the tokenizer reads, uncapped, though the model may not: languages that
            it is to learn later.
        keep_back: Share of the training text, of every pair, that neither the model nor its tokenizer reads; see
            `pseudofam_core.corpora.kept_back` for what is guaranteed. 0 keeps nothing back.
        aligned_start: Begin with embeddings in which subwords that translate one another are near, instead of random ones
            (`pseudofam_core.finetuning.aligned_start`).
        precision: As of `Recipe`.
        seed: Of the weights, the sample, the order and what is kept back.
    """

    pairs: tuple[LanguagePair, ...]
    vocabulary_size: int = 10_000
    d_model: int = 256
    encoder_layers: int = 4
    decoder_layers: int = 3
    dropout: float = 0.1
    steps: int = 3_200
    batch_tokens: int = 4_096
    peak_learning_rate: float = 1.5e-3
    warmup_steps: int = 400
    decay_fraction: float = 0.25
    label_smoothing: float = 0.1
    temperature: float = 2.0
    caps: Mapping[LanguagePair, int] | None = None
    vocabulary_pairs: tuple[LanguagePair, ...] = ()
    keep_back: float = 0.0
    aligned_start: bool = False
    precision: str = AUTO
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what can't be trained."""
        if not self.pairs:
            raise ValueError("pairs must name at least one direction. Got none. Name some, like be-en.")
        for name in ("steps", "batch_tokens", "d_model", "temperature"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive. Got {getattr(self, name)}.")
        for name in ("dropout", "decay_fraction", "label_smoothing", "keep_back"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1). Got {getattr(self, name)}.")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}. Got {self.precision!r}.")


def pretrain(
    spec: PretrainingSpec, corpus: ParallelCorpus, out: Path, *, save_every: int = 250, half: bool = False
) -> Path:
    """Train the model that `spec` describes into `out`, going on from the last checkpoint there.

    Dev and test sentences of the corpus, of any pair, are not read. What is kept back is listed in `out` before anything is
    read. A checkpoint may be gone on with by other pairs or caps (copy the folder): the split of the text must be the same.

    Args:
        spec: What to train.
        corpus: Read for the ``train`` split of each pair, and for what must be left out of it.
        out: Folder for tokenizer, checkpoints and, at the end, the model.
        save_every: Updates between checkpoints (the last two are kept).
        half: Save the finished weights as float16, where it can hold them: half the size; any command loads them as float32.

    Returns:
        `out`, a Hugging Face folder.

    Raises:
        CorpusError: A training split is missing or damaged, or can't be split as asked.
        ModelError: What was begun in `out` has read text that is to be kept back now, or the other way round; or the training
            diverged.
    """
    keep_freed_memory()
    out.mkdir(parents=True, exist_ok=True)
    texts = dict(_readable(spec, corpus, out))
    capped = {pair: _capped(texts[pair], spec) for pair in spec.pairs}
    if not (out / _TOKENIZER_FILE).exists():
        covered = {**capped, **{pair: texts[pair] for pair in spec.vocabulary_pairs}}
        train_tokenizer(list(covered.values()), out, vocabulary_size=spec.vocabulary_size, seed=spec.seed)
    tokenizer = M2M100Tokenizer.from_pretrained(out)
    torch.manual_seed(spec.seed)
    encoded = [encode(tokenizer, ModelFamily.M2M100, bitext, max_length=256) for bitext in capped.values()]
    model = M2M100ForConditionalGeneration(model_config(spec, tokenizer))
    if spec.aligned_start:
        align(model, [sentence for text in encoded for sentence in text], seed=spec.seed)
    trainer = _trainer(
        model,
        encoded,
        spec,
        _arguments(spec, out, save_every),
        int(tokenizer.pad_token_id),
    )
    resumed = last_checkpoint(out)
    trainer.train(resume_from_checkpoint=None if resumed is None else str(resumed))
    check_finite(
        trainer.model,
        f"the ones trained in {out}",
        "Remove its checkpoints and begin anew with a lower peak_learning_rate or more warmup_steps.",
    )
    model = halved(trainer.model) if half else trainer.model
    model.save_pretrained(str(out))
    tokenizer.save_pretrained(str(out))
    return out


def model_config(spec: PretrainingSpec, tokenizer: M2M100Tokenizer) -> M2M100Config:
    """The M2M100 configuration of `spec` over the tokenizer's vocabulary and language tokens."""
    return M2M100Config(
        vocab_size=max(tokenizer.lang_token_to_id.values()) + 1 + tokenizer.num_madeup_words,
        d_model=spec.d_model,
        encoder_layers=spec.encoder_layers,
        decoder_layers=spec.decoder_layers,
        encoder_ffn_dim=4 * spec.d_model,
        decoder_ffn_dim=4 * spec.d_model,
        encoder_attention_heads=max(1, spec.d_model // 64),
        decoder_attention_heads=max(1, spec.d_model // 64),
        encoder_layerdrop=0.0,
        decoder_layerdrop=0.0,
        dropout=spec.dropout,
        attention_dropout=spec.dropout,
        max_position_embeddings=256,
    )


def _trainer(
    model: M2M100ForConditionalGeneration,
    encoded: Sequence[Sequence[EncodedPair]],
    spec: PretrainingSpec,
    arguments: TrainingArguments,
    pad_id: int,
) -> PlannedTrainer:
    plan = drawn_anew(
        [
            np.array([max(len(sentence.source), len(sentence.target)) * 2 for sentence in sentences])
            for sentences in encoded
        ],
        n_batches=spec.steps,
        max_tokens=spec.batch_tokens,
        temperature=spec.temperature,
        seed=spec.seed,
    )
    sentences = [sentence for text in encoded for sentence in text]
    collate = partial(_collated, pad_id=pad_id, start_id=model.config.decoder_start_token_id)
    return PlannedTrainer(model, sentences, plan, arguments, collate=collate, label_smoothing=spec.label_smoothing)


def _collated(sentences: Sequence[EncodedPair], *, pad_id: int, start_id: int) -> dict[str, torch.Tensor]:
    begun = [[start_id, *sentence.target[:-1]] for sentence in sentences]
    # The loss is our own, smoothed one, so the model does not see the labels and can't shift them itself.
    return {**padded_batch(sentences, pad_id), "decoder_input_ids": padded(begun, pad_id)}


def _arguments(spec: PretrainingSpec, out: Path, save_every: int) -> TrainingArguments:
    n_decay = int(spec.steps * spec.decay_fraction)
    precision = capability().training if spec.precision == AUTO else spec.precision
    require_device(precision)
    logger.info("Training in %s.", precision)
    return TrainingArguments(
        output_dir=str(out),
        max_steps=spec.steps,
        learning_rate=spec.peak_learning_rate,
        disable_tqdm=True,
        warmup_steps=min(spec.warmup_steps, spec.steps - n_decay),
        lr_scheduler_type="warmup_stable_decay",
        lr_scheduler_kwargs={"num_decay_steps": n_decay, "decay_type": "1-sqrt"},
        adam_beta2=0.98,
        weight_decay=0.01,
        max_grad_norm=1.0,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=not torch.cuda.is_available(),
        seed=spec.seed,
        save_steps=save_every,
        save_total_limit=2,
        logging_steps=50,
        report_to="none",
        dataloader_pin_memory=False,
    )


def _readable(spec: PretrainingSpec, corpus: ParallelCorpus, out: Path) -> Iterator[tuple[LanguagePair, Bitext]]:
    """The training text of each pair that is not kept back, nor dev or test of any pair."""
    held = held_out(corpus, corpus.pairs(), seed=spec.seed)
    kept = keep_back(corpus, share=spec.keep_back, seed=spec.seed) if spec.keep_back else None
    _list_kept_back(kept, out)
    for pair in dict.fromkeys((*spec.pairs, *spec.vocabulary_pairs)):
        text = without(corpus.read(pair, "train").complete, held)
        text = text if kept is None else kept.without_kept(text)
        if not len(text):
            raise CorpusError(f"No training sentence of {pair} in {corpus.name} may be read. Leave the pair out.")
        yield pair, text


def _list_kept_back(kept: KeptBack | None, out: Path) -> None:
    """List what is kept back in `out`.

    Raises:
        ModelError: What was begun there keeps back something else.
    """
    before = read_kept_back(out) if (out / KEPT_BACK_FILE).exists() else None
    begun = before is not None or (out / _TOKENIZER_FILE).exists()
    if begun and before != kept:
        raise ModelError(
            f"{out} was begun with another split of the text: what it has read can't be kept back now. Choose another "
            "folder, or the corpus, keep_back and seed that it was begun with."
        )
    if kept is not None and before is None:
        write_kept_back(kept, out)


def _capped(bitext: Bitext, spec: PretrainingSpec) -> Bitext:
    cap = (spec.caps or {}).get(bitext.pair)
    if cap is None or cap >= len(bitext):
        return bitext
    return bitext.rows(np.sort(np.random.default_rng(spec.seed).permutation(len(bitext))[:cap]))
