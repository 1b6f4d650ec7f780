"""A workspace survives JSON, equal requests are one job, and an attempt is claimed once."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pseudofam_core.corpora.cleaning import Cleaning
from pseudofam_core.errors import JobError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.jobs import record
from pseudofam_core.jobs.record import Attempt, Request, State, Task
from pseudofam_core.languages import languages, pair
from pseudofam_core.progress import Progress
from pseudofam_core.store.restoring import restored

BE, UK, ARM = "be-en", "uk-en", "overlap/seed-1"


def request(workspace):
    return Request("estimate", {"workspace": workspace.payload()}, (BE, ARM), "Estimate 2 pairs", 1000.0)


REQUEST = request(Workspace())
ATTEMPT = Attempt(1, (BE, ARM), 1001.0, "Scheduler-1", "here", False, {})

pairs = st.lists(st.sampled_from([pair(f"{code}-en") for code in languages() if code != "en"]), unique=True).map(tuple)
cleanings = st.builds(
    Cleaning,
    nfc=st.booleans(),
    max_characters=st.none() | st.integers(1, 9999),
    max_length_ratio=st.none() | st.floats(1, 99),
    duplicates=st.sampled_from(["keep", "drop-pairs", "drop-sources"]),
)
workspaces = st.builds(
    Workspace,
    model=st.text(),
    corpus=st.text(),
    pairs=st.none() | pairs,
    max_sentences=st.none() | st.integers(1, 10**6),
    max_length=st.integers(8, 1024),
    cleaning=cleanings,
    seed=st.integers(0, 2**32),
)


@given(workspaces)
def test_a_workspace_survives_json(workspace):
    text = json.dumps(workspace.payload())
    assert restored(Workspace, json.loads(text)) == workspace


def test_pairs_are_written_as_people_write_them():
    assert Workspace(pairs=(pair(BE), pair(UK))).payload()["pairs"] == ["be-en", "uk-en"]


def test_equal_requests_are_one_job_and_different_ones_are_not():
    assert replace(REQUEST, tasks=(ARM, BE), created=2.0, title="another").id == REQUEST.id
    assert replace(REQUEST, tasks=(BE,)).id != REQUEST.id
    assert replace(REQUEST, kind="compare").id != REQUEST.id
    assert request(Workspace(seed=2)).id != REQUEST.id
    assert request(Workspace(cleaning=Cleaning(max_length_ratio=3.0))).id != REQUEST.id


def test_a_job_is_read_as_it_was_written(tmp_path):
    folder = record.job_folder(tmp_path, REQUEST.id)
    record.write_request(folder, REQUEST)
    progress = Progress("estimating", 3, 9, rate=0.5, metrics={"loss": 2.5})
    task = Task(
        State.RUNNING, 1, "here", 7, 1002.0, 1003.0, beats=2, seconds=4.0, boot="b", clock=9.0, progress=progress
    )
    assert record.claim_attempt(folder, ATTEMPT)
    record.write_task(record.attempt_folder(folder, 1), ARM, task)
    job = record.read_job(folder)
    assert job.request == REQUEST
    assert job.attempts == (replace(ATTEMPT, tasks={ARM: task}),)


def test_an_attempt_is_claimed_once_and_by_the_first(tmp_path):
    folder = record.job_folder(tmp_path, REQUEST.id)
    record.write_request(folder, REQUEST)
    assert record.claim_attempt(folder, ATTEMPT)
    assert not record.claim_attempt(folder, replace(ATTEMPT, engine="another"))
    assert record.read_job(folder).attempts == (ATTEMPT,)
    assert [one.name for one in (folder / "attempts").iterdir()] == ["1"]


def test_attempts_are_read_in_the_order_of_their_numbers(tmp_path):
    folder = record.job_folder(tmp_path, REQUEST.id)
    record.write_request(folder, REQUEST)
    for number in (10, 2, 1):
        record.claim_attempt(folder, replace(ATTEMPT, number=number))
    assert [one.number for one in record.read_job(folder).attempts] == [1, 2, 10]


@pytest.mark.parametrize("job_id", ["../../etc", "", "a" * 31, "A" * 32, "a" * 32 + "\n"])
def test_an_id_from_an_address_never_leaves_the_cache(tmp_path, job_id):
    with pytest.raises(JobError, match="32 hexadecimal"):
        record.job_folder(tmp_path, job_id)


@pytest.mark.parametrize("name", [ARM, "../../../out", "..", "a b"])
def test_whatever_a_task_is_called_its_files_are_beside_those_of_the_others(tmp_path, name):
    attempt = record.attempt_folder(record.job_folder(tmp_path, REQUEST.id), 1)
    attempt.mkdir(parents=True)
    for file in (record.ballast_file(attempt, name), record.metrics_file(attempt, name)):
        assert file.resolve().parent.parent == attempt
    record.write_task(attempt, name, Task(State.DONE, 1, "here", 7, 1.0, 2.0))
    assert [one.is_file() for one in (attempt / "tasks").iterdir()] == [True]
    assert record.read_task(attempt, name).state is State.DONE


def test_a_damaged_job_is_an_error_that_names_its_folder(tmp_path):
    folder = record.job_folder(tmp_path, REQUEST.id)
    with pytest.raises(JobError, match="There is no job"):
        record.read_job(folder)
    record.write_request(folder, REQUEST)
    (folder / "spec.json").write_text('{"kind": "estimate"}')
    with pytest.raises(JobError, match=REQUEST.id):
        record.read_job(folder)
