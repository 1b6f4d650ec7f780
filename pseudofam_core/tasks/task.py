"""What is asked of a task: outputs of a model, their scores, and how these are shown.

Prefixes, labels and loss are the model family's: see `models`. A task's text is a bitext, whatever its sides are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pseudofam_core.corpora.bitext import Bitext
from pseudofam_core.errors import ScoringError
from pseudofam_core.progress import Report, ShouldStop, never, silent
from pseudofam_core.scoring.metrics import Beside, Metric, TextMetric
from pseudofam_core.scoring.protocols import Protocol as TextProtocol
from pseudofam_core.scoring.scorer import Scorer, ScoreReport

if TYPE_CHECKING:
    from pseudofam_core.models.loading import TranslationModel


class Generator(Protocol):
    """Makes a model's outputs."""

    def __call__(
        self,
        model: TranslationModel,
        bitext: Bitext,
        *,
        beams: int,
        max_length: int,
        report: Report,
        should_stop: ShouldStop,
    ) -> tuple[str, ...]:
        """One output per source, in order; the targets are not looked at. See `Task.generate`."""


@dataclass(frozen=True)
class Claim:
    """What a paper says of a task, as its claim.

    Attributes:
        gain: By how much the tested metric is better.
        over: The arm over which.
        words: The claim with its source and what it was measured with.
    """

    gain: float
    over: str
    words: str


@dataclass(frozen=True)
class Task:
    """What a model is fine-tuned to do.

    Attributes:
        quality: What its metrics measure, in words.
        metrics: What a run is scored by. The first is tested, in figures and verdicts; the others stand beside it.
        dev_metrics: What may choose the best weights on dev.
        sentence_metric: What single outputs are held against each other by.
        made: Makes outputs; it opens torch.
        search: How it does, in words.
        require_language: Sees that outputs in a language can be scored, before anybody waits for them.
        beside: Metrics that are shown where this machine can compute them.
        claim: What there is to hold the results against, or None.
    """

    quality: str
    metrics: tuple[TextMetric, ...]
    dev_metrics: tuple[Metric, ...]
    sentence_metric: TextMetric
    made: Generator = field(repr=False)
    search: str = field(repr=False)
    require_language: Callable[[str], None] = field(repr=False)
    beside: tuple[Beside, ...] = ()
    claim: Claim | None = None

    @property
    def tested(self) -> TextMetric:
        """The metric that differences are tested by."""
        return self.metrics[0]

    @property
    def others(self) -> tuple[TextMetric, ...]:
        """The metrics that are shown and not tested."""
        return self.metrics[1:]

    @property
    def metric_labels(self) -> str:
        """The metrics in words."""
        return " and ".join(metric.label for metric in self.metrics)

    def dev_metric(self, name: str) -> Metric:
        """One of `dev_metrics`, by name.

        Raises:
            ValueError: There is none of that name.
        """
        known = {metric.name: metric for metric in self.dev_metrics}
        if name not in known:
            raise ValueError(f"dev_metric must be one of {', '.join(known)}. Got {name!r}.")
        return known[name]

    def require_dev_metric(self, name: str, target: str) -> None:
        """See that one of `dev_metrics` can choose weights by outputs in a language.

        Raises:
            ValueError: There is none of that name.
            ScoringError: Its numbers mean nothing for the language.
        """
        metric = self.dev_metric(name)
        if isinstance(metric, TextMetric) and (doubt := metric.doubt(target)):
            meaningful = [
                metric.name
                for metric in self.dev_metrics
                if not (isinstance(metric, TextMetric) and metric.doubt(target))
            ]
            raise ScoringError(f"dev_metric can't be {name}: {doubt}. Take {' or '.join(meaningful)}.")

    def generate(
        self,
        model: TranslationModel,
        bitext: Bitext,
        *,
        beams: int = 5,
        max_length: int = 256,
        report: Report = silent,
        should_stop: ShouldStop = never,
    ) -> tuple[str, ...]:
        """A model's outputs for the sources of a bitext.

        Args:
            model: In evaluation mode.
            bitext: Its pair names the languages.
            beams: Width of the beam search.
            max_length: Tokens at which source and output are cut.
            report: Receives progress.
            should_stop: Asked after each batch.

        Returns:
            One output per source, in order.

        Raises:
            LanguageNotCovered: The model has no code for a side.
            JobCancelled: `should_stop` said so.
        """
        return self.made(model, bitext, beams=beams, max_length=max_length, report=report, should_stop=should_stop)

    def scorer(self, bitext: Bitext, protocol: TextProtocol = TextProtocol.DETOKENISED) -> Scorer:
        """What scores outputs for a bitext; see `Scorer`."""
        return Scorer(bitext, self.metrics, protocol)

    def score(self, bitext: Bitext, outputs: Sequence[str]) -> ScoreReport:
        """Outputs against a bitext's targets, by every metric, with their signatures.

        Raises:
            ValueError: Not one output per sentence, or none at all.
            ScoringError: See `require_language`.
        """
        return self.scorer(bitext).score(outputs)

    def sentence_score(self, target: str) -> Callable[[str, str], float]:
        """The score of a single output against its reference, by `sentence_metric`, for a language."""
        metric = self.sentence_metric.made(None, target=target, protocol=TextProtocol.DETOKENISED)
        return lambda output, reference: float(metric.sentence_score(output, [reference]).score)
