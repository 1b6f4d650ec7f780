"""``app``: the explorer in a browser."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from pseudofam_core.commands.options import count
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.jobs.limits import READ_ONLY
from pseudofam_core.places import THIS_MACHINE
from pseudofam_core.store.cache import default_root

_PACKAGE = Path(__file__).parents[1]


def app_script() -> Path:
    """The explorer's script: beside the package in a checkout, within it where it is installed.

    Raises:
        PseudoFamError: It is in neither place.
    """
    places = (_PACKAGE.parent / "app.py", _PACKAGE / "explorer" / "app.py")
    # Another project's app.py may lie beside an installed package: ours has its pages with it.
    scripts = [script for script in places if script.is_file() and (script.parent / "pages" / "components").is_dir()]
    if not scripts:
        raise PseudoFamError(
            f"The explorer is missing: looked for {' and '.join(map(str, places))}. Install the package again."
        )
    return scripts[0]


def _add_app(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=count, help="port of the page (default: Streamlit's, 8501)")
    parser.add_argument("--address", help="address it listens on (default: this machine only; see docs/security.md)")
    parser.add_argument(
        "--host", action="append", help="name that browsers reach it by; may be said again (default: this machine)"
    )
    parser.add_argument("--read-only", action="store_true", help="visitors look at results: no jobs, no imports")
    parser.set_defaults(run=_app, cache=default_root())


def _app(options: argparse.Namespace) -> None:
    command = [sys.executable, "-m", "streamlit", "run", str(app_script())]
    # Streamlit refuses requests for any other host.
    hosts = [*(options.host or ()), *([] if options.address in (None, "0.0.0.0", "::") else [options.address])]
    command += [f"--server.allowedHosts={host}" for host in dict.fromkeys([*THIS_MACHINE, *hosts])] if hosts else []
    chosen = {"--server.port": options.port, "--server.address": options.address}
    command += [part for name, value in chosen.items() if value is not None for part in (name, str(value))]
    try:
        status = subprocess.call(command, env={**os.environ, **({READ_ONLY: "1"} if options.read_only else {})})
    except KeyboardInterrupt:
        return
    if status:
        raise PseudoFamError(f"The explorer ended with status {status}. Its own messages stand above.")


COMMANDS = (("app", _add_app, "open the explorer in a browser"),)
