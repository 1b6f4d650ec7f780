"""How this process handles memory."""

from __future__ import annotations

import ctypes
import errno
import sys

# How libraries that raise a plain RuntimeError say that there was no memory: torch on a CPU and a GPU, oneDNN, C++.
_NO_MEMORY = ("can't allocate memory", "out of memory", "could not create a primitive", "bad_alloc")
# glibc's <malloc.h>
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def out_of_memory(error: Exception) -> str | None:
    """In a line, that there was too little memory and the way out; None where the error says nothing of the kind."""
    is_ours = isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)
    if not (isinstance(error, MemoryError) or is_ours or getattr(error, "errno", None) == errno.ENOMEM):
        return None
    first = (str(error).strip().splitlines() or ["MemoryError"])[0]
    return (
        f"There was not enough memory ({first}). Free some, or ask for smaller batches, fewer beams or a smaller model."
    )


def keep_freed_memory() -> None:
    """Tell glibc to reuse large freed blocks instead of returning them to the system.

    Training and Fisher estimates free and ask again for the same large buffers at every batch; page
    faults for fresh ones took a third of the time of a training step on a CPU. Does nothing where the C
    library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_TOP_PAD, 2**28)
