"""In which number format this machine trains well: asked of what it can do, not of what it is called."""

from __future__ import annotations

import functools
import json
import timeit
from dataclasses import asdict
from typing import Any

import torch

from pseudofam_core.models.machine import Capability


def computes_in_bfloat16() -> bool:
    """Whether this machine has instructions that multiply bfloat16 numbers.

    A GPU is asked through torch, emulation not counted. A CPU needs AVX-512 BF16 or AMX, or what oneDNN finds instead on
    other architectures; one without them computes in bfloat16 several times slower than in float32, in software.
    The answer rests on the machine alone, not on how busy it is: equal machines train alike.
    """
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    if able.get("avx512_bf16") or able.get("amx_bf16"):
        return True
    # oneDNN's own answer on x86 counts software emulation over plain AVX-512.
    return able.get("architecture") != "x86_64" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def capability_here() -> Capability:
    """What this machine computes well in; where it emulates bfloat16, how slow that is takes a moment to measure."""
    if computes_in_bfloat16():
        return Capability("bf16")
    return Capability("fp16") if torch.cuda.is_available() else Capability("float32", _bfloat16_slowdown())


@functools.cache
def _bfloat16_slowdown() -> float:
    """Time of a product in bfloat16 over that in float32, each the best of five."""
    left, right = torch.randn(512, 256), torch.randn(256, 1024)
    return _seconds(left.bfloat16(), right.bfloat16()) / _seconds(left, right)


def _seconds(left: torch.Tensor, right: torch.Tensor) -> float:
    return min(timeit.repeat(lambda: left @ right, number=1, repeat=5))


def halved(module: Any) -> Any:
    """The module in float16, in place; as it is where a weight is beyond float16's largest number, for it would be infinite."""
    limit = torch.finfo(torch.float16).max
    return module if any(weight.abs().max() > limit for weight in module.parameters()) else module.half()


if __name__ == "__main__":
    print(json.dumps(asdict(capability_here())))
