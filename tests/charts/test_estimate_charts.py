import numpy as np
import pytest
from plotly.colors import sample_colorscale

from pseudofam_core.charts.estimates import (
    convergence_figure,
    lorenz_figure,
    mass_by_layer,
    mass_figure,
    mean_mass,
    zeros_figure,
)
from tests.contrast import contrast

M2M100 = {
    "model.encoder.layers.0.fc1.weight": 0.1,
    "model.encoder.layers.1.fc1.weight": 0.2,
    "model.decoder.layers.0.fc1.weight": 0.3,
    "model.decoder.layers.0.fc1.bias": 0.05,
    "model.decoder.layers.0.encoder_attn.q_proj.weight": 0.1,
    "model.decoder.layers.0.self_attn_layer_norm.weight": 0.05,
    "model.shared.weight": 0.2,
}


def test_mass_is_added_up_by_kind_and_layer():
    table, outside = mass_by_layer(M2M100)
    assert outside == 0.2
    assert list(table) == ["encoder fc1", "decoder cross-attention", "decoder fc1", "decoder norms"]
    assert table["encoder fc1"] == {1: 0.1, 2: 0.2}
    assert table["decoder fc1"] == {1: pytest.approx(0.35)}


def test_exact_zeros_are_shares_of_each_cells_parameters():
    # Decoder fc1, layer 1: 30 of 100 weights and 4 of 10 biases.
    sizes = {name: 10 if name.endswith("bias") else 100 for name in M2M100}
    zeros = {name: 4 if name.endswith("bias") else 30 for name in M2M100}
    heat, _ = zeros_figure(zeros, sizes).data
    cells = dict(zip(heat.y, np.asarray(heat.z).tolist(), strict=True))
    assert cells["decoder fc1"][0] == 34 / 110
    assert cells["encoder fc1"] == [0.3, 0.3]
    assert "of the parameters" in heat.hovertemplate


def test_t5_names_its_layers_otherwise():
    table, outside = mass_by_layer(
        {
            "encoder.block.3.layer.1.DenseReluDense.wi_0.weight": 0.6,
            "decoder.block.0.layer.0.SelfAttention.q.weight": 0.4,
        }
    )
    assert table == {"encoder wi_0": {4: 0.6}, "decoder self-attention": {1: 0.4}}
    assert outside == 0


@pytest.mark.parametrize("n_layers", [2, 48])
def test_the_strip_is_drawn_for_shallow_and_deep_models(n_layers):
    mass = {
        f"model.{side}.layers.{layer}.{kind}.weight": 1 / (4 * n_layers)
        for side in ("encoder", "decoder")
        for layer in range(n_layers)
        for kind in ("fc1", "fc2")
    }
    heat, *written = mass_figure(mass).data
    assert np.asarray(heat.z).shape == (4, n_layers)
    assert np.nansum(np.asarray(heat.z)) == pytest.approx(1)
    assert len(written) == (n_layers <= 12)


def test_numbers_can_be_read_on_their_cells():
    # From nothing to the most in steps: each number has 4.5 to 1 or more against its own cell.
    _, written = zeros_figure(
        {f"encoder.layers.{i}.fc1.weight": i for i in range(12)},
        {f"encoder.layers.{i}.fc1.weight": 11 for i in range(12)},
    ).data
    assert list(written.text) == [f"{i / 11:.1%}" for i in range(12)]
    cells = sample_colorscale("Cividis", [i / 11 for i in range(12)], colortype="tuple")
    for ink, cell in zip(written.textfont.color, cells, strict=True):
        assert contrast({"#ffffff": (1, 1, 1), "#000000": (0, 0, 0)}[ink], cell) >= 4.5


def test_a_side_with_fewer_layers_is_left_empty():
    heat, written = mass_figure(M2M100).data
    assert len(written.text) == int(np.isfinite(heat.z).sum())
    z = dict(zip(heat.y, np.asarray(heat.z), strict=True))
    assert np.isnan(z["decoder fc1"][1])
    assert z["encoder fc1"][1] == 0.2


def test_the_mean_is_over_pairs():
    assert mean_mass([{"a": 0.2, "b": 0.8}, {"a": 0.4, "b": 0.6}]) == pytest.approx({"a": 0.3, "b": 0.7})


def test_the_chosen_curve_stands_before_all_others():
    curves = {"be": list(np.linspace(0, 1, 101)), "uk": [1.0] * 101, "tr": [0.5] * 101}
    alike, others, chosen = lorenz_figure(curves, "be").data
    assert alike.name == "all alike"
    assert others.x.count(None) == 2
    assert chosen.name == "be"
    assert chosen.y[50] == 0.5


def test_without_a_choice_all_curves_are_alike():
    (pairs,) = convergence_figure({"be": ([5, 10], [0.4, 0.0]), "uk": ([5, 10], [None, None])}).data
    assert list(pairs.y) == [0.4, 0.0, None, None, None, None]
    assert list(pairs.customdata) == ["be"] * 3 + ["uk"] * 3
