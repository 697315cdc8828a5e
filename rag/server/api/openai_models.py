"""OpenAI's /v1/models, and what of the adapters a client may change while the server runs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from rag.server.api.asking import result_of, service_of
from rag.server.api.errors import ApiError
from rag.server.api.shapes import Received

router = APIRouter(tags=["models"])


class ModelOut(BaseModel):
    """A generator that a request can name. answers_as: what the default means now; loaded: whether it is in memory."""

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = "ragtune"
    answers_as: str
    loaded: bool


class ModelsOut(BaseModel):
    """All generators."""

    object: str = "list"
    data: list[ModelOut]


class UseIn(Received):
    """What the model "ragtune" is to mean on this server; "ragtune" for what `rag ask` uses."""

    model: str = Field(max_length=200)


def _model(request: Request, name: str) -> ModelOut:
    generators = service_of(request).generators
    choice = generators.resolve(name)
    return ModelOut(id=name, answers_as=choice.name, loaded=choice.name in generators.loaded())


@router.get("/v1/models")
def models(request: Request) -> ModelsOut:
    """List what answers."""
    return ModelsOut(data=[_model(request, name) for name in service_of(request).generators.names()])


@router.get("/v1/models/{model}")
def model(request: Request, model: str) -> ModelOut:
    """Return one of them."""
    return _model(request, model)


@router.put("/models/default")
def use(request: Request, body: UseIn) -> ModelOut:
    """Let the model "ragtune" mean another one on this server, from the next question on."""
    service_of(request).generators.use(body.model)
    return _model(request, "ragtune")


@router.post("/models/{model}")
async def load(request: Request, model: str) -> ModelOut:
    """Load a model now, so that the first question to it need not wait."""
    service = service_of(request)
    choice = service.generators.resolve(model)

    def work(task: Any) -> bool:
        return bool(service.generators.open(choice))

    await result_of(request, lambda: service.worker.submit(work))
    return _model(request, model)


@router.delete("/models/{model}", status_code=204)
def drop(request: Request, model: str) -> None:
    """Take a model out of memory. Questions that it has begun to answer are still answered."""
    if not service_of(request).generators.drop(model):
        raise ApiError(409, f"{model} is not in memory: GET /v1/models says what is")
