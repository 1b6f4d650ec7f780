"""What a signal says of a pool: a frozen matrix with its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pseudofam_core.languages import LanguagePair

FloatMatrix = npt.NDArray[np.float64]


def is_itself(targets: Sequence[LanguagePair], auxiliaries: Sequence[LanguagePair]) -> npt.NDArray[np.bool_]:
    """(targets, auxiliaries) whether the auxiliary is the target, which is none of its own."""
    return np.array([[target == auxiliary for auxiliary in auxiliaries] for target in targets])


@dataclass(frozen=True, eq=False)
class SignalMatrix:
    """How much each auxiliary is expected to help each target, by one signal.

    Attributes:
        signal: Its name in the table (`pseudofam_core.signals.SIGNALS`).
        targets: Labels of the rows.
        auxiliaries: Labels of the columns.
        values: (n_targets, n_auxiliaries) float64, larger = expected to help more. NaN where the auxiliary is the target,
            or nothing is known. Only the order within a row means the same for all signals.
        provenance: What was read, and how it was computed: what the CSV carries.

    Raises:
        ValueError: The shape does not fit.
    """

    signal: str
    targets: tuple[LanguagePair, ...]
    auxiliaries: tuple[LanguagePair, ...]
    values: FloatMatrix
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse values that belong to other pairs."""
        expected = (len(self.targets), len(self.auxiliaries))
        if self.values.shape != expected:
            raise ValueError(f"values must be {expected}: targets x auxiliaries. Got {self.values.shape}.")
        self.values.setflags(write=False)

    def ranked(self, target: LanguagePair) -> tuple[LanguagePair, ...]:
        """The auxiliaries of a target that something is known of, best first; of equal ones the first by name.

        Raises:
            ValueError: The target has no row.
        """
        if target not in self.targets:
            raise ValueError(f"target must be one of {', '.join(map(str, self.targets))}. Got {target}.")
        row = self.values[self.targets.index(target)]
        known = [i for i in range(len(row)) if np.isfinite(row[i])]
        return tuple(self.auxiliaries[i] for i in sorted(known, key=lambda i: (-row[i], self.auxiliaries[i])))
