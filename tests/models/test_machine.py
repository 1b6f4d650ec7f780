"""What a machine is said to compute well in: asked of torch here where it is open, else of another process, once."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict

import pytest

from pseudofam_core.errors import ModelError
from pseudofam_core.models import machine, precision
from pseudofam_core.models.machine import Capability, capability


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """A process without torch, and a cache of its own."""
    monkeypatch.setenv("PSEUDOFAM_CACHE", str(tmp_path))
    monkeypatch.delitem(sys.modules, "pseudofam_core.models.precision")
    capability.cache_clear()
    yield tmp_path
    capability.cache_clear()


@pytest.mark.parametrize(("able", "training"), [(True, "bf16"), (False, "float32")])
def test_where_torch_is_open_it_is_asked_here(machine_that, monkeypatch, able, training):
    monkeypatch.setattr(subprocess, "run", lambda *one, **named: pytest.fail("another process was asked"))
    machine_that(able)
    found = capability()
    assert found.training == training
    assert (found.bfloat16_slowdown is None) is able


def test_a_gpu_without_bfloat16_trains_in_fp16(monkeypatch):
    monkeypatch.setattr(precision, "computes_in_bfloat16", lambda: False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert precision.capability_here() == Capability("fp16")


def test_the_slowdown_is_that_of_a_product(monkeypatch):
    times = iter([3.0, 0.5])
    monkeypatch.setattr(precision, "_seconds", lambda one, other: next(times))
    precision._bfloat16_slowdown.cache_clear()
    assert precision._bfloat16_slowdown() == 6.0
    precision._bfloat16_slowdown.cache_clear()


def test_another_process_is_asked_once_and_its_answer_kept_for_the_machine(elsewhere, monkeypatch):
    asked = capability()
    assert asked.training == precision.capability_here().training
    (kept,) = (elsewhere / "machines").iterdir()
    monkeypatch.setattr(subprocess, "run", lambda *one, **named: pytest.fail("asked again"))
    capability.cache_clear()
    assert capability() == asked
    monkeypatch.undo()
    monkeypatch.setenv("PSEUDOFAM_CACHE", str(elsewhere))
    monkeypatch.delitem(sys.modules, "pseudofam_core.models.precision", raising=False)
    for damaged in ("", "{", "[]", '{"training": 3}'):
        kept.write_text(damaged)
        monkeypatch.setattr(machine, "_answer", lambda: Capability("float32", 7.4))
        capability.cache_clear()
        assert asdict(capability()) == {"training": "float32", "bfloat16_slowdown": 7.4}


def test_another_machine_has_an_answer_of_its_own(monkeypatch):
    before = machine._mark()
    assert machine._mark() == before
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert machine._mark() != before
    monkeypatch.undo()
    monkeypatch.setattr(machine, "_processor", lambda: ["flags : avx2"])
    assert machine._mark() != before


def test_a_torch_that_cannot_be_asked_is_told(elsewhere, monkeypatch):
    monkeypatch.setattr(machine, "_ASKED", "pseudofam_core.no_such_module")
    with pytest.raises(ModelError, match=r"can't be asked.*no_such_module.*Name a precision, such as float32"):
        capability()
