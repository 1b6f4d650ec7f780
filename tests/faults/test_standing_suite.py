"""`benchmarks.faults` in short: nothing found, and what there would be to find is seen."""

import random
import shutil
import time

import pytest

from benchmarks import _faults_inputs, _faults_mutations, faults
from benchmarks._faults_damage import damage
from benchmarks._faults_tally import OUTCOMES, Tally
from pseudofam_core.errors import PseudoFamError
from pseudofam_core.store import cache


def found(tally):
    return {name: tally.counts[name] for name in OUTCOMES if tally.counts[name]}, tally.told


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "cache"
    _faults_mutations.make(folder)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    for name in ("whole", "cache"):
        shutil.copytree(made, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(("part", "what"), [(_faults_mutations, "mutations"), (_faults_inputs, "inputs")])
def test_nothing_is_lost_wrong_hung_or_a_traceback(folder, part, what):
    tally = Tally()
    part.run(folder, 36, tally, seed=3)
    assert found(tally) == ({}, {})
    assert tally.counts[what] == 36


def test_a_store_that_trusts_its_files_is_seen(folder, monkeypatch):
    monkeypatch.setattr(cache, "_is_sound", lambda *_: True)
    monkeypatch.setattr(_faults_mutations, "said", lambda *_: None)
    tally = Tally()
    _faults_mutations.run(folder, 40, tally)
    assert tally.counts["wrong"]


def test_what_is_not_foreseen_and_what_hangs_is_counted():
    tally = Tally()
    with tally.watched("a", PseudoFamError):
        raise PseudoFamError("said in a line")
    with tally.watched("b", PseudoFamError):
        raise KeyError("nobody")
    with tally.watched("c", PseudoFamError, seconds=1):
        time.sleep(5)
    assert found(tally)[0] == {"tracebacks": 1, "hung": 1}


def test_parts_that_ran_apart_are_added():
    part = dict.fromkeys(("kills", *OUTCOMES, "mutations", "inputs", "writes"), 0)
    one, other = {**part, "kills": 5, "wrong": 1, "growth_percent": 0.0}, {**part, "kills": 3, "growth_percent": 2.5}
    assert faults.merged([one, other]) == {**part, "kills": 8, "wrong": 1, "growth_percent": 2.5}


def test_each_damage_changes_something(tmp_path):
    """Or puts back what was there: an exchange of two files that are alike."""
    n = 0
    for seed in range(100):
        folder = tmp_path / str(seed)
        files = [folder / name / "a.json" for name in "xy"]
        for file in files:
            file.parent.mkdir(parents=True)
            file.write_text(f'{{"name": "{file.parent.name}", "n": 3}}')
        before = [file.read_bytes() for file in files]
        damage(files[0], files, random.Random(seed))
        n += [file.read_bytes() if file.is_file() else None for file in files] != before
    assert n > 90
