"""The endpoints that this package adds to the server, which finds them by the entry point "ragtune.routers"."""

from fastapi import APIRouter

from finetune.api import review, runs

router = APIRouter()
router.include_router(runs.router)
router.include_router(review.router)
