"""Visitors of a real server, without a browser: what a page ends in, absurd addresses, and memory over many sessions."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from benchmarks._faults_tally import Tally
from driving.server import ROOT, Server
from pseudofam_core import jobs
from pseudofam_core.jobs import engine

PAGES = ("", "estimates", "similarity", "families", "finetune", "compare", "transfer", "beside", "lab")
_CONTROLS = (
    "model",
    "corpus",
    "tune",
    "split",
    "sentences",
    "parameters",
    "estimator",
    "seed",
    "pairs",
    "k",
    "measure",
)
_CONTROLS += (
    "target",
    "height",
    "pins",
    "arms",
    "own",
    "updates",
    "seeds",
    "draws",
    "largest",
    "radius",
    "others",
    "page",
    "of",
    "with",
)
_VALUES = (
    "nan",
    "-1",
    "9" * 400,
    "x" * 10_000,
    "~nouser",
    "hf::",
    "hf:../..",
    "a\0b",
    "(a+)+$",
    "be-en be-en",
    "![x](//y)",
    "[",
    "{}",
    "/",
    "../..",
)
_VALUES += ("sample", "1", "0.5", "mse", "all", "be-en", "single,single", "\u2028", "%00", "é" * 300)
_LONGEST_S = 60.0
_WARM_UP_S = 180.0  # Streamlit keeps a session that is gone for two minutes, and at most 128 of them: until then memory must grow


def visit(port: int, page: str, view: Mapping[str, str]) -> str:
    """Open a page as a browser does; what it shows of exceptions, empty where there is none."""
    return asyncio.run(_visit(port, page, view))


def addresses(folder: Path, n: int, tally: Tally, *, seed: int = 1) -> None:
    """Open n pages with absurd addresses."""
    rng = random.Random(seed)
    server = Server(folder, ROOT, ROOT)
    try:
        for _ in range(n):
            view = {name: rng.choice(_VALUES) for name in rng.sample(_CONTROLS, rng.randint(1, 5))}
            page = rng.choice(PAGES)
            tally.tried("inputs")
            try:
                seen = visit(server.port, page, {"model": "sample", "corpus": "sample", **view})
            except TimeoutError:
                tally.fault("hung", f"{page}: {sorted(view)}", view)
                continue
            if seen:
                tally.fault("tracebacks", f"{page}: {seen[:100]}", f"{view}: {seen}")
    finally:
        _end(server)


def growth_percent(folder: Path, n_sessions: int, seconds: float, tally: Tally) -> float:
    """How much more memory a server has at the end of many sessions than when each has seen pages for a while, in percent."""
    server = Server(folder, ROOT, ROOT)
    try:
        return asyncio.run(_growth(server, n_sessions, seconds, tally))
    finally:
        _end(server)


def _end(server: Server) -> None:
    """With the engine of the estimates that the first visitor starts."""
    server.kill()
    server.log.close()
    engine.stop(server.cache)


async def _growth(server: Server, n_sessions: int, seconds: float, tally: Tally) -> float:
    sample = {"model": "sample", "corpus": "sample"}
    await _visit(server.port, "", sample, seconds=300)  # begins the sample's estimates, without which pages show little
    while (views := jobs.list_jobs(server.cache)) and any(view.state.is_active for view in views):
        await asyncio.sleep(1)
    for page in PAGES * 2:  # until all is imported and compared
        await _visit(server.port, page, sample, seconds=300)
    process = psutil.Process(server.process.pid)
    await _sessions(server.port, n_sessions, min(_WARM_UP_S, seconds), tally)
    before = process.memory_info().rss
    await _sessions(server.port, n_sessions, seconds, tally)
    return 100 * (process.memory_info().rss / before - 1)


async def _sessions(port: int, n: int, seconds: float, tally: Tally) -> None:
    end = time.monotonic() + seconds
    await asyncio.gather(*(_session(port, number, end, tally) for number in range(n)))


async def _session(port: int, number: int, end: float, tally: Tally) -> None:
    rng = random.Random(number)
    tour = rng.sample(PAGES, len(PAGES))  # each page once, however slow, then any
    while tour or time.monotonic() < end:
        page = tour.pop() if tour else rng.choice(PAGES)
        try:
            seen = await _visit(port, page, {"model": "sample", "corpus": "sample"}, seconds=300)
        except TimeoutError:
            tally.fault("hung", f"session: {page}", "more than 300 s")
            continue
        tally.tried("visits")
        if seen:
            tally.fault("tracebacks", f"session: {page}", seen)
        await asyncio.sleep(rng.random() * 4)


async def _visit(port: int, page: str, view: Mapping[str, str], seconds: float = _LONGEST_S) -> str:
    async with asyncio.timeout(seconds):
        address = f"ws://127.0.0.1:{port}/_stcore/stream"
        request = HTTPRequest(address, connect_timeout=seconds, request_timeout=seconds)
        link = await websocket_connect(request, subprotocols=["streamlit"], max_message_size=2**28)
        try:
            asked = BackMsg()
            asked.rerun_script.query_string, asked.rerun_script.page_name = urlencode(view), page
            await link.write_message(asked.SerializeToString(), binary=True)
            return await _shown(link)
        finally:
            link.close()


async def _shown(link: object) -> str:
    """Exceptions among all elements until the script has ended, and those that it asks for itself have too."""
    exceptions = []
    while isinstance(message := await link.read_message(), bytes):  # type: ignore[attr-defined]
        told = ForwardMsg()
        told.ParseFromString(message)
        if told.delta.new_element.HasField("exception"):
            shown = told.delta.new_element.exception
            exceptions.append(f"{shown.type}: {shown.message} {list(shown.stack_trace)[-2:]}")
        if told.WhichOneof("type") == "script_finished" and told.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return "; ".join(exceptions)
    return "; ".join([*exceptions, "the server has closed the connection"])
