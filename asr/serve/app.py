"""The web application: its parts put together behind the guard."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, JSONResponse
from starlette.staticfiles import StaticFiles

from asr import __version__
from asr.serve import sockets, transcriptions
from asr.serve.limits import BUSY, Refused
from asr.serve.metrics import CONTENT_TYPE
from asr.serve.security import Access, Guard, error_body
from asr.serve.service import Service

PAGE = Path(__file__).parent / "page"
GONE = 499
"""What is noted of requests whose client went away; nobody receives it."""


def create_app(service: Service, access: Access) -> Guard:
    """The application that serves one model."""
    app = FastAPI(title="asr", version=__version__, docs_url=None, redoc_url=None)
    app.state.service = service
    app.include_router(transcriptions.router)
    app.include_router(sockets.router)
    app.add_api_route("/health", _health, methods=["GET"])
    app.add_api_route("/metrics", _metrics, methods=["GET"], response_class=Response)
    app.add_api_route("/", _page, methods=["GET", "HEAD"], include_in_schema=False)
    app.mount("/page", StaticFiles(directory=PAGE))
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _defect)
    if access.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(access.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization"],
        )
    return Guard(app, access, service.metrics)


async def _page(request: Request) -> Response:
    return FileResponse(PAGE / "index.html")


async def _health(request: Request) -> Response:
    """Whether the server takes requests, and how many it has."""
    service: Service = request.app.state.service
    content = {
        "status": "stopping" if service.stopping else "ok",
        "model": service.name,
        "sessions": service.sessions.taken,
        "uploads": service.uploads.taken,
    }
    return JSONResponse(content, BUSY if service.stopping else 200)


async def _metrics(request: Request) -> Response:
    """Counters for Prometheus."""
    service: Service = request.app.state.service
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)


async def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        headers = dict(error.headers or {})
        error = Refused(f"{request.method} {request.url.path}: {error.detail}", error.status_code)
        error.headers |= headers
    assert isinstance(error, Refused)
    _count(request, error.code or str(error.status))
    headers = error.headers | {"Connection": "close"} if error.status in (408, 413) else error.headers
    return Response(error_body(error), error.status, headers, "application/json")


async def _gone(request: Request, error: Exception) -> Response:
    _count(request, "client_gone")
    return Response(status_code=GONE)


async def _defect(request: Request, error: Exception) -> Response:
    _count(request, "defect")
    return Response(error_body(Refused("an error of the server; it is logged", 500)), 500)


def _count(request: Request, kind: str) -> None:
    service: Service = request.app.state.service
    service.metrics.errors.labels(kind).inc()
