"""What signals say between any texts, which need not be those of a pool: nothing is looked up or kept. Opens torch."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from pseudofam_core.corpora import Bitext
from pseudofam_core.estimates import FISHER_FILE
from pseudofam_core.estimates.computing import open_model
from pseudofam_core.estimates.fisher import estimate_fisher
from pseudofam_core.estimates.gradients import FloatArray, Gradient, kept_diagonal
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.languages import LanguagePair
from pseudofam_core.models.parameters import compared_parameters, select_parameters
from pseudofam_core.progress import Meter, Report, ShouldStop, never, silent
from pseudofam_core.signals.computing import encoder_states, text_profile
from pseudofam_core.signals.fisher import turned
from pseudofam_core.signals.gradients import TargetGradient
from pseudofam_core.signals.results import FloatMatrix
from pseudofam_core.signals.table import Need, Signal
from pseudofam_core.similarity.matrices import similarity_of_files
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import PoolSimilarity
from pseudofam_core.similarity.spec import PoolSpec, Scope

_N_STEPS = 10  # of K: the 0.4 that is asked for is one


def values_between(
    workspace: Workspace,
    targets: Sequence[Bitext],
    auxiliaries: Sequence[Bitext],
    signals: Sequence[Signal],
    *,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> dict[str, FloatMatrix]:
    """(targets, auxiliaries) of each signal, larger = expected to help more.

    Args:
        workspace: Names the model, and the parameters that are estimated, sentence by sentence; its corpus is not read.
        targets: Texts; the gradient of each is taken as that of its dev loss.
        auxiliaries: Texts.
        signals: Rows of the table that look at text. A measure that a diagonal of nothing but zeros does not have is left out.
        report: Receives progress.
        should_stop: Asked after each batch.

    Raises:
        ModelError: The model can't be loaded or lacks a language.
        JobCancelled: `should_stop` said so.
    """
    with tempfile.TemporaryDirectory() as folder:
        texts = _Texts(workspace, [*targets, *auxiliaries], Path(folder), report, should_stop)
        matrices = {signal.name: _values(texts, signal, len(targets)) for signal in signals}
    return {name: values for name, values in matrices.items() if values is not None}


class _Texts:
    """Evidence of some texts, each kind made once, when it is asked for."""

    def __init__(
        self, workspace: Workspace, texts: Sequence[Bitext], folder: Path, report: Report, should_stop: ShouldStop
    ) -> None:
        self.workspace, self.texts, self.folder = workspace, texts, folder
        self._report, self._should_stop = report, should_stop
        self._model = open_model(workspace)

    @cached_property
    def profiles(self) -> list[Any]:
        return [self._made(text_profile, "counting text", text) for text in self.texts]

    @cached_property
    def states(self) -> list[Any]:
        return [self._made(encoder_states, "reading states", text) for text in self.texts]

    @cached_property
    def estimates(self) -> list[tuple[Path, FloatArray]]:
        """The file of each one's Fisher diagonal, and its mean gradient."""
        return [self._estimated(place, text) for place, text in enumerate(self.texts)]

    @cached_property
    def pool(self) -> PoolSimilarity:
        """All of them compared, under made-up labels that sort as they stand."""
        labels = tuple(LanguagePair(f"{place:06}", "") for place in range(len(self.texts)))
        names = select_parameters(compared_parameters(list(self._model.parameters())), self.workspace.parameters)
        files = dict(zip(labels, (file for file, _ in self.estimates), strict=True))
        matrices, curve = similarity_of_files(
            files, names=names, scope=Scope.GROUP, scope_names=None, n_steps=_N_STEPS, should_stop=self._should_stop
        )
        spec = PoolSpec(tuple(map(str, labels)), labels, Scope.GROUP, self.workspace.parameters)
        return PoolSimilarity(spec, matrices, curve, {})

    def _made(self, make: Callable[..., Any], phase: str, text: Bitext) -> Any:
        meter = Meter(self._report, self._should_stop, phase=phase, total=len(text))
        return make(self._model, text, self.workspace.max_length, meter)

    def _estimated(self, place: int, text: Bitext) -> tuple[Path, FloatArray]:
        workspace = self.workspace
        diagonal = estimate_fisher(
            self._model,
            text,
            parameters=workspace.parameters,
            shards=workspace.shards,
            max_length=workspace.max_length,
            report=self._report,
            should_stop=self._should_stop,
        )
        path = self.folder / f"{place}-{FISHER_FILE}"
        save_file({name: value.contiguous() for name, value in diagonal.values.items()}, path)
        assert diagonal.gradient is not None  # gradients are squared sentence by sentence
        return path, Gradient(diagonal.gradient.values.numpy(), diagonal.gradient.n_tokens.numpy()).mean()


def _values(texts: _Texts, signal: Signal, n_targets: int) -> FloatMatrix | None:
    if isinstance(signal.value, Measure):
        whole = turned(texts.pool, signal.value)
        return None if whole is None else whole[:n_targets, n_targets:]
    evidence = _EVIDENCE[signal.needs](texts)
    targets = evidence[:n_targets]
    if signal.needs is Need.WEIGHTED_GRADIENTS:
        targets = [
            TargetGradient(gradient, kept_diagonal(texts.estimates[place][0])) for place, gradient in enumerate(targets)
        ]
    return np.array(
        [[signal.value(target, auxiliary) for auxiliary in evidence[n_targets:]] for target in targets], np.float64
    )


_EVIDENCE: Mapping[Need, Callable[[_Texts], list[Any]]] = {
    Need.TEXT: lambda texts: texts.profiles,
    Need.STATES: lambda texts: texts.states,
    Need.GRADIENTS: lambda texts: [gradient for _, gradient in texts.estimates],
    Need.WEIGHTED_GRADIENTS: lambda texts: [gradient for _, gradient in texts.estimates],
}
