"""Every part of a report: its numbers are those of the stages, and where something is not known it says so."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pseudofam_core.__main__ import _parser
from pseudofam_core.families.spec import Rule, SelectionSpec
from pseudofam_core.finetuning import SMALL, random_arms
from pseudofam_core.languages import pair
from pseudofam_core.report import report_html, report_of
from pseudofam_core.report.decision import tradition_part
from pseudofam_core.report.words import gain_words
from pseudofam_core.similarity.measures import Measure
from pseudofam_core.transfer import TransferRequest
from tests.cases_transfer import store_matrix
from tests.pages.cases_finetuning import finished, with_tests
from tests.pages.conftest import CODES, PAIRS

MADE = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
BE, BG, KK, TR, UK = PAIRS


def report(material):
    return report_of(material, made=MADE)


def part(material, name):
    return next(one for one in report(material).parts if one.name == name)


def said(material, name):
    one = part(material, name)
    return " ".join((*one.sentences, *one.notes))


def train(world, *families, seeds=(1, 2, 3), error=0.3):
    """Runs of the target alone, better ones of each family, and random families of its size."""
    for seed in seeds:
        finished(world, "be", [], error=error, seed=seed)
        for members in families:
            finished(world, "be", members, error=error / 3, seed=seed)


def measure(world, gain=0.03, targets=PAIRS[:1]):
    """A matrix in which every auxiliary gains, Ukrainian three times as much."""
    with_tests(world, *(one.source for one in targets))
    request = TransferRequest(world.workspace, targets, PAIRS, 60, SMALL, seeds=(1, 2))
    store_matrix(
        world.cache,
        request,
        lambda _, one, seed: 2 + 0.001 * seed - (0 if one is None else gain * (3 if one == UK else 1)),
    )


def test_members_stand_with_their_reasons_and_near_misses_with_theirs(material):
    known = material()
    table = part(known, "members").table
    assert [row[1].replace("\u00a0", " ") for row in table.rows] == [one.pair.label for one in known.family.neighbours]
    for row, one in zip(table.rows, known.family.neighbours, strict=True):
        assert row[-1] == one.reason
        assert row[3] == ("in" if one.member else "–")
    assert len(table.marked) == len(known.family.members)


def test_shares_are_those_of_resampling_and_bounds_for_members(material):
    known = material()
    shares = known.firmness.shares(BE)
    for row, one in zip(part(known, "members").table.rows, known.family.neighbours, strict=True):
        assert row[5] == f"{shares[one.pair]:.0%}"


@pytest.mark.parametrize("target", PAIRS)
def test_firmness_is_told_of_the_family_it_is_of(material, target):
    known = material(target)
    told, place = said(known, "firmness"), known.firmness.alike.pairs.index(target)
    assert f"{known.firmness.stability.unchanged[PAIRS.index(target)]:.0%} of resamples" in told
    assert ("the family is another one" in told) == (not known.firmness.alike.same[place])
    assert f"{known.firmness.stability.unchanged.mean():.0%} in the mean" in told


def test_firmness_that_is_not_known_says_why(material):
    known = material(measure=Measure.CONSENSUS)
    assert said(known, "firmness") == f"Not known. {known.firmness}"
    assert "can't be resampled" in known.firmness
    assert "In resamples" not in part(known, "members").table.columns
    assert "resamples" not in said(known, "members")
    assert "its firmness is not known" in report(known).quote


def test_odds_are_those_of_chance(material):
    known = material()
    size = len(known.family.members)
    odds = known.chance.at_least(size)
    expected = (
        f"{1 - known.chance.at_least(3):.0%} of families would stop here" if size == 2 else f"{odds:.1%} of families"
    )
    assert expected in said(known, "odds")


def test_a_size_that_was_set_has_no_odds(material):
    known = material(selection=SelectionSpec(rule=Rule.NEAREST, largest=3))
    assert "set beforehand" in said(known, "odds")
    assert "its size was set beforehand" in report(known).quote


def test_measures_are_counted(material):
    known = material()
    told = part(known, "measures")
    assert [row[0] for row in told.table.rows] == [one.label for one in known.by_measure]
    votes = [code for row in told.table.rows for code in row[1].split()]
    first = re.search(r"Chosen most often: .+? · (\w+) \((\d+)\)", told.sentences[1])
    assert votes.count(first[1]) == int(first[2]) == max(map(votes.count, votes))
    place = list(known.by_measure).index(Measure.OVERLAP)
    assert told.table.marked == (place,)
    assert told.table.rows[place][3] == "1.00"


def test_tradition_is_told_with_what_it_leaves_out(material):
    told = said(material(), "tradition")
    assert told.startswith("Tradition calls Belarusian Slavic, and offers 2 languages of the pool.")
    for neighbour in material().family.neighbours:
        if neighbour.pair in (UK, BG):
            left_out = f"{neighbour.pair.label} (neighbour {neighbour.rank})"
            assert (left_out in told) != neighbour.member


def test_a_target_without_relatives_has_no_tradition_to_follow(material):
    known = material()
    told = tradition_part(replace(known, family=replace(known.family, target=pair("ja-en")))).sentences[0]
    assert (
        told
        == "Tradition calls Japanese Japonic. No other Japonic language is estimated: tradition has nobody to offer."
    )


def test_without_runs_gains_and_sentences_it_says_what_would_tell(material):
    known = material()
    assert said(known, "results").startswith("No model has been fine-tuned for this target yet")
    assert said(known, "gains") == "No gain of a single auxiliary is measured with this model and text yet."
    assert "whether it pays in fine-tuning has not been tried" in report(known).quote
    commands = part(known, "further").commands
    assert [one.split()[1] for one in commands] == ["finetune", "transfer", "lab"]
    for one in commands:
        options = _parser().parse_args(shlex.split(one)[1:])
        assert options.corpus == known.basis.workspace.corpus
    assert f"--members {','.join(map(str, known.family.members))}" in commands[0]


def test_a_target_without_test_text_says_so_and_promises_nothing(material):
    known = material(TR)
    assert said(known, "results").startswith("Not known. ")
    assert "test split" in said(known, "results")
    assert part(known, "further").table is None


def test_runs_of_the_family_are_told_with_intervals_and_controls(material, world):
    members = [one.source for one in material().family.members]
    train(world, members)
    for arm in random_arms(BE, PAIRS, sizes=[len(members)], n_draws=2, seed=1):
        for seed in (1, 2):
            finished(world, "be", [one.source for one in arm.members or ()], error=0.29, seed=seed)
    known = material()
    outcome = known.trained.of(known.family)
    assert outcome.members == (tuple(sorted(known.family.members)),)
    score, verdict = outcome.scores["bleu"], outcome.verdict
    told = said(known, "results")
    assert f"BLEU {score.value:.1f} ({score.low:.1f} to {score.high:.1f}), against the target alone" in told
    assert (
        f"{verdict.delta.value:+.1f} ({verdict.delta.low:+.1f} to {verdict.delta.high:+.1f}), {verdict.words}" in told
    )
    assert outcome.control is not None
    assert f"Against random families of the same size {outcome.control.delta.value:+.1f}" in told
    assert f"against random families of the same size {outcome.control.delta.value:+.1f}" in report(known).quote
    table = part(known, "results").table
    (place,) = table.marked
    assert table.rows[place][1].split() == sorted(members)
    assert "would have found a true gain of" in said(known, "further")


def test_an_only_seed_calls_nothing_better(material, world):
    train(world, [one.source for one in material().family.members], seeds=(1,))
    told = report(material())
    assert "differs on these sentences" in told.quote
    assert "no random family of its size was trained beside it" in told.quote
    assert "can call nothing better or worse" in said(material(), "further")


def test_runs_of_other_families_are_no_runs_of_this_one(material, world):
    train(world, ["kk", "bg", "tr"])
    known = material()
    assert set(known.family.members) != {KK, BG, TR}
    assert known.trained.of(known.family) is None
    assert said(known, "results").startswith("This very family (")
    assert "has not been tried" in report(known).quote


def test_runs_that_cannot_be_compared_are_counted(material, world):
    train(world, ["kk"], seeds=(1,))
    finished(world, "be", [], error=0.3, beams=2)
    assert "2 finished runs of other settings" in said(material(), "results")


def test_gains_are_those_that_were_measured(material, world):
    measure(world)
    known = material()
    told = part(known, "gains")
    rows = {row[0].split("\u00a0")[-1]: row for row in told.table.rows}
    assert set(rows) == set(CODES) - {"be"}
    for column, one in enumerate(known.measured.auxiliaries):
        if one != BE:
            assert rows[one.source][2].startswith(f"{gain_words(known.measured.mean[0, column])} (")
    assert told.table.rows[0] is rows["uk"]
    tried = len(known.family.members)
    assert f"For Belarusian · be {tried} of {tried} members that were tried helped" in told.sentences[0]
    assert "Ukrainian · uk helped most (+0.090)" in told.sentences[0]


def test_what_helped_others_is_told_of_a_target_without_gains(material, world):
    measure(world, targets=(TR, KK))
    told = said(material(), "gains")
    assert "No gain of Belarusian · be by a member of its family is measured." in told
    assert "Other targets were helped most by Ukrainian · uk (+0.090)" in told


def test_gains_are_foreseen_from_enough_other_targets(material, world):
    measure(world, targets=(TR, KK, UK, BG))
    known = material()
    assert known.outlook is not None
    told = part(known, "gains")
    assert "the signal that foresaw 4 other targets best" in " ".join(told.sentences)
    expected = dict(zip(known.outlook.auxiliaries, known.outlook.expected.tolist(), strict=True))
    for row in told.table.rows:
        one = pair(f"{row[0].split(chr(160))[-1]}-en")
        assert row[4] == gain_words(expected[one])


def test_provenance_has_keys_versions_and_the_date(material):
    known = material()
    rows = dict(part(known, "provenance").table.rows)
    assert rows["report made"] == "2026-01-02 03:04 UTC"
    assert rows["measure"] == "Overlap (K = 40%)"
    assert rows["key"] == known.matrix.provenance["key"]
    assert known.basis.estimates[BE].key in rows["estimate of be-en"]
    assert rows["pool"] == " ".join(map(str, PAIRS))


def test_what_is_missing_imported_or_old_is_told(material):
    known = material(missing=(pair("ja-en"),), outdated=("the model has changed",), shared_text=0.1)
    told = said(known, "provenance")
    assert "1 of 6 pairs of the pool are not estimated" in told
    assert "Out of date: the model has changed." in told
    assert "share only 10% of their sentences" in said(known, "further")


def test_the_file_is_text_without_script_or_address(material, world):
    name = '<script>alert(1)</script> & "x" https://a.example'
    known = material()
    hostile = replace(
        known,
        basis=replace(known.basis, workspace=replace(world.workspace, corpus=name, model=name)),
        firmness=name,
        measured=name,
        trained=name,
        family=replace(known.family, provenance={**known.family.provenance, "corpus": name}),
    )
    page = report_html(report(hostile))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(?:src|href|url|@import)\s*[=(]", page)
    assert "default-src 'none'" in page


def test_the_file_is_light(material, world):
    train(world, [one.source for one in material().family.members])
    measure(world)
    page = report_html(report(material()))
    assert len(page.encode()) < 100_000
    assert page.count("<svg") == 2
    for one in report(material()).parts:
        assert f'<section id="{one.name}">' in page
