"""Tiny saved models with their real tokenizers, and small corpora: what tests run on."""

from __future__ import annotations

import io
import json
from pathlib import Path

import sentencepiece
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPT2Tokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaTokenizer,
    M2M100Config,
    M2M100ForConditionalGeneration,
    M2M100Tokenizer,
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
    MBart50Tokenizer,
    MBartConfig,
    MBartForConditionalGeneration,
    NllbTokenizer,
    T5Config,
    T5ForConditionalGeneration,
    T5Tokenizer,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
    XLMRobertaTokenizer,
)
from transformers.convert_slow_tokenizer import bytes_to_unicode

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.languages import LanguagePair, languages, pair

ENGLISH = (
    "The cat sleeps on the old chair.",
    "We will meet at the station tomorrow.",
    "Rain fell all night.",
    "Do you have two tickets for the evening train to the coast?",
    "My brother repairs bicycles.",
    "No.",
    "The soup was too hot, so we waited.",
)
TURKISH = (
    "Kedi eski sandalyede uyuyor.",
    "Yarın istasyonda buluşacağız.",
    "Bütün gece yağmur yağdı.",
    "Sahile giden akşam treni için iki biletiniz var mı?",
    "Kardeşim bisiklet tamir eder.",
    "Hayır.",
    "Çorba çok sıcaktı, bu yüzden bekledik.",
)
SMALL = {"d_model": 16, "encoder_layers": 2, "decoder_layers": 1, "encoder_attention_heads": 2}
SMALL |= {"decoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "max_position_embeddings": 64}
FAMILIES = ("m2m100", "nllb", "mbart50", "marian", "t5", "madlad")
OTHER_TASKS = ("classifier", "gpt2", "llama")
LABELS = ("negative", "neutral", "positive")


def bitext(name: str = "tr-en", split: str = "train") -> Bitext:
    """Seven Turkish-English sentence pairs."""
    return Bitext(pair(name), split, TURKISH, ENGLISH)


def labelled(code: str = "tr") -> Bitext:
    """The Turkish sentences, each with a label."""
    return Bitext(LanguagePair(code, code), "train", TURKISH, tuple(LABELS[i % 3] for i in range(len(TURKISH))))


def prompted(code: str = "tr") -> Bitext:
    """The Turkish sentences as prompts, the English ones as answers."""
    return Bitext(LanguagePair(code, code), "train", TURKISH, ENGLISH)


def sentencepiece_model(extra: tuple[str, ...] = ()) -> bytes:
    """A SentencePiece model of 120 pieces over the sentences above."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter((*ENGLISH, *TURKISH) * 4),
        model_writer=model,
        vocab_size=120,
        user_defined_symbols=list(extra),
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return model.getvalue()


def save_model(folder: Path, family: str = "m2m100") -> Path:
    """Save a tiny random model of a family, with its tokenizer, as Hugging Face would."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    {
        "m2m100": _save_m2m100,
        "nllb": _save_nllb,
        "mbart50": _save_mbart50,
        "marian": _save_marian,
        "t5": _save_t5,
        "madlad": _save_madlad,
        "classifier": _save_classifier,
        "gpt2": _save_gpt2,
        "llama": _save_llama,
    }[family](folder)
    return folder


