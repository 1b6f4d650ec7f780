"""``app``: what it hands on to Streamlit."""

import subprocess

import pytest

from pseudofam_core.__main__ import main
from pseudofam_core.jobs.limits import READ_ONLY


@pytest.fixture
def started(monkeypatch):
    """Command and environment of the server that would have been started."""
    seen = []
    monkeypatch.setattr(subprocess, "call", lambda command, env: seen.append((command, env)) or 0)
    return seen


def test_by_default_only_this_machine_is_served(started, monkeypatch):
    monkeypatch.delenv(READ_ONLY, raising=False)
    assert main(["app"]) == 0
    ((command, environment),) = started
    assert command[1:4] == ["-m", "streamlit", "run"]
    assert not any(one.startswith("--server") for one in command)
    assert READ_ONLY not in environment


def test_other_hosts_are_named_beside_this_machine(started):
    main(["app", "--address", "0.0.0.0", "--host", "lab.example", "--port", "80", "--read-only"])
    ((command, environment),) = started
    hosts = [one.partition("=")[2] for one in command if one.startswith("--server.allowedHosts=")]
    assert hosts == ["localhost", "127.0.0.1", "::1", "lab.example"]
    assert command[-4:] == ["--server.port", "80", "--server.address", "0.0.0.0"]
    assert environment[READ_ONLY] == "1"


def test_an_address_of_its_own_is_a_host(started):
    main(["app", "--address", "192.0.2.7"])
    assert "--server.allowedHosts=192.0.2.7" in started[0][0]
