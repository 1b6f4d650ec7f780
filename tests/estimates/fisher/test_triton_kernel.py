"""The GPU's kernel against the CPU's, in Triton's interpreter: no GPU is needed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pseudofam_core.estimates.fisher.contributions import Outer, add_squares

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None,
    reason="Triton is not installed: it has wheels for Linux on x86-64 only.",
)

# (B, T, in, out): within one tile, just over one, long sentences, a single number
SHAPES = ((3, 5, 7, 9), (2, 16, 64, 64), (2, 35, 65, 70), (1, 1, 1, 1))
# Triton decides on its interpreter when it is imported, so a process of its own must.
SCRIPT = """
import sys
from safetensors.torch import load_file, save_file
from pseudofam_core.estimates.fisher.triton_kernel import add_outer_squares
cases = load_file(sys.argv[1])
totals = {}
for name in {key.split("/")[0] for key in cases}:
    totals[name] = cases[f"{name}/total"]
    tile = {"block": 32, "block_tokens": 32} if name.startswith("small tile") else {}
    add_outer_squares(totals[name], cases[f"{name}/outputs"], cases[f"{name}/inputs"], **tile)
save_file(totals, sys.argv[2])
"""


def _case(shape, dtype):
    n_sentences, n_tokens, n_in, n_out = shape
    generator = torch.Generator().manual_seed(n_in)
    outputs = torch.randn(n_sentences, n_tokens, n_out, generator=generator)
    outputs[0, n_tokens // 2 + 1 :] = 0  # padding
    inputs = torch.randn(n_sentences, n_tokens, n_in, generator=generator)
    total = torch.rand(n_out, n_in, generator=generator)
    return {"outputs": outputs.to(dtype), "inputs": inputs.to(dtype), "total": total}


CASES = {f"{shape}-{dtype}": _case(shape, dtype) for shape in SHAPES for dtype in (torch.float32, torch.bfloat16)}
CASES["small tile"] = _case(SHAPES[2], torch.float32)


@pytest.fixture(scope="module")
def totals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("triton")
    save_file({f"{name}/{key}": one for name, case in CASES.items() for key, one in case.items()}, folder / "cases")
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder / "cases"), str(folder / "totals")],
        check=True,
        cwd=Path(__file__).parents[3],
        env=os.environ | {"TRITON_INTERPRET": "1"},
    )
    return load_file(folder / "totals")


@pytest.mark.parametrize("name", CASES)
def test_the_kernel_agrees_with_the_cpu(totals, name):
    case = CASES[name]
    expected = case["total"].clone()
    add_squares(expected, [Outer(case["outputs"], case["inputs"])])
    assert (totals[name] - expected).abs().max() <= 1e-6 * expected.max()
