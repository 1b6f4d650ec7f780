"""How threads wait for each other: asleep, so that a busy neighbour does not hold up every product of matrices."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

# For GNU's OpenMP, which torch brings, and for Intel's and LLVM's. Awake, a thread that waits keeps the core that the one
# it waits for has lost.
ASLEEP = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}


def wait_asleep(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set it where nothing else is set, for this process and those that it starts. Torch must not be imported yet."""
    for name, value in ASLEEP.items():
        environment.setdefault(name, value)
