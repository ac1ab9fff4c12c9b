"""Who may talk to the server.

Any web page that somebody opens can send requests to an address of their own machine. So the Host header
must be a name of this server (else a page's own name could be pointed here: DNS rebinding), and the Origin
header, which browsers send with every request that could do something, must be the server's own page. On
top of that there may be a token.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asr.serve.limits import Refused
from asr.serve.metrics import Metrics

OPEN = ("/", "/health")
"""What needs no token: the page asks for one itself."""
OPEN_FOLDER = "/page/"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Access:
    """Who is let in.

    Attributes:
        token: The secret that clients must know; None lets everybody in.
        hosts: Names of this server, besides localhost and addresses.
        origins: Web pages that may use it, besides its own: ``https://captions.example``.
    """

    token: str | None = None
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check(access: Access, scope: Scope) -> None:
    """Lets a request pass, or not.

    Raises:
        Refused: If it comes from a foreign web page, names another host, or knows no token.
    """
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if not _is_ours(host, access.hosts):
        raise Refused(
            f"this server is not called {host[:100]!r}; name it with --allow-host", 403, code="wrong_host"
        )
    origin = headers.get("origin")
    if origin is not None and origin not in access.origins and urlsplit_netloc(origin) != host.lower():
        message = f"web pages of {origin[:100]!r} may not use this server; name it with --allow-origin"
        raise Refused(message, 403, code="wrong_origin")
    if headers.get("sec-fetch-site") == "cross-site" and origin is None and scope["path"] != "/":
        raise Refused("other web pages may not load this", 403, code="wrong_origin")
    if access.token is not None and not _is_open(scope) and not _knows(access.token, scope, headers):
        error = Refused(
            "a token is needed: send it as Authorization: Bearer TOKEN", 401, code="invalid_api_key"
        )
        error.headers["WWW-Authenticate"] = "Bearer"
        raise error


def urlsplit_netloc(origin: str) -> str:
    """Host and port of an origin; nothing, if it is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_ours(host: str, names: frozenset[str]) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not name or parts.netloc != host or "@" in host:
        return False
    if name == "localhost" or name in names:
        return True
    try:
        ipaddress.ip_address(name)  # an address cannot be pointed elsewhere
    except ValueError:
        return False
    return True


def _is_open(scope: Scope) -> bool:
    path = scope["path"]
    return scope["type"] == "http" and (path in OPEN or path.startswith(OPEN_FOLDER))


def _knows(token: str, scope: Scope, headers: Headers) -> bool:
    kind, _, given = headers.get("authorization", "").partition(" ")
    said = [given.strip()] if kind.lower() == "bearer" else []
    if scope["type"] == "websocket":  # browsers cannot send headers there
        said += parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
    return any(hmac.compare_digest(one.encode(), token.encode()) for one in said)


class Guard:
    """Stands before the whole application: nothing passes that `check` refuses."""

    def __init__(self, app: ASGIApp, access: Access, metrics: Metrics) -> None:
        self._app, self._access, self._metrics = app, access, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request, a socket, or the start and end of the server."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"].endswith("response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            check(self._access, scope)
        except Refused as error:
            self._metrics.errors.labels(error.code).inc()
            await _answer(error, scope["type"], send_safely)
        else:
            await self._app(scope, receive, send_safely)


async def _answer(error: Refused, kind: str, send: Send) -> None:
    prefix = "websocket.http." if kind == "websocket" else "http."
    body = error_body(error)
    headers = {"content-type": "application/json", "content-length": str(len(body)), **error.headers}
    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": prefix + "response.start", "status": error.status, "headers": encoded})
    await send({"type": prefix + "response.body", "body": body})


def error_body(error: Refused) -> bytes:
    """An error as OpenAI's clients read it."""
    kind = "server_error" if error.status >= 500 else "invalid_request_error"
    content = {"message": error.message, "type": kind, "param": error.param, "code": error.code}
    return json.dumps({"error": content}).encode()
