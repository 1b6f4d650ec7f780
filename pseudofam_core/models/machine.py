"""What this machine computes well in, without opening torch: asked once of another process, and kept for this machine."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from pseudofam_core.errors import MalformedValue, ModelError
from pseudofam_core.store.cache import default_root
from pseudofam_core.store.restoring import restored
from pseudofam_core.store.writing import write_atomically

AUTO = "auto"
_ASKED = "pseudofam_core.models.precision"


@dataclass(frozen=True)
class Capability:
    """What a machine computes well in.

    Attributes:
        training: Number format to train in: ``bf16`` where it has instructions for it, else ``fp16`` on a GPU, else ``float32``.
        bfloat16_slowdown: How many times as long as in float32 a product takes in bfloat16, where that is emulated; else None.
    """

    training: str
    bfloat16_slowdown: float | None = None


@functools.cache
def capability() -> Capability:
    """That of this machine. Where torch is open it is asked here, else in another process, whose answer is kept.

    Raises:
        ModelError: torch can't be asked.
    """
    if asked := sys.modules.get(_ASKED):
        answer: Capability = asked.capability_here()
        return answer
    kept = default_root() / "machines" / f"{_mark()}.json"
    with suppress(OSError, MalformedValue, ValueError):
        return restored(Capability, json.loads(kept.read_text(encoding="utf-8")))
    answer = _answer()
    with suppress(OSError):  # it is asked again
        write_atomically(kept, json.dumps(asdict(answer)))
    return answer


def _answer() -> Capability:
    """The answer of another process: a server must not open torch."""
    ran = subprocess.run([sys.executable, "-m", _ASKED], capture_output=True, text=True, check=False)
    if ran.returncode:
        told = next(reversed(ran.stderr.strip().splitlines()), f"exit status {ran.returncode}")
        raise ModelError(
            f"torch can't be asked what this machine computes in: {told}. Name a precision, such as float32."
        )
    return restored(Capability, json.loads(ran.stdout.splitlines()[-1]))


def _mark() -> str:
    """What the answer depends on: machine, processor, visible GPUs, and torch."""
    gpus = sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
    parts = [platform.node(), platform.machine(), _processor(), gpus, os.environ.get("CUDA_VISIBLE_DEVICES")]
    return hashlib.sha256(json.dumps([*parts, metadata.version("torch")]).encode()).hexdigest()[:16]


def _processor() -> list[str]:
    """Its name and its instructions, as Linux tells them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return [platform.processor()]
    return sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
