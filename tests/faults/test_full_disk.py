"""A disk that is full while a task writes: a clear failure, nothing half-written, and all well once there is room."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def own_mounts():
    """The command that lets a process mount a disk which nobody else sees."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("A small disk can't be mounted here: unshare -rm is not permitted.")
    return ["unshare", "-rm"]


def test_a_full_disk(own_mounts, tmp_path):
    program = [sys.executable, str(Path(__file__).with_name("full_disk.py")), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([*own_mounts, *program], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    full, waiting, roomy = map(json.loads, ran.stdout.splitlines())
    assert full["state"] == "failed"
    assert "No space left on device" in full["error"]
    assert "Free some space and run it again" in full["error"]
    assert (full["found"], full["names"]) == (False, [])
    assert waiting == {"state": None, "error": None, "found": False, "names": []}
    assert (roomy["state"], roomy["found"]) == ("done", True)
    assert roomy["names"] == ["file", "key", "manifest.json"]
