"""The predicted peak of memory against the measured one, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pseudofam_core.errors import ModelError
from pseudofam_core.estimates.fisher import footprint
from pseudofam_core.estimates.fisher.footprint import Footprint, check_footprint, predict_footprint
from pseudofam_core.models.hub import sample_model
from pseudofam_core.models.loading import load_model
from tests.cases import FAMILIES, OTHER_TASKS, save_model

MEASURED = """
import sys
from pathlib import Path
import torch
from pseudofam_core.corpora import Bitext
from pseudofam_core.estimates.fisher import estimate_fisher
from pseudofam_core.models.hub import sample_model
from pseudofam_core.languages import pair
from pseudofam_core.models.memory import keep_freed_memory
from pseudofam_core.models.loading import load_model
keep_freed_memory()
model = load_model(sample_model(), dtype=getattr(torch, sys.argv[1]))
text = Bitext(pair("tr-en"), "train", ("Kedi eski sandalyede uyuyor. " * 3,) * 12, ("The cat sleeps on the chair. " * 3,) * 12)
estimate_fisher(model, text, parameters=sys.argv[2], batch_tokens=256, shards=1)
print(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")).split()[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_what_is_available_is_what_linux_says():
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free = int(lines["MemAvailable"].split()[0]) * 1024
    held = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert footprint._available() == pytest.approx(
        free + held, rel=0.2
    )  # others on the machine take and free meanwhile


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
@pytest.mark.parametrize(("dtype", "parameters"), [("float32", "all"), ("bfloat16", "ffn")])
def test_the_peak_stays_below_the_prediction(dtype, parameters):
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", MEASURED, dtype, parameters]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    peak = int(ran.stdout.split()[-1]) * 1024
    predicted = predict_footprint(
        sample_model(),
        parameters=parameters,
        dtype=getattr(torch, dtype),
        batch_tokens=256,
        max_length=256,
        shards=1,
    )
    assert peak < predicted.total < 2 * peak


@pytest.mark.parametrize("name", [*FAMILIES, *OTHER_TASKS])
def test_weights_and_diagonal_are_counted_from_the_configuration(tmp_path, name):
    folder = save_model(tmp_path, name)
    (folder / "model.safetensors").rename(tmp_path / "elsewhere")
    options = {"parameters": "all", "dtype": torch.float32, "batch_tokens": 64, "max_length": 64, "shards": 2}
    predicted = predict_footprint(folder, **options)
    (tmp_path / "elsewhere").rename(folder / "model.safetensors")
    n = sum(one.numel() for one in load_model(folder).parameters().values())
    assert predicted.weights == predicted.fisher == 4 * n
    assert predict_footprint(folder, **{**options, "dtype": torch.bfloat16}).weights == 2 * n
    assert predict_footprint(folder, **options, dense_gradients=True).gradients == 8 * n
    assert predict_footprint(folder, **{**options, "batch_tokens": 640}).activations == 10 * predicted.activations


def test_too_much_is_refused_with_the_numbers_and_the_way_out(monkeypatch):
    gib = 2**30
    need = Footprint(process=gib, weights=2 * gib, fisher=gib, shards=0, gradients=0, activations=4 * gib)
    monkeypatch.setattr(footprint, "_available", lambda: 8 * gib)
    check_footprint(need, "cpu")
    with pytest.raises(ModelError, match=r"8\.5 GiB of memory on cpu, and 8\.0 GiB.*activations 4\.50.*bfloat16"):
        check_footprint(replace(need, activations=int(4.5 * gib)), "cpu")


def test_what_this_process_holds_counts_as_free():
    held = 64 * 2**20
    before = footprint._available()
    ballast = torch.ones(held)
    assert abs(footprint._available() - before) < 2**30
    del ballast


def test_a_folder_without_a_known_model_is_told(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "vit", "architectures": ["ViTModel"]}')
    with pytest.raises(ModelError):
        predict_footprint(tmp_path, parameters="all", dtype=torch.float32, batch_tokens=64, max_length=64, shards=1)
