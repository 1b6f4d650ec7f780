"""What the server does with every HTTP request, before Streamlit sees it. See docs/security.md."""

from __future__ import annotations

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.components.compressing import CompressedOnce

_UNFRAMED = {"Content-Security-Policy": "frame-ancestors 'none'", "X-Frame-Options": "DENY"}


class Unframed:
    """Tells browsers with every answer that no page may frame it: clicks can't be stolen through a page laid over it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, with these headers too."""

        async def send_unframed(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                MutableHeaders(scope=message).update(_UNFRAMED)
            await send(message)

        await self._app(scope, receive, send_unframed)


def middleware() -> list[Middleware]:
    """Outermost first: no framing; no host but those of Streamlit's option ``server.allowedHosts``, all where it is empty; gzip."""
    hosts = st.get_option("server.allowedHosts") or ["*"]
    bracketed = [f"[{host}]" if ":" in host else host for host in hosts]  # as a Host header has IPv6 addresses
    return [
        Middleware(Unframed),
        Middleware(TrustedHostMiddleware, allowed_hosts=bracketed, www_redirect=False),
        Middleware(CompressedOnce),
    ]
