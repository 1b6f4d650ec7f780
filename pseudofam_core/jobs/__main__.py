"""The engine's process; `pseudofam_core.jobs.engine` starts it."""

from __future__ import annotations

import sys
from pathlib import Path

from pseudofam_core.jobs.own_engine import serve

if __name__ == "__main__":
    serve(Path(sys.argv[1]))
