"""What never changes is sent compressed, and compressed once: Streamlit's scripts and Plotly's, megabytes of text."""

from __future__ import annotations

import gzip

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TEXT = ("text/", "application/javascript", "application/json", "image/svg")
_SHORTEST = 1000  # bytes
_Kept = tuple[Message, Message]  # head and body of an answer


class CompressedOnce:
    """Compresses answers that browsers may keep for ever (``immutable``), for those that take gzip, and keeps what it has sent.

    What is kept is bounded by the files that the server has. Everything else passes as it is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[str, _Kept] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if not _takes_gzip(scope):
            await self._app(scope, receive, send)
        elif kept := self._kept.get(scope["path"]):
            for message in kept:
                await send(message)
        else:
            await self._app(scope, receive, _Compressing(scope["path"], self._kept, send))


class _Compressing:
    """Where an answer goes that may be compressed: it waits for its whole body."""

    def __init__(self, path: str, kept: dict[str, _Kept], send: Send) -> None:
        self._path, self._kept, self._send = path, kept, send
        self._head: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _never_changes(message):
            self._head = message
        elif self._head is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(self._head)

    async def _finish(self, head: Message) -> None:
        body = await to_thread.run_sync(gzip.compress, bytes(self._body), 6)
        headers = MutableHeaders(raw=[*head["headers"]])
        headers.update({"Content-Encoding": "gzip", "Content-Length": str(len(body)), "Vary": "Accept-Encoding"})
        answer = {**head, "headers": headers.raw}, {"type": "http.response.body", "body": body}
        self._kept[self._path] = answer
        for message in answer:
            await self._send(message)


def _takes_gzip(scope: Scope) -> bool:
    """Whether a request is for a whole file by somebody who takes it compressed."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    headers = Headers(scope=scope)
    return "gzip" in headers.get("Accept-Encoding", "") and "Range" not in headers


def _never_changes(head: Message) -> bool:
    """Whether an answer is a text that browsers may keep for ever, whole and not compressed yet."""
    headers = Headers(raw=head["headers"])
    return (
        head["status"] == 200
        and "immutable" in headers.get("Cache-Control", "")
        and headers.get("Content-Type", "").startswith(_TEXT)
        and int(headers.get("Content-Length", "0")) >= _SHORTEST
        and "Content-Encoding" not in headers
    )
