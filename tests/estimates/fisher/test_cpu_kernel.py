"""The compiled kernel against gradients written out in float64: odd shapes, padding, any width of vectors and threads."""

from __future__ import annotations

import pytest
import torch

from pseudofam_core.estimates.fisher import contributions, cpu_kernel
from pseudofam_core.estimates.fisher.contributions import Outer, add_squares
from pseudofam_core.estimates.fisher.llvm_kernel import compiled

pytest.importorskip("llvmlite")
SHAPES = [(6, 16), (1, 1), (5, 3), (7, 17), (12, 32), (37, 130), (100, 48)]
"""(out, in): whole tiles, parts of one, and both."""


def _outer(n_out, n_in, *, lengths=(5, 1, 0, 8, 2), seed=0):
    """A use whose sentences have these lengths, padding after them."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), max(lengths))
    outputs = torch.randn(*shape, n_out, generator=generator)
    outputs[torch.arange(shape[1]) >= torch.tensor(lengths)[:, None]] = 0
    return Outer(outputs, torch.randn(*shape, n_in, generator=generator))


def _expected(*parts):
    return sum(torch.einsum("bto,bti->boi", one.outputs.double(), one.inputs.double()) for one in parts).square().sum(0)


def _added(parts, n_out, n_in):
    total = torch.full((n_out, n_in), 2.0)
    add_squares(total, parts)
    return total.double() - 2


@pytest.fixture(params=[1, 3], ids=["one thread", "three threads"])
def _threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def calls(monkeypatch):
    """How often the kernel was asked."""
    asked, real = [], cpu_kernel.add_outer_squares
    monkeypatch.setattr(cpu_kernel, "add_outer_squares", lambda *some: (asked.append(1), real(*some)))
    return asked


@pytest.mark.parametrize(("n_out", "n_in"), SHAPES)
@pytest.mark.parametrize("lanes", [4, 8, 16])
@pytest.mark.usefixtures("_threads")
def test_shapes_that_are_no_whole_tiles(n_out, n_in, lanes, monkeypatch, calls):
    monkeypatch.setattr(cpu_kernel, "lanes_here", lambda: lanes)
    part = _outer(n_out, n_in)
    torch.testing.assert_close(_added([part], n_out, n_in), _expected(part), rtol=1e-5, atol=1e-5)
    assert calls


@pytest.mark.parametrize("lengths", [(1,), (1, 1, 1), (0, 3), (16, 15), (33, 1, 7)])
def test_sentences_of_any_length(lengths, calls):
    part = _outer(9, 20, lengths=lengths)
    torch.testing.assert_close(_added([part], 9, 20), _expected(part), rtol=1e-5, atol=1e-5)
    assert calls


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (3, 4)], ids=["no sentences", "no tokens", "zeros alone"])
def test_a_batch_without_gradients_adds_nothing(shape, calls):
    part = Outer(torch.zeros(*shape, 9), torch.randn(*shape, 20))
    assert not _added([part], 9, 20).any()
    assert calls


def test_outputs_are_copied_slab_by_slab(monkeypatch, calls):
    monkeypatch.setattr(cpu_kernel, "SLAB", 10)
    part = _outer(37, 20)
    torch.testing.assert_close(_added([part], 37, 20), _expected(part), rtol=1e-5, atol=1e-5)
    assert calls


def test_several_uses_are_added_before_they_are_squared(calls):
    parts = [_outer(9, 20), _outer(9, 20, lengths=(2, 2, 3, 0, 1), seed=1)]
    torch.testing.assert_close(_added(parts, 9, 20), _expected(*parts), rtol=1e-5, atol=1e-5)
    assert calls


def test_rows_of_a_larger_matrix_and_views_of_activations(calls):
    """A total that is some columns of another; activations in any order of dimensions, or shared."""
    outputs, inputs = torch.randn(9, 6, 4).permute(2, 1, 0), torch.randn(1, 6, 20).expand(4, -1, -1)
    whole = torch.zeros(9, 50)
    add_squares(whole[:, 7:27], [Outer(outputs, inputs)])
    torch.testing.assert_close(whole[:, 7:27].double(), _expected(Outer(outputs, inputs)), rtol=1e-5, atol=1e-5)
    assert not whole[:, :7].any()
    assert not whole[:, 27:].any()
    assert calls


def test_sixteen_bit_numbers_are_multiplied_in_float32(calls):
    part = _outer(9, 20)
    part = Outer(part.outputs.bfloat16(), part.inputs.bfloat16())
    torch.testing.assert_close(_added([part], 9, 20), _expected(part), rtol=1e-5, atol=1e-5)
    assert calls


def test_what_is_not_a_number_stays_so(calls):
    part = _outer(9, 20)
    part.outputs[0, 0, 4] = torch.nan
    total = _added([part], 9, 20)
    assert total[4].isnan().all()
    assert not total[:4].isnan().any()
    assert calls


def test_totals_in_double_precision_and_machines_without_llvm_take_pytorchs_products(monkeypatch, calls):
    part = _outer(9, 20)
    total = torch.zeros(9, 20, dtype=torch.float64)
    add_squares(total, [part])
    torch.testing.assert_close(total, _expected(part), rtol=1e-12, atol=1e-12)
    monkeypatch.setattr(contributions, "_has_llvm", lambda: False)
    torch.testing.assert_close(_added([part], 9, 20), _expected(part), rtol=1e-5, atol=1e-5)
    assert not calls


def test_it_is_compiled_once():
    assert compiled(8) is compiled(8)
