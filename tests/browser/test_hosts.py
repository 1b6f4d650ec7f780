"""Which names a browser may come by, and that no page may frame the app, however it was started."""

import http.client
import os
import signal
import subprocess
import sys
import time

import pytest

from driving.server import ROOT


@pytest.fixture(scope="module")
def commanded(tmp_path_factory, bare_server):
    """The port of an app that the command has started, and that is reached by another name too."""
    folder, port = tmp_path_factory.mktemp("commanded"), bare_server.port + 1
    program = [sys.executable, "-m", "pseudofam_core", "app", "--port", str(port), "--host", "lab.example"]
    environment = {**os.environ, "PSEUDOFAM_CACHE": str(folder)}
    running = subprocess.Popen(program, cwd=ROOT, env=environment, start_new_session=True)
    deadline = time.monotonic() + 60
    while not is_listening(port):
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield port
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def is_listening(port):
    try:
        return answer(port, "/_stcore/health", "localhost").status == 200
    except OSError:
        return False


def answer(port, path, host):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    link.request("GET", path, headers={"Host": host})
    heard = link.getresponse()
    heard.read()
    link.close()
    return heard


def connected(server, host):
    """The status of a request to become a WebSocket, from a page of the same host."""
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    headers |= {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Host": host, "Origin": f"http://{host}"}
    link.request("GET", "/_stcore/stream", headers=headers)
    status = link.getresponse().status
    link.close()
    return status


def test_a_matching_evil_host_and_origin_are_refused(bare_server):
    assert connected(bare_server, f"evil.example:{bare_server.port}") == 400
    assert connected(bare_server, "evil.example") == 400


PATHS = ("/", "/lab", "/index.html", "/static/nothing.js", "/_stcore/health", "/_stcore/upload_file/a/b", "/media/../x")


@pytest.mark.parametrize("path", PATHS)
def test_no_answer_may_be_framed_and_none_is_for_another_host(bare_server, commanded, path):
    for port in (bare_server.port, commanded):
        for host in ("evil.example", f"evil.example:{port}", "localhost@evil.example", "localhost.evil.example", ""):
            refused = answer(port, path, host)
            assert refused.status == 400
            assert is_unframed(refused)
        assert is_unframed(answer(port, path, "localhost"))


def is_unframed(heard):
    return (heard.getheader("Content-Security-Policy"), heard.getheader("X-Frame-Options")) == (
        "frame-ancestors 'none'",
        "DENY",
    )


def test_the_command_names_hosts(bare_server, commanded):
    assert answer(commanded, "/", "lab.example").status == 200
    assert answer(bare_server.port, "/", "lab.example").status == 400


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_is_answered(bare_server, commanded, host):
    for port in (bare_server.port, commanded):
        assert answer(port, "/", f"{host}:{port}").status == 200
        assert answer(port, "/", host).status == 200


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_this_machine_is_let_in(bare_server, name):
    assert connected(bare_server, f"{name}:{bare_server.port}") == 101
