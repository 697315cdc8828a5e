"""Rows of a run for people to judge in the page, as `python -m finetune review` shows them in the terminal."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from finetune.api.runs import RunName
from finetune.data.feedback import STAGE as FEEDBACK
from finetune.data.rows import TrainingRow
from finetune.data.split import Split
from finetune.data.verdicts import MEND, is_judged, keep_verdict, read_verdicts, row_digest
from rag.server.api.asking import service_of
from rag.server.api.errors import ApiError
from rag.server.api.shapes import LONGEST, Received

router = APIRouter(tags=["training"])
SHOWN = 10  # rows of one response
RowId = Annotated[str, Field(max_length=LONGEST)]


class ShownPassage(BaseModel):
    """A passage of a row. own: whether it is the one that the question was made from."""

    document: str
    location: str
    start: int
    end: int
    text: str
    own: bool


class RowOut(BaseModel):
    """A row to be judged.

    was: names the state of the row that is shown. target: what the generator is to write. source: "feedback" or "run".
    """

    id: str
    was: str
    question: str
    answer: str
    target: str
    kind: str
    source: str
    cited: list[int]
    passages: list[ShownPassage]


class ReviewOut(BaseModel):
    """The next rows of a run that nobody has judged. estimate: what the verdicts so far say of the others."""

    run: str
    judged: int
    rest: int
    estimate: str
    rows: list[RowOut]


class FeedbackTaken(BaseModel):
    """What became of the feedback of the index: rows and pairs to be reviewed, and why others gave none."""

    rows: int
    pairs: int
    left_out: dict[str, int]


class VerdictIn(Received):
    """A verdict on a row as it was shown. question, answer: for "mend"; "" as it is, the answer "-" for none."""

    id: RowId
    was: str = Field(max_length=100)
    verdict: Literal["keep", "mend", "drop"]
    question: str = Field("", max_length=LONGEST)
    answer: str = Field("", max_length=LONGEST)


@router.post("/runs/{run}/feedback")
def take(request: Request, run: RunName) -> FeedbackTaken:
    """Make rows of what users have said of answers, in place of those that were made before."""
    from finetune.human.take_feedback import take_feedback

    service = service_of(request)
    taken = take_feedback(run, service.settings, service.index)
    return FeedbackTaken(rows=len(taken.rows), pairs=len(taken.pairs), left_out=dict(taken.rejected))


@router.get("/runs/{run}/review")
def review(request: Request, run: RunName) -> ReviewOut:
    """Return the next rows that nobody has judged, those of feedback first."""
    return _review(run)


@router.post("/runs/{run}/review")
def judge(request: Request, run: RunName, body: VerdictIn) -> ReviewOut:
    """Keep a verdict: the row stays as it is, is mended, or is dropped. Training heeds it from its next start on."""
    from finetune.human.review import mend, verdict_line

    row = _row(run, body.id)
    if row_digest(row) != body.was:
        raise ApiError(409, "the row has changed since it was shown: look at it again")
    mended = mend(row, Split.of_run(run), body.question, body.answer) if body.verdict == MEND else None
    keep_verdict(run, row.id, verdict_line(row, body.verdict, mended))
    return _review(run)


@router.delete("/runs/{run}/review")
def take_back(request: Request, run: RunName, id: Annotated[str, Query(max_length=LONGEST)]) -> ReviewOut:
    """Take the verdict on a row back."""
    keep_verdict(run, _row(run, id).id, None)
    return _review(run)


def _rows(run: str) -> list[TrainingRow]:
    from finetune.human.review import rows_to_judge

    return rows_to_judge(run)


def _row(run: str, id: str) -> TrainingRow:
    found = next((row for row in _rows(run) if row.id == id), None)
    if found is None:
        raise ApiError(404, "the run has no such row any more: look at the next one")
    return found


def _review(run: str) -> ReviewOut:
    from finetune.human.review import estimate

    rows, verdicts = _rows(run), read_verdicts(run)
    waiting = [row for row in rows if not is_judged(row, verdicts)]
    told = estimate(rows, verdicts)
    shown = [_row_out(row) for row in waiting[:SHOWN]]
    return ReviewOut(run=run, judged=told.judged, rest=told.rest, estimate=str(told), rows=shown)


def _row_out(row: TrainingRow) -> RowOut:
    return RowOut(
        id=row.id,
        was=row_digest(row),
        question=row.question,
        answer=row.answer if row.cited else "",
        target=row.target,
        kind=row.kind,
        source=FEEDBACK if row.id.endswith(f"#{FEEDBACK}") else "run",
        cited=[row.cited, *row.also] if row.cited else [],
        passages=[ShownPassage(**_facts(row, number)) for number in range(len(row.passages))],
    )


def _facts(row: TrainingRow, number: int) -> dict[str, Any]:
    chunk = row.passages[number]
    own = chunk.document == row.document and (chunk.start, chunk.end) == tuple(row.gold)
    place = {"document": chunk.document, "location": chunk.location, "start": chunk.start, "end": chunk.end}
    return {**place, "text": chunk.text, "own": own}
