"""What it would take to know more: sentences, seeds, and the runs that would tell."""

from __future__ import annotations

import shlex
from dataclasses import fields
from math import isfinite

from pseudofam_core import lab
from pseudofam_core.estimates import Workspace, summarise
from pseudofam_core.families.results import PseudoFamily
from pseudofam_core.finetuning import OWN, Arm, distinct_arms, named_arms
from pseudofam_core.lab.sentences import advice_words
from pseudofam_core.languages import LanguagePair
from pseudofam_core.report.material import Material
from pseudofam_core.report.part import Part, Table
from pseudofam_core.report.trained import Trained
from pseudofam_core.report.words import counted
from pseudofam_core.scoring.power import Design, visible_gain
from pseudofam_core.tasks.translation import TRANSLATION

_ARMS, _DRAWS, _SEEDS = ("single", "traditional", OWN, "random"), 2, (1, 2, 3, 5, 10)
_LEAST_SHARED = 0.5
# Options of the commands, by the field of the workspace that they set.
_OPTIONS = ("model", "corpus", "split", "parameters", "max_sentences", "seed", "estimator")


def further_part(material: Material) -> Part:
    """Sentences, seeds and runs."""
    arms = suggested_arms(material.family, tuple(material.basis.estimates), seed=material.basis.tuned.seed)
    n_arms = _n_trained(material, arms)
    seeds = _seeds_table(n_arms, material.n_test)
    told = [*_sentence_words(material), *_shown_words(material)]
    if seeds is not None:
        told.append(
            f"By the number of seeds, the least true gain that would be found four times in five, with {n_arms} trained arms and "
            f"{material.n_test:,} test sentences, is about:"
        )
    return Part(
        "further",
        "What it would take to know more",
        tuple(told),
        table=seeds,
        commands=tuple(_commands(material)),
        notes=("A guess, from how far apart runs of one arm usually are on so many test sentences.",) if seeds else (),
    )


def suggested_arms(family: PseudoFamily, pool: tuple[LanguagePair, ...], *, seed: int) -> tuple[Arm, ...]:
    """What to train to learn whether the family pays: the target alone, tradition, the family, and as many drawn blindly."""
    return named_arms(
        _ARMS,
        family.target,
        pool,
        family_of=lambda _: (),
        further={OWN: lambda: family.members},
        n_draws=_DRAWS,
        seed=seed,
    )


def _n_trained(material: Material, arms: tuple[Arm, ...]) -> int:
    if isinstance(material.trained, Trained):
        keys = {
            tuple(run.key for draw in outcome.runs for run in draw)
            for outcome in material.trained.comparison.outcomes
            if outcome.seeds
        }
        if len(keys) > 1:
            return len(keys)
    return len(distinct_arms(arms))


def _seeds_table(n_arms: int, n_test: int | None) -> Table | None:
    tested = TRANSLATION.tested
    spread = None if n_test is None else tested.usual_run_spread(n_test)
    if spread is None or n_arms < 2:
        return None
    rows = []
    for n_seeds in _SEEDS:
        gain = Design(1, n_arms, n_seeds).smallest_visible_gain(spread)
        rows.append(
            (str(n_seeds), f"{gain:.{tested.decimals}f} {tested.label}" if isfinite(gain) else "none, however large")
        )
    return Table(("Seeds of each arm", "Least gain found"), tuple(rows), numbers=("Seeds of each arm",))


def _sentence_words(material: Material) -> list[str]:
    """How much text the estimates read, and how much would settle families."""
    counts = sorted({summarise(estimate).n_sentences for estimate in material.basis.estimates.values()})
    read = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    told = [f"The estimates read {read} sentences of each pair. {_advice(material)}"]
    share = material.basis.shared_text
    if share is not None and share < _LEAST_SHARED:
        told.append(
            f"The pairs share only {share:.0%} of their sentences, and similarity may speak of what the texts are about as well: "
            "estimate from text in which every language translates the same sentences."
        )
    return told


def _advice(material: Material) -> str:
    if material.sentences is not None:
        return f"The Lab has tried how many it takes with this model and text. {advice_words(material.sentences.settings or {})}"
    shipped = lab.shipped(lab.experiment("sentences"))
    name, finding = next(iter(shipped.items()))
    return (
        'How many settle families of this model and text, the Lab\'s experiment "sentences" tells; on '
        f"{finding.seen_on.split(',')[0]} ({name}): {_lowered(advice_words(finding.settings or {}))}"
    )


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _shown_words(material: Material) -> list[str]:
    """What the runs that are there could have shown of the family."""
    done = material.trained
    if not isinstance(done, Trained):
        return []
    outcome, tested = done.of(material.family), done.comparison.task.tested
    if outcome is None or outcome.verdict is None:
        return []
    if (gain := visible_gain(outcome.verdict)) is not None:
        return [
            f"The runs that are there would have found a true gain of {gain:.{tested.decimals}f} {tested.label} four times "
            "in five; a tie says no more than that it is likely smaller."
        ]
    n = counted(len(outcome.seeds), "seed")
    return [
        f"The runs that are there ({n}) can call nothing better or worse: what another seed or draw would do is not known."
    ]


def _commands(material: Material) -> list[str]:
    basis, target = material.basis, material.target
    members = ",".join(map(str, material.family.members))
    tuned = _options(basis.tuned, ("model", "corpus", "seed"))
    arms = ["--arms", ",".join(_ARMS), "--members", members, "--draws", str(_DRAWS), "--seeds", "3"]
    commands = [["pseudofam", "finetune", *tuned, "--target", str(target), *arms]]
    if material.measured is None:
        commands.append(["pseudofam", "transfer", *tuned, "--seeds", "2", "--preview"])
    if material.sentences is None:
        commands.append(["pseudofam", "lab", "run", "sentences", *_options(basis.workspace, _OPTIONS)])
    return [shlex.join(words) for words in commands]


def _options(workspace: Workspace, names: tuple[str, ...]) -> list[str]:
    """Options that name a workspace, those at their defaults left out."""
    usual = {field.name: getattr(Workspace(), field.name) for field in fields(Workspace)}
    words: list[str] = []
    for name in names:
        value = getattr(workspace, name)
        if value != usual[name] and value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return words + (["--pairs", ",".join(map(str, workspace.pairs))] if workspace.pairs else [])
