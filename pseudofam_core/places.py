"""Where on this machine a person's name for a corpus, a model or a file points to, and where it may.

An app that others reach reads below ``PSEUDOFAM_ROOTS`` only: what lies elsewhere is as if it were not there.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "PSEUDOFAM_ROOTS"
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
"""Names by which a machine's own browser reaches it, as in `.streamlit/config.toml`."""
_OURS = Path(__file__).resolve().parent  # the sample ships with the package


def local(name: str | Path) -> Path | None:
    """The file or folder that a name means; None where there is none that may be read, whatever the name."""
    try:
        path = Path(name).expanduser()
        return path if _is_open(path) and path.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long, ~ of nobody, a NUL
        return None


def roots() -> tuple[Path, ...] | None:
    """The folders below which names may point, links followed; None where all may be read."""
    named = os.environ.get(VARIABLE)
    return (
        None if named is None else tuple(Path(root).expanduser().resolve() for root in named.split(os.pathsep) if root)
    )


def within() -> str:
    """Where names may point, as part of a message; nothing where they may point anywhere."""
    allowed = roots()
    return (
        ""
        if allowed is None
        else f" below the folders that are open here ({VARIABLE}: {', '.join(map(str, allowed)) or 'none'})"
    )


def limit(*folders: Path) -> bool:
    """Read below these folders only, from now on, where nobody has named any; tells whether that was so.

    The whole disk is no such folder: a service starts in ``/``, and is not meant to open all of it.
    """
    if roots() is not None:
        return False
    real = (folder.expanduser().resolve() for folder in folders)
    os.environ[VARIABLE] = os.pathsep.join(str(folder) for folder in real if folder != folder.parent)
    return True


def without_limits(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a worker: what a job reads was looked up when it was asked for."""
    return {name: value for name, value in environment.items() if name != VARIABLE}


def _is_open(path: Path) -> bool:
    allowed = roots()
    if allowed is None:
        return True
    real = path.resolve()
    return any(real.is_relative_to(root) for root in (_OURS, *allowed))
