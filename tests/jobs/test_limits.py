"""What a shared server refuses: changes where it is read-only, more jobs than may wait, a disk that is nearly full."""

import shutil
from types import SimpleNamespace

import pytest

from pseudofam_core import jobs
from pseudofam_core.errors import JobError
from pseudofam_core.estimates.spec import Workspace
from pseudofam_core.jobs import limits
from pseudofam_core.languages import pair


@pytest.mark.parametrize(
    "act",
    [
        lambda root: jobs.submit_estimate(root, Workspace(), [pair("be-en")]),
        lambda root: jobs.resume(root, "0" * 32),
        lambda root: jobs.cancel(root, "0" * 32),
        lambda root: jobs.remove(root, "0" * 32),
    ],
)
def test_a_read_only_app_changes_nothing(tmp_path, monkeypatch, act):
    monkeypatch.setenv(limits.READ_ONLY, "1")
    with pytest.raises(JobError, match="only shows what there is"):
        act(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_more_jobs_than_may_wait_are_refused(tmp_path, monkeypatch):
    limits.check_room(tmp_path, n_active=99)
    with pytest.raises(JobError, match="At most 100 jobs"):
        limits.check_room(tmp_path, n_active=100)
    monkeypatch.setenv(limits.MOST_JOBS, "0")
    with pytest.raises(JobError, match=f"At most 0 jobs .*{limits.MOST_JOBS}"):
        jobs.submit_estimate(tmp_path, Workspace(), [pair("be-en")])
    assert jobs.list_jobs(tmp_path) == []


def test_a_nearly_full_disk_takes_no_job(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=0.5e9))
    with pytest.raises(JobError, match=r"must have 1 GB free .* It has 0\.50"):
        limits.check_room(tmp_path / "not" / "yet", n_active=0)
    monkeypatch.setenv(limits.FREE_GB, "0.4")
    limits.check_room(tmp_path, n_active=0)


def test_a_cache_that_holds_what_it_may_takes_no_job(tmp_path, monkeypatch):
    kept = tmp_path / "weights" / "key" / "model.safetensors"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(bytes(2_000_000))
    (tmp_path / "link").symlink_to("/")
    limits.check_room(tmp_path, n_active=0)
    monkeypatch.setenv(limits.CACHE_GB, "0.0015")
    with pytest.raises(
        JobError, match=rf"may hold 0\.0015 GB \({limits.CACHE_GB}\).* holds 0\.00\. Remove what nobody"
    ):
        jobs.submit_estimate(tmp_path, Workspace(), [pair("be-en")])
    assert jobs.list_jobs(tmp_path) == []
    kept.unlink()
    limits.check_room(tmp_path, n_active=0)


def test_a_limit_that_is_no_number_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv(limits.MOST_JOBS, "many")
    with pytest.raises(JobError, match=f"{limits.MOST_JOBS} must be a number. Got 'many'"):
        limits.check_room(tmp_path, n_active=0)
