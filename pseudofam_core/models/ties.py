"""Weights that a model has once and uses in several places."""

from __future__ import annotations

from typing import Any

import torch


def take_weights(module: Any, base: Any) -> None:
    """Give a model the weights of another of its kind, tied as they are there, whatever the configuration says.

    Args:
        module: What is given to; its parameters are replaced.
        base: What is copied; it stays as it is.
    """
    copies: dict[int, torch.nn.Parameter] = {}
    for name, weight in base.named_parameters(remove_duplicate=False):
        if id(weight) not in copies:
            copies[id(weight)] = torch.nn.Parameter(weight.detach().clone())
        parent, _, leaf = name.rpartition(".")
        setattr(module.get_submodule(parent), leaf, copies[id(weight)])
    module.load_state_dict(base.state_dict())  # the buffers
    module.all_tied_weights_keys = dict(base.all_tied_weights_keys)
