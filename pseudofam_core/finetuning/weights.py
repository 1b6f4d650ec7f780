"""Weights of auxiliaries in place of a choice among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pseudofam_core.languages import LanguagePair


def weights_of(expected: Mapping[LanguagePair, float]) -> dict[LanguagePair, float]:
    """Weights in proportion to what auxiliaries are expected to help; those that harm, or are not known (NaN), get none.

        w_a = n s_a / Σ_b s_b,  over the n auxiliaries with s > 0,

    beside 1 for the target: together they are read as often as if they weighed alike. Two decimals, so that a run is found
    again where another machine computed the signal; what rounds to nothing gets none.

    Args:
        expected: A number for each auxiliary, positive where it is expected to help, in any unit.
    """
    helpful = {pair: value for pair, value in expected.items() if value > 0}
    scale = len(helpful) / sum(helpful.values()) if helpful else 0.0
    weights = {pair: round(scale * value, 2) for pair, value in helpful.items()}
    return {pair: weight for pair, weight in weights.items() if weight}


def refuse_bad_weights(weights: Sequence[float], members: Sequence[LanguagePair]) -> None:
    """Refuse weights that are not one for each member, above zero.

    Raises:
        ValueError: They are not.
    """
    if weights and (len(weights) != len(members) or not min(weights) > 0):
        raise ValueError(f"weights must be above 0, one for each of {len(members)} members, or none. Got {weights}.")
