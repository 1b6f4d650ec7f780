"""A server whose operator named no roots: what lies outside of home, working folder and cache is as if it were not there."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from tornado.websocket import websocket_connect

from driving.server import Server
from pseudofam_core import jobs
from pseudofam_core.jobs import engine


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("closed")
    (folder / "home").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder / "home"))
        server = Server(folder, folder, folder, roots=None)
    yield server
    server.kill()
    server.log.close()
    engine.stop(server.cache)


async def words(port, page, view):
    """All that a page says of itself, as text."""
    said = []
    link = await websocket_connect(f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"])
    asked = BackMsg()
    asked.rerun_script.query_string, asked.rerun_script.page_name = urlencode(view), page
    await link.write_message(asked.SerializeToString(), binary=True)
    while isinstance(message := await link.read_message(), bytes):
        told = ForwardMsg()
        told.ParseFromString(message)
        element = told.delta.new_element
        said += [element.alert.body, element.markdown.body, element.exception.message]
        if told.WhichOneof("type") == "script_finished":
            break
    link.close()
    while await link.read_message() is not None:  # until it is closed
        pass
    return "\n".join(filter(None, said))


@pytest.mark.parametrize("page", ["estimates", "finetune", "transfer"])
@pytest.mark.parametrize("control", ["corpus", "model"])
def test_what_is_outside_is_as_if_it_were_not_there(served, saved_corpus, saved_model, page, control):
    there = saved_model if control == "model" else saved_corpus
    nowhere = there.with_name("x" * len(there.name))
    assert there.exists()
    assert not nowhere.exists()
    views = ({"model": "sample", "corpus": "sample", control: str(place)} for place in (there, nowhere))
    with ThreadPoolExecutor(1) as aside:  # the browser of the other tests has a loop in this thread
        seen, unseen = (aside.submit(asyncio.run, words(served.port, page, view)).result() for view in views)
    assert seen.replace(there.name, nowhere.name) == unseen
    assert "no such" in seen
    assert not [one for one in jobs.list_jobs(served.cache) if str(there) in str(one)]
