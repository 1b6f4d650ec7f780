"""Scripts are sent compressed to those who take it, and are the same files to all."""

import gzip
import http.client
import re

import pytest


def answer(port, path, **headers):
    """Head and body, as they were sent."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    link.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    heard = link.getresponse()
    body = heard.read()
    link.close()
    return heard, body


@pytest.fixture(scope="module")
def script(bare_server):
    """The address of the largest script that the page names."""
    page = answer(bare_server.port, "/")[1].decode()
    paths = {f"/{path}" for path in re.findall(r"static/js/[\w.-]+\.js", page)}
    return max(paths, key=lambda path: len(answer(bare_server.port, path)[1]))


def test_a_script_is_sent_compressed_once_and_again(bare_server, script):
    whole, plain = answer(bare_server.port, script)
    assert whole.getheader("Content-Encoding") is None
    assert len(plain) > 100_000
    for _ in range(2):  # made, then kept
        head, body = answer(bare_server.port, script, Accept_Encoding="br, gzip")
        assert head.status == 200
        assert (head.getheader("Content-Encoding"), head.getheader("Vary")) == ("gzip", "Accept-Encoding")
        assert head.getheader("Cache-Control") == whole.getheader("Cache-Control")
        assert head.getheader("Content-Type") == whole.getheader("Content-Type")
        assert head.getheader("X-Frame-Options") == "DENY"
        assert len(body) < len(plain) / 2
        assert gzip.decompress(body) == plain
    assert answer(bare_server.port, script)[1] == plain  # to those who do not take it, still


def test_a_part_of_a_script_is_a_part_of_the_plain_file(bare_server, script):
    head, body = answer(bare_server.port, script, Accept_Encoding="gzip", Range="bytes=10-19")
    assert head.getheader("Content-Encoding") is None
    assert body == answer(bare_server.port, script)[1][10:20]


def test_what_may_change_is_answered_anew(bare_server):
    head, _ = answer(bare_server.port, "/", Accept_Encoding="gzip")
    assert head.getheader("Cache-Control") == "no-cache"
    assert (
        answer(bare_server.port, "/static/js/absent.js", Accept_Encoding="gzip")[0].getheader("Content-Encoding")
        is None
    )
