"""The vocabulary of a small M2M100: one SentencePiece model over all languages, in an ordinary tokenizer's folder."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import sentencepiece
from transformers import M2M100Tokenizer

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.languages import languages


def train_tokenizer(bitexts: Sequence[Bitext], out: Path, *, vocabulary_size: int, seed: int) -> None:
    """Train one SentencePiece vocabulary over all sides and write an M2M100 tokenizer into `out`.

    Each language gives at most as many lines as the square-root law leaves it, so that no
    language owns the vocabulary; unknown characters fall back to bytes.
    """
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_vocabulary_sample(bitexts, seed=seed)),
        model_writer=model,
        vocab_size=vocabulary_size,
        hard_vocab_limit=False,
        model_type="unigram",
        character_coverage=0.9995,
        byte_fallback=True,
        normalization_rule_name="nfkc",
        num_threads=1,
        minloglevel=2,
    )
    (out / "sentencepiece.bpe.model").write_bytes(model.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    # fairseq's order: <s> <pad> </s> <unk>, then the pieces without SentencePiece's own three.
    names = ["<s>", "<pad>", "</s>", "<unk>", *(pieces.id_to_piece(i) for i in range(3, pieces.get_piece_size()))]
    (out / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(names)}, ensure_ascii=False))
    codes = [lang.m2m100 for lang in languages().values() if lang.m2m100]
    M2M100Tokenizer(
        str(out / "vocab.json"),
        str(out / "sentencepiece.bpe.model"),
        additional_special_tokens=[f"__{code}__" for code in codes],  # else decoding does not skip them
    ).save_pretrained(str(out))


def _vocabulary_sample(bitexts: Sequence[Bitext], *, seed: int) -> Iterator[str]:
    """Distinct lines of each language, the square root of the largest language's count shared out."""
    lines: dict[str, set[str]] = {}
    for bitext in bitexts:
        lines.setdefault(bitext.pair.source, set()).update(bitext.sources)
        lines.setdefault(bitext.pair.target, set()).update(bitext.targets)
    largest = max(len(distinct) for distinct in lines.values())
    rng = np.random.default_rng(seed)
    for code in sorted(lines):
        distinct = sorted(lines[code])
        n_drawn = min(len(distinct), int(np.sqrt(len(distinct) * largest) / 2) + 1)
        yield from (distinct[i] for i in rng.permutation(len(distinct))[:n_drawn])
