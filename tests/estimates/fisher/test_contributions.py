"""The squares of contributions against gradients written out in float64, and the rounding of their totals."""

from __future__ import annotations

import pytest
import torch

from pseudofam_core.estimates.fisher import contributions
from pseudofam_core.estimates.fisher.contributions import Outer, Rows, Summed, add_squares


def _random(*shape, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=dtype)


def _dense(part, sentence, shape):
    """The gradient of a sentence, element by element."""
    gradient = torch.zeros(shape, dtype=torch.float64)
    for t, row in enumerate(part.outputs[sentence].double()):
        if isinstance(part, Outer):
            gradient += torch.outer(row, part.inputs[sentence, t].double())
        elif isinstance(part, Rows):
            gradient[part.ids[sentence, t]] += row
        else:
            gradient += row
    return gradient


def _parts(kind):
    outer = Outer(_random(4, 6, 37), _random(4, 6, 11))
    outer.outputs[1, 4:] = 0  # padding
    outer.outputs[2] = 0
    outer.outputs[3, 2] = 0  # a zero in the middle is no padding
    looked_up = [Rows(_random(4, n, 11), torch.arange(4 * n).reshape(4, n) % 7 * 6) for n in (5, 3)]
    return {
        "linear": [outer],
        "linear twice": [outer, Outer(_random(4, 2, 37), _random(4, 2, 11))],
        "embedding": looked_up,
        "tied embedding": [looked_up[0], outer, looked_up[1]],
        "vector": [Summed(_random(4, 5, 37)), Summed(_random(4, 3, 37))],
    }[kind]


@pytest.mark.parametrize("kind", ["linear", "linear twice", "embedding", "tied embedding", "vector"])
@pytest.mark.parametrize("tile", [(2**18, 1024), (40, 8), (1, 1)])
def test_squares_are_those_of_the_written_out_gradients(kind, tile, monkeypatch):
    numbers, columns = tile
    monkeypatch.setattr(contributions, "TILE_NUMBERS", numbers)
    monkeypatch.setattr(contributions, "TILE_COLUMNS", columns)
    shape = (37,) if kind == "vector" else (37, 11)
    parts, total = _parts(kind), torch.ones(shape, dtype=torch.float64)
    expected = 1 + sum(sum(_dense(part, b, shape) for part in parts) ** 2 for b in range(4))
    add_squares(total, parts)
    torch.testing.assert_close(total, expected, rtol=1e-12, atol=1e-12)


def test_sixteen_bit_parts_are_added_in_float32():
    part = Outer(_random(4, 6, 37).bfloat16(), _random(4, 6, 11).bfloat16())
    total = torch.zeros(37, 11)
    add_squares(total, [part])
    expected = sum(_dense(part, b, (37, 11)) ** 2 for b in range(4))
    torch.testing.assert_close(total.double(), expected, rtol=1e-5, atol=1e-6)


def test_rounding_stays_small_over_ten_thousand_sentences():
    """After one huge square, the small ones must not be lost one by one."""
    total, expected = torch.full((2, 2), 2.0**24), 2.0**24
    part = Outer(torch.full((32, 1, 2), 0.7), torch.ones(32, 1, 2))
    for _ in range(313):
        add_squares(total, [part])
        expected += 32 * float(torch.tensor(0.7)) ** 2
    assert (total.double() / expected - 1).abs().max() < 1e-5
