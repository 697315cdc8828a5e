"""How the server is: health, metrics, and the settings as they are."""

from __future__ import annotations

import dataclasses

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from rag.core.sections import SECTIONS
from rag.server.api.asking import metrics_of, service_of

router = APIRouter(tags=["status"])


class HealthOut(BaseModel):
    """ready: whether the default model is in memory. trouble: whether it could not be loaded. instance: its name."""

    status: str
    ready: bool
    waiting: int
    trouble: bool
    instance: str


class SettingOut(BaseModel):
    """A setting."""

    name: str
    value: bool | int | float | str
    default: bool | int | float | str


class SettingsOut(BaseModel):
    """All settings of `rag`, and what answers. trouble: why the default model could not be loaded."""

    settings: list[SettingOut]
    index: str
    answers_as: str
    trouble: str


@router.get("/health")
def health(request: Request) -> HealthOut:
    """Tell that the server runs."""
    service = service_of(request)
    ready = service.generators.resolve().name in service.generators.loaded()
    instance: str = request.app.state.instance
    trouble = bool(service.trouble) and not ready
    return HealthOut(status="ok", ready=ready, waiting=service.worker.waiting, trouble=trouble, instance=instance)


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> PlainTextResponse:
    """Return the metrics in Prometheus's text format."""
    found = metrics_of(request)
    found.waiting.set(service_of(request).worker.waiting)
    return PlainTextResponse(found.text())


@router.get("/settings")
def settings(request: Request) -> SettingsOut:
    """Return the settings as they are: keys of endpoints are not among them, only the names of their variables."""
    service, found = service_of(request), []
    for section, kind in SECTIONS.items():
        values, defaults = dataclasses.asdict(service.settings.section(kind)), dataclasses.asdict(kind())
        for key, value in values.items():
            found.append(SettingOut(name=f"{section}.{key}", value=value, default=defaults[key]))
    answers = service.generators.resolve().name
    return SettingsOut(settings=found, index=str(service.index), answers_as=answers, trouble=service.trouble)
