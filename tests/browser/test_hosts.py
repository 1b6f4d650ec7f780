"""Which names a browser may come by: a page of elsewhere whose name points here gets no connection."""

import http.client

import pytest

from driving.server import Server


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hosts")
    server = Server(folder, folder, folder)
    yield server
    server.kill()
    server.log.close()


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
    assert connected(served, f"evil.example:{served.port}") == 403
    assert connected(served, "evil.example") == 403


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_this_machine_is_let_in(served, name):
    assert connected(served, f"{name}:{served.port}") == 101
