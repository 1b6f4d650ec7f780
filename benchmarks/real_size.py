"""Real geometries with random weights: time and peak memory of a Fisher estimate, against what was predicted.

``python -m benchmarks.real_size [--size 418M|NLLB-600M|1.2B]``. The weights are random, so what is estimated means
nothing; sizes, time and memory are those of the real checkpoints. The tokenizer is the sample model's, whose ids lie in the
range of theirs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Size:
    """A geometry, and what is estimated with it."""

    layers: int
    ffn: int
    precision: str
    n_sentences: int
    limit_gib: float
    vocabulary: int = 128_112


# M2M100's two, and between them NLLB-200's distilled 600M, which differs from the smaller one in its vocabulary.
SIZES = {
    "418M": Size(12, 4096, "float32", 64, 8),
    "NLLB-600M": Size(12, 4096, "float32", 64, 8, vocabulary=256_206),
    "1.2B": Size(24, 8192, "bfloat16", 4, 16),
}


def main() -> None:
    """Measure each size in processes of its own, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, action="append", help="default: all")
    parser.add_argument("--step", choices=("write", "estimate"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        {"write": _write, "estimate": _estimate}[options.step](options.folder, SIZES[options.size[0]])
        return
    result: dict[str, Any] = {}
    for name in options.size or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            _run(name, "write", folder)
            measured = json.loads(_run(name, "estimate", folder).splitlines()[-1])
        result |= {f"{key}_{name}": value for key, value in measured.items()}
    print("RESULT", json.dumps(result))


def _run(name: str, step: str, folder: str) -> str:
    """A fresh process, so that one's peak is not another's."""
    command = [sys.executable, "-m", "benchmarks.real_size", "--size", name, "--step", step, "--folder", folder]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _write(folder: Path, size: Size) -> None:
    import torch
    from safetensors.torch import save_file
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    from pseudofam_core.models.hub import sample_model

    shutil.copytree(sample_model(), folder, dirs_exist_ok=True)
    config = M2M100Config.from_pretrained(folder)
    config.vocab_size, config.d_model, config.max_position_embeddings = size.vocabulary, 1024, 1024
    config.encoder_layers = config.decoder_layers = size.layers
    config.encoder_ffn_dim = config.decoder_ffn_dim = size.ffn
    config.encoder_attention_heads = config.decoder_attention_heads = 16
    config.dtype = size.precision
    config.save_pretrained(folder)
    with torch.device("meta"):
        module = M2M100ForConditionalGeneration(config)
    dtype, noise = getattr(torch, size.precision), 0.02 * torch.randn(2**20 + 7)
    tensors = {}
    for name, parameter in module.named_parameters():
        drawn = noise.to(dtype).repeat(-(-parameter.numel() // len(noise)))[: parameter.numel()].view(parameter.shape)
        tensors[name] = drawn + 1 if "norm.weight" in name else drawn.clone()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def _estimate(folder: Path, size: Size) -> None:
    from pseudofam_core.errors import ModelError
    from pseudofam_core.estimates import computing, summarise
    from pseudofam_core.estimates.spec import Precision, Workspace
    from pseudofam_core.languages import pair
    from pseudofam_core.store.cache import Cache

    workspace = Workspace(model=str(folder), max_sentences=size.n_sentences, precision=Precision(size.precision))
    measured: dict[str, Any] = {"limit_gib": size.limit_gib}
    try:
        artifact = computing.compute(computing.fisher_spec(workspace, pair("tr-en")), Cache(folder / "cache"))
    except ModelError as refused:
        measured["refused"] = str(refused)
    else:
        counts = summarise(artifact)
        measured["predicted_gib"] = round((counts.predicted_bytes or 0) / 2**30, 2)
        measured["peak_gib"] = round(_peak_mib() / 1024, 2)
        measured["seconds"] = round(counts.seconds, 1)
        measured["n_parameters"] = counts.n_parameters
        measured["n_sentences"] = counts.n_sentences
    print(json.dumps(measured))


def _peak_mib() -> float:
    """Highest resident memory of this process since it began, mapped files included."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
