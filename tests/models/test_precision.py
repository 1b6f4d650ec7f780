"""Which number format a machine is given: by what its processor and torch say that it can do."""

from __future__ import annotations

import pytest
import torch

from pseudofam_core.models.precision import computes_in_bfloat16

X86 = {"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": False}


def on_a_cpu(monkeypatch, capabilities, *, onednn=False):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: onednn, raising=False)


@pytest.mark.parametrize("instruction", ["avx512_bf16", "amx_bf16"])
def test_a_cpu_with_instructions_for_it_computes_in_bfloat16(monkeypatch, instruction):
    on_a_cpu(monkeypatch, X86 | {instruction: True})
    assert computes_in_bfloat16()


def test_a_cpu_with_avx512_alone_does_not_whatever_onednn_emulates(monkeypatch):
    on_a_cpu(monkeypatch, X86 | {"avx512_f": True}, onednn=True)
    assert not computes_in_bfloat16()


@pytest.mark.parametrize("able", [True, False])
def test_another_architecture_is_asked_through_onednn(monkeypatch, able):
    on_a_cpu(monkeypatch, {"architecture": "aarch64"}, onednn=able)
    assert computes_in_bfloat16() is able


@pytest.mark.parametrize("able", [True, False])
def test_a_gpu_answers_for_itself_without_emulation(monkeypatch, able):
    on_a_cpu(monkeypatch, X86 | {"amx_bf16": not able})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or able)
    assert computes_in_bfloat16() is able


def test_this_machine_gives_an_answer():
    able = torch.cpu.get_capabilities()
    if able["architecture"] == "x86_64" and not torch.cuda.is_available():
        assert computes_in_bfloat16() is (able["avx512_bf16"] or able["amx_bf16"])