def save_corpus(folder: Path, codes: tuple[str, ...] = ("tr", "az", "de", "sv")) -> Path:
    """A Moses folder in which every pair has the same English side and made-up sources."""
    for place, code in enumerate(codes):
        sources = [" ".join([code, *line.split()[place:], *line.split()[:place]]) for line in TURKISH]
        (folder / f"{code}-en").mkdir(parents=True)
        for side, lines in ((code, sources), ("en", ENGLISH)):
            (folder / f"{code}-en" / f"train.{side}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def save_tasks(folder: Path, kind: str, codes: tuple[str, ...] = ("tr", "az", "de")) -> Path:
    """A JSONL file a language: texts with labels (classifier), or prompts with answers."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("text", "label") if kind == "classifier" else ("prompt", "answer")
    for place, code in enumerate(codes):
        one = labelled() if kind == "classifier" else prompted()
        rows = [(f"{code} {source}"[place:], target) for source, target in zip(one.sources, one.targets, strict=True)]
        lines = [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows]
        (folder / f"train.{code}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _pieces(folder: Path, name: str, extra: tuple[str, ...] = ()) -> list[str]:
    model = sentencepiece_model(extra)
    (folder / name).write_bytes(model)
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [pieces.id_to_piece(i) for i in range(pieces.get_piece_size())]


def _fairseq_vocabulary(folder: Path) -> Path:
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *_pieces(folder, "sentencepiece.bpe.model")[3:]]
    (folder / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
    return folder / "vocab.json"


def _save_m2m100(folder: Path) -> None:
    vocabulary = _fairseq_vocabulary(folder)
    # As facebook's checkpoints do: what is not listed here, decoding does not skip.
    codes = [f"__{one.m2m100}__" for one in languages().values() if one.m2m100]
    model = str(folder / "sentencepiece.bpe.model")
    tokenizer = M2M100Tokenizer(str(vocabulary), model, additional_special_tokens=codes)
    tokenizer.save_pretrained(folder)
    size = max(tokenizer.lang_token_to_id.values()) + 9
    _save(M2M100ForConditionalGeneration(M2M100Config(vocab_size=size, **SMALL)), folder)


def _scores(names: list[str]) -> list[tuple[str, float]]:
    return [(piece, -float(i)) for i, piece in enumerate(names)]


def _save_nllb(folder: Path) -> None:
    merges: list[tuple[str, str]] = []
    letters = sorted({letter for line in (*ENGLISH, *TURKISH) for letter in line if letter != " "})
    vocabulary = {piece: i for i, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", "▁", *letters])}
    tokenizer = NllbTokenizer(vocab=vocabulary, merges=merges)
    tokenizer.save_pretrained(folder)
    _save(M2M100ForConditionalGeneration(M2M100Config(vocab_size=len(tokenizer), **SMALL)), folder)


def _save_mbart50(folder: Path) -> None:
    tokenizer = MBart50Tokenizer(vocab=_scores(_pieces(folder, "spm.model")))
    (folder / "spm.model").unlink()
    tokenizer.save_pretrained(folder)
    _save(
        MBartForConditionalGeneration(MBartConfig(vocab_size=len(tokenizer), decoder_start_token_id=2, **SMALL)), folder
    )


def _save_marian(folder: Path) -> None:
    pieces = _pieces(folder, "source.spm")
    (folder / "target.spm").write_bytes((folder / "source.spm").read_bytes())
    vocabulary = {piece: i for i, piece in enumerate(["</s>", "<unk>", *pieces[3:], ">>eng<<", "<pad>"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    files = [str(folder / name) for name in ("source.spm", "target.spm", "vocab.json")]
    tokenizer = MarianTokenizer(*files, source_lang="tr", target_lang="mul")
    tokenizer.save_pretrained(folder)
    pad = vocabulary["<pad>"]
    special = {"pad_token_id": pad, "decoder_start_token_id": pad, "eos_token_id": 0, "forced_eos_token_id": 0}
    _save(MarianMTModel(MarianConfig(vocab_size=len(vocabulary), **special, **SMALL)), folder)


def _save_t5(folder: Path, extra: tuple[str, ...] = ()) -> None:
    names = _pieces(folder, "spm.model", extra)
    (folder / "spm.model").unlink()
    tokenizer = T5Tokenizer(vocab=_scores(["<pad>", "</s>", "<unk>", *names[3:]]), extra_ids=0)
    tokenizer.save_pretrained(folder)
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_decoder_layers": 1, "num_heads": 2}
    gated = "gated-gelu" if extra else "relu"
    config = T5Config(vocab_size=len(tokenizer), feed_forward_proj=gated, tie_word_embeddings=not extra, **sizes)
    config.decoder_start_token_id = 0
    _save(T5ForConditionalGeneration(config), folder)


def _save_madlad(folder: Path) -> None:
    _save_t5(folder, extra=("<2en>", "<2tr>"))


def _save_classifier(folder: Path) -> None:
    names = _pieces(folder, "spm.model")
    (folder / "spm.model").unlink()
    tokenizer = XLMRobertaTokenizer(vocab=_scores(["<s>", "<pad>", "</s>", "<unk>", *names[3:], "<mask>"]))
    tokenizer.save_pretrained(folder)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    labels = {"id2label": dict(enumerate(LABELS)), "label2id": {name: i for i, name in enumerate(LABELS)}}
    config = XLMRobertaConfig(vocab_size=len(tokenizer), max_position_embeddings=80, **sizes, **labels)
    _save(XLMRobertaForSequenceClassification(config), folder)


def _save_gpt2(folder: Path) -> None:
    """Every byte a token, no merges."""
    letters = sorted(set(bytes_to_unicode().values()))
    vocabulary = {letter: i for i, letter in enumerate([*letters, "<|endoftext|>"])}
    GPT2Tokenizer(vocab=vocabulary, merges=[]).save_pretrained(folder)
    config = GPT2Config(vocab_size=len(vocabulary), n_positions=256, n_embd=16, n_layer=2, n_head=2)
    config.bos_token_id = config.eos_token_id = vocabulary["<|endoftext|>"]
    _save(GPT2LMHeadModel(config), folder)


def _save_llama(folder: Path) -> None:
    letters = sorted({letter for line in (*ENGLISH, *TURKISH) for letter in line if letter != " "})
    vocabulary = {piece: i for i, piece in enumerate(["<unk>", "<s>", "</s>", "▁", *letters])}
    LlamaTokenizer(vocab=vocabulary, merges=[]).save_pretrained(folder)
    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    _save(LlamaForCausalLM(LlamaConfig(vocab_size=len(vocabulary), max_position_embeddings=256, **sizes)), folder)


def _save(model: torch.nn.Module, folder: Path) -> None:
    """Make every bias and norm differ from its neutral start, so that no part of a gradient is trivially zero."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
