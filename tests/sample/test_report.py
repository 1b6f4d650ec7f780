"""The report on the sample: every part's numbers, held against what the stages give by themselves."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pseudofam_core import __version__, lab
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.families.chance import chance_sizes
from pseudofam_core.families.selection import paper_family, select_family
from pseudofam_core.families.spec import SelectionSpec
from pseudofam_core.finetuning import SMALL, open_texts
from pseudofam_core.languages import pair
from pseudofam_core.models.hub import resolve_model
from pseudofam_core.report import Basis, gathered, report_html, report_of, resampled
from pseudofam_core.scoring.power import Design
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.similarity.pools import pool_similarity
from pseudofam_core.store.cache import Cache
from pseudofam_core.tasks.translation import TRANSLATION
from pseudofam_core.transfer import TransferRequest, transfer_matrix
from tests.cases_runs import store_run
from tests.cases_transfer import store_matrix

BE, ID, JA, UK = (pair(f"{code}-en") for code in ("be", "id", "ja", "uk"))
WORKSPACE = replace(Workspace(), shards=17)
MADE = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def compared(sample_estimates):
    estimates, cache = sample_estimates
    return pool_similarity(estimates, cache=cache)


@pytest.fixture(scope="module")
def empty(sample_estimates, compared, tmp_path_factory):
    """What is known of a target before anything is trained."""
    estimates, _ = sample_estimates
    matrix = compared.matrix(Measure.OVERLAP, 0.4)
    firm = resampled(estimates, matrix, selection=SelectionSpec(), together=True)
    return made(estimates, compared, matrix, firm, Cache(tmp_path_factory.mktemp("empty")))


@pytest.fixture(scope="module")
def full(sample_estimates, compared, tmp_path_factory):
    """The same with runs and gains of Belarusian, made up."""
    estimates, _ = sample_estimates
    cache = Cache(tmp_path_factory.mktemp("full"))
    matrix = compared.matrix(Measure.OVERLAP, 0.4)
    known = {"model_revision": resolve_model("sample").revision, "test_digest": open_texts(WORKSPACE, BE).test.digest}
    for seed in (1, 2):
        store_run(cache, [], error=0.3, seed=seed, workspace=WORKSPACE, **known)
        members = [member.source for member in paper_family(matrix, BE)]
        store_run(cache, members, error=0.2, seed=seed, workspace=WORKSPACE, **known)
    store_matrix(
        cache, request(), lambda target, auxiliary, seed: 2 - (0.05 if auxiliary == UK else 0.01) * bool(auxiliary)
    )
    return made(estimates, compared, matrix, "Not asked.", cache)


def request():
    return TransferRequest(WORKSPACE, (BE,), (UK, JA), 60, SMALL, seeds=(1,))


def made(estimates, compared, matrix, firm, cache):
    def material(target=BE):
        family = select_family(matrix, target, selection=SelectionSpec())
        basis = Basis(WORKSPACE, WORKSPACE, estimates, shared_text=1.0)
        return gathered(basis, compared, matrix, family, firm, cache, top_fraction=0.4)

    material.cache = cache
    return material


def part(material, name):
    return next(part for part in report_of(material, made=MADE).parts if part.name == name)


def names(row):
    return row.replace("\u00a0", " ")


@pytest.mark.parametrize("target", [BE, JA])
def test_members_near_misses_and_reasons(empty, target):
    known = empty(target)
    told = part(known, "members")
    neighbours = {neighbour.pair.label: neighbour for neighbour in known.family.neighbours}
    shown = [names(row[1]) for row in told.table.rows]
    assert {names(told.table.rows[place][1]) for place in told.table.marked} == {
        label for label, neighbour in neighbours.items() if neighbour.member
    }
    for row in told.table.rows:
        neighbour = neighbours[names(row[1])]
        assert (row[0], row[4], row[6]) == (str(neighbour.rank), f"{neighbour.value:.4f}", neighbour.reason)
    relatives = {
        label
        for label, neighbour in neighbours.items()
        if neighbour.pair.language.traditional_family == target.language.traditional_family
    }
    assert relatives <= set(shown)
    left_out = len(neighbours) - len(shown)
    assert left_out > 0
    assert f"{left_out} neighbours further away are left out." in told.sentences


@pytest.mark.parametrize("target", [BE, JA])
def test_firmness_odds_and_tradition(empty, target):
    known = empty(target)
    row = known.firmness.stability.pairs.index(target)
    share = f"{known.firmness.stability.unchanged[row]:.0%} of resamples"
    assert share in part(known, "firmness").sentences[0]
    odds, size = chance_sizes(known.matrix, selection=SelectionSpec()), len(known.family.members)
    expected = f"{1 - odds.at_least(3):.0%} of families" if size == 2 else f"{odds.at_least(size):.1%} of families"
    assert expected in part(known, "odds").sentences[0]
    tradition = part(known, "tradition").sentences[0]
    assert ("offers 5 languages of the pool" if target == BE else "No other Japonic language is estimated") in tradition


def test_measures(empty, compared):
    known = empty()
    families = [paper_family(compared.matrix(measure, 0.4), BE) for measure in Measure]
    table = part(known, "measures").table
    assert [row[1].split() for row in table.rows] == [[member.source for member in family] for family in families]
    votes = Counter(member.label for family in families for member in family)
    assert f"{votes.most_common(1)[0][0]} ({votes.most_common(1)[0][1]})" in part(known, "measures").sentences[1]


def test_results_and_gains(full):
    known = full()
    outcome = known.trained.of(known.family)
    score, delta = outcome.scores["bleu"], outcome.verdict.delta
    told = " ".join(part(known, "results").sentences)
    assert (
        f"BLEU {score.value:.1f} ({score.low:.1f} to {score.high:.1f}), against the target alone {delta.value:+.1f}"
        in told
    )
    measured = transfer_matrix(request(), full.cache)
    first = part(known, "gains").table.rows[0]
    assert names(first[0]) == UK.label
    assert first[2].startswith(f"{measured.mean[0, measured.auxiliaries.index(UK)]:+.3f} (")
    assert first[2].endswith(f" to {measured.high[0, measured.auxiliaries.index(UK)]:+.3f})")


def test_runs_that_ship_are_told_as_such(empty, full):
    known = empty(ID)
    (target,) = known.trained.comparison.targets
    assert target == ID
    assert "These runs ship with the sample" in " ".join(part(known, "results").sentences)
    assert "These runs ship" not in " ".join(part(full(), "results").sentences)


def test_what_it_would_take(empty):
    known = empty()
    told = part(known, "further")
    assert "The estimates read 160 sentences of each pair." in told.sentences[0]
    advised = lab.shipped(lab.experiment("sentences"))["sample"].settings["advice_sentences"]
    assert f"read at least {advised} sentences" in told.sentences[0]
    n_arms = int(re.search(r"with (\d+) trained arms and 100 test sentences", told.sentences[-1])[1])
    spread = TRANSLATION.tested.usual_run_spread(100)
    for n_seeds, gain in told.table.rows:
        least = Design(1, n_arms, int(n_seeds)).smallest_visible_gain(spread)
        assert gain == (f"{least:.1f} BLEU" if math.isfinite(least) else "none, however large")


def test_provenance(empty, sample_estimates):
    estimates, _ = sample_estimates
    rows = dict(part(empty(), "provenance").table.rows)
    assert (rows["model"], rows["corpus"], rows["sentences"]) == ("sample", "sample", "160")
    assert rows["model revision"] == resolve_model("sample").revision
    assert rows["by"] == f"pseudofam {__version__}"
    for member in (BE, *empty().family.members):
        assert rows[f"estimate of {member}"].startswith(estimates[member].key)


def test_the_quote_says_what_is_not_known(empty, full):
    unknown, known = (report_of(one(), made=MADE).quote for one in (empty, full))
    assert unknown.startswith(
        "By Overlap (K = 40%) of Fisher information (model sample, 160 sentences of each of 17 pairs"
    )
    assert unknown.endswith("whether it pays in fine-tuning has not been tried.")
    assert "fine-tuned with this family: BLEU" in known
    assert "its firmness is not known" in known


def test_the_file_is_small(full):
    assert len(report_html(report_of(full(), made=MADE)).encode()) < 100_000
