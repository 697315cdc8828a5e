"""Errors as clients get them: JSON in OpenAI's shape, with a sentence that says what mends it, never a traceback."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import CancelledError
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from rag.core.errors import (
    DataError,
    DocumentError,
    ModelError,
    PromptError,
    RagtuneError,
    SettingsError,
    StoreError,
    TrainingError,
)
from rag.server.work.worker import BusyError

FAULT = "a fault of the program: rag doctor says what may be wrong, the log has this request's id"
_STATUS: dict[type[RagtuneError], int] = {
    PromptError: 400,
    DocumentError: 400,
    SettingsError: 400,
    ModelError: 404,
    StoreError: 409,
    TrainingError: 409,
    DataError: 409,
}
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_SENTENCES = {
    404: "there is nothing here: /openapi.json lists what there is",
    405: "this address does not take this method: /openapi.json lists what there is",
}


LEFT = 499  # the status of a request whose client has left, as nginx has it; nobody reads it


class ApiError(HTTPException):
    """A request that is refused."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None):
        """message: what is wrong, and what mends it."""
        super().__init__(status, message, dict(headers or {}))


def busy(status: int, seconds: int, why: str = "") -> ApiError:
    """Return the refusal of a request that may come again in some seconds."""
    sentence = f"busy, again in {seconds} s{f': {why}' if why else ''}"
    return ApiError(status, sentence, {"Retry-After": str(seconds)})


def error_body(status: int, message: str) -> dict[str, Any]:
    """Return the body of an error as OpenAI's clients read it."""
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "code": str(status), "param": None}}


def as_api_error(error: Exception) -> ApiError:
    """Return what a client is told of an error; of a fault of the program nothing but that it is one."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, BusyError):
        return busy(503, error.seconds, "other questions wait")
    if isinstance(error, ClientDisconnect):
        return ApiError(LEFT, "the client has left")
    if isinstance(error, CancelledError):
        return ApiError(503, "the server is being stopped: ask again when it runs (rag serve)")
    if isinstance(error, HTTPException):
        return ApiError(error.status_code, _SENTENCES.get(error.status_code, str(error.detail)), error.headers)
    if isinstance(error, RequestValidationError):
        return ApiError(422, _validation(error))
    if isinstance(error, RagtuneError):
        status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
        return ApiError(status, str(error))
    return ApiError(500, FAULT)


def _validation(error: RequestValidationError) -> str:
    """Say where a request is not as it has to be, without what stands there."""
    faults = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:5]]
    return f"the request is not as it has to be ({'; '.join(faults)}): /openapi.json says how"


def error_response(error: Exception) -> JSONResponse:
    """Return the response to a request that ended with an error."""
    known = as_api_error(error)
    return JSONResponse(error_body(known.status_code, known.detail), known.status_code, known.headers)


def add_error_handlers(app: FastAPI) -> None:
    """Let every error that is expected become such a response."""

    async def handle(request: Request, error: Exception) -> JSONResponse:
        return error_response(error)

    for kind in (HTTPException, RequestValidationError, RagtuneError):
        app.add_exception_handler(kind, handle)
