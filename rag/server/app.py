"""The application: all endpoints around one service, behind the gate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from mcp.server.transport_security import TransportSecuritySettings
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from rag.core.sections import DocumentSettings
from rag.server.api import (
    documents,
    feedback,
    jobs,
    openai_chat,
    openai_models,
    openai_responses,
    pages,
    questions,
    status,
)
from rag.server.api.errors import add_error_handlers
from rag.server.api.gate import Gate, Rules
from rag.server.api.metrics import Metrics
from rag.server.api.observed import Observed
from rag.server.api.shapes import ErrorOut
from rag.server.state.keys import KeyRing, key_digest
from rag.server.tools import make_tools
from rag.server.work.folder_watcher import FolderWatcher
from rag.server.work.service import Service

PAGE = Path(__file__).parent / "page"
ROUTERS = (questions, documents, pages, jobs, feedback, openai_models, openai_chat, openai_responses, status)
_ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": ErrorOut, "description": text}
    for code, text in {
        400: "What is asked can't be done as it is asked.",
        401: "A key is needed.",
        403: "Another host or page.",
        404: "There is nothing of that name.",
        409: "The index or a model is not as it has to be.",
        413: "Too large.",
        422: "Not of the form that this endpoint takes.",
        429: "More requests a minute than one client may send; Retry-After says when to come again.",
        500: "A fault of the program.",
        503: "Busy; Retry-After says when to come again.",
    }.items()
}


def rules_of(service: Service, loopback: bool, token: str) -> Rules:
    """Return what the gate asks for, as the settings say."""
    most = service.settings.section(DocumentSettings).max_bytes
    return Rules(loopback, token, service.limits.per_minute, service.limits.max_request, most)


def create_app(service: Service, rules: Rules, more: Iterable[APIRouter] = (), watch: Sequence[Path] = ()) -> FastAPI:
    """Return the application. It starts the service when it starts, and closes it when it ends.

    more: endpoints of other packages. watch: folders whose new and changed files are read. Raises DocumentError where
    one of them is not there.
    """
    metrics = Metrics()
    app = FastAPI(
        title="ragtune",
        version=version("ragtune"),
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        responses=_ERRORS,
        lifespan=_lifespan,
        middleware=[
            Middleware(Observed, metrics=metrics),
            Middleware(Gate, keys=KeyRing(service.index), rules=rules),
        ],
    )
    app.state.service, app.state.metrics, app.state.instance = service, metrics, key_digest(rules.token)[:16]
    app.state.page_images, app.state.watcher = pages.PageImages(), FolderWatcher(watch, service.documents)
    add_error_handlers(app)
    for router in (*(module.router for module in ROUTERS), *more):
        app.include_router(router)
    app.add_api_route("/", _page, include_in_schema=False)
    app.mount("/page", StaticFiles(directory=PAGE))
    _add_tools(app, service)
    return app


def _add_tools(app: FastAPI, service: Service) -> None:
    app.state.tools = make_tools(service)
    # The gate has checked host, page and key already.
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app.router.routes.extend(app.state.tools.streamable_http_app(transport_security=security).routes)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.service.start()
    app.state.watcher.start()
    try:
        async with app.state.tools.session_manager.run():
            yield
    finally:
        app.state.watcher.close()
        app.state.service.close()


def _page() -> FileResponse:
    return FileResponse(PAGE / "index.html")
