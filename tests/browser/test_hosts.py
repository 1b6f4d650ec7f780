"""Which names a browser may come by, and that no page may frame the app, however it was started."""

import http.client
import os
import signal
import subprocess
import sys
import time

import pytest

from driving.server import ROOT, Server


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hosts")
    server = Server(folder, folder, folder)
    yield server
    server.kill()
    server.log.close()


@pytest.fixture(scope="module")
def commanded(tmp_path_factory, served):
    """The port of an app that the command has started, and that is reached by another name too."""
    folder, port = tmp_path_factory.mktemp("commanded"), served.port + 1
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


def test_a_matching_evil_host_and_origin_are_refused(served):
    assert connected(served, f"evil.example:{served.port}") == 400
    assert connected(served, "evil.example") == 400


PATHS = ("/", "/lab", "/index.html", "/static/nothing.js", "/_stcore/health", "/_stcore/upload_file/a/b", "/media/../x")


@pytest.mark.parametrize("path", PATHS)
def test_no_answer_may_be_framed_and_none_is_for_another_host(served, commanded, path):
    for port in (served.port, commanded):
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


def test_the_command_names_hosts(served, commanded):
    assert answer(commanded, "/", "lab.example").status == 200
    assert answer(served.port, "/", "lab.example").status == 400


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_is_answered(served, commanded, host):
    for port in (served.port, commanded):
        assert answer(port, "/", f"{host}:{port}").status == 200
        assert answer(port, "/", host).status == 200


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_this_machine_is_let_in(served, name):
    assert connected(served, f"{name}:{served.port}") == 101
