"""``POST /v1/audio/transcriptions`` and ``GET /v1/models``, as OpenAI's clients call them."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Request, Response

from asr.serve.answers import answer
from asr.serve.forms import FIELDS, read_form
from asr.serve.limits import Refused
from asr.serve.service import Service

ALIAS = "whisper-1"
"""What OpenAI's clients call the model unless they are told another name."""
TRANSCRIPTIONS = "/v1/audio/transcriptions"
_ERROR = {
    "description": "What is wrong, and what to do",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error"],
                "properties": {
                    "error": {
                        "type": "object",
                        "required": ["message", "type", "param", "code"],
                        "properties": {"message": {"type": "string"}, "type": {"type": "string"}},
                    }
                },
            }
        }
    },
}
_TEXT = {"schema": {"type": "string"}}
_JSON = {"schema": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}}
_TRANSCRIPT = {
    "description": "The transcript",
    "content": {
        "application/json": _JSON,
        "text/plain": _TEXT,
        "application/x-subrip": _TEXT,
        "text/vtt": _TEXT,
    },
}
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "model"],
                    "properties": dict(FIELDS),
                    "additionalProperties": False,
                }
            }
        },
    }
}
router = APIRouter(prefix="/v1")


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return dict.fromkeys(statuses, _ERROR)


@router.post(
    "/audio/transcriptions",
    response_class=Response,
    openapi_extra=_FORM,
    responses={200: _TRANSCRIPT, **_errors(400, 401, 403, 404, 408, 413, 415, 503)},
)
async def transcribe(request: Request) -> Response:
    """Writes down what a recording says."""
    service: Service = request.app.state.service
    begin = time.perf_counter()
    with service.uploads.place(), service.metrics.under_way.labels("upload").track_inprogress():
        service.metrics.started.labels("upload").inc()
        form = await read_form(request, service.limits)
        with form.file:
            if form.model not in (service.name, ALIAS):
                raise _no_model(form.model)
            transcript = await service.recordings.transcribe(form.file)
    body, media_type = answer(transcript, form)
    service.metrics.request_seconds.observe(time.perf_counter() - begin)
    return Response(body, media_type=media_type)


@router.get("/models", responses=_errors(401, 403))
async def models(request: Request) -> dict[str, Any]:
    """Lists the one model that is served."""
    return {"object": "list", "data": [_model(request.app.state.service)]}


@router.get("/models/{name:path}", responses=_errors(401, 403, 404))
async def model(request: Request, name: str) -> dict[str, Any]:
    """Describes a model."""
    service: Service = request.app.state.service
    if name not in (service.name, ALIAS):
        raise _no_model(name)
    return _model(service)


def _model(service: Service) -> dict[str, Any]:
    return {
        "id": service.name,
        "object": "model",
        "created": service.created,
        "owned_by": "asr",
        "streams": service.captions is not None,
    }


def _no_model(name: str) -> Refused:
    message = f"the model {name[:100]!r} does not exist; GET /v1/models lists those that do"
    return Refused(message, 404, code="model_not_found", param="model")
