"""Predictions made elsewhere, scored by the same measures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval.metrics.answer_metrics import measure_answer
from eval.metrics.groundedness import CitedPassage, SupportModel, add_support
from eval.metrics.relevance import add_relevance
from eval.runs.questions import Question, parse_question, question_fields, read_questions
from eval.runs.summary import summarize_one
from rag.core.errors import EvaluationError
from rag.documents.discovery import find_files
from rag.documents.document import read_document
from rag.generation.prompt import REFUSAL
from rag.models.embedder import Embedder

Row = dict[str, Any]


def read_predictions(path: Path, questions: Path | None) -> list[Row]:
    """-> a row a question, in the shape of our own predictions.

    The file is JSON lines with id and text, and answers, question, document, start or evidence where no questions file gives them; or one object
    {id: text}, as SQuAD's scorer reads it. Optional in a line: refused (else: text empty or our refusal sentence), confidence, cited (a list of
    document, start, end, quote). Questions without a prediction count as failures. Raises EvaluationError on a line that is neither."""
    said = _said(path)
    wanted = read_questions(questions) if questions else [_own_question(row, where) for row, where in said.values()]
    unknown = set(said) - {q.id for q in wanted}
    if unknown:
        raise EvaluationError(f"{len(unknown)} predictions answer no question of {questions} (first: {min(unknown)})")
    return [_row(question, said[question.id][0] if question.id in said else None) for question in wanted]


def _said(path: Path) -> dict[str, tuple[Row, str]]:
    """-> id: the line and where it stands."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} can't be read: {error}") from error
    if path.suffix == ".json":
        lines = [({"id": id, "text": answer}, str(path)) for id, answer in _object(text, str(path)).items()]
    else:
        lines = [
            (_object(line, f"{path}:{n}"), f"{path}:{n}") for n, line in enumerate(text.split("\n"), 1) if line.strip()
        ]
    said = {str(row.get("id")): (_checked(row, where), where) for row, where in lines}
    if len(said) < len(lines) or not lines:
        raise EvaluationError(f"{path} holds {'two predictions for one id' if lines else 'no predictions'}")
    return said


def _object(text: str, where: str) -> Row:
    try:
        row = json.loads(text)
    except ValueError as error:
        raise EvaluationError(f"{where} is not JSON ({error})") from error
    if not isinstance(row, dict):
        raise EvaluationError(f"{where} is not a JSON object")
    return row


def _checked(row: Row, where: str) -> Row:
    """-> the row. Raises EvaluationError unless it is a prediction."""
    cited = row.get("cited", [])
    if "id" not in row or not (isinstance(row.get("text"), str) or row.get("error")):
        raise EvaluationError(f"{where} is not a prediction: id and text are expected")
    if not isinstance(cited, list) or not all(
        isinstance(c, dict) and {"document", "start", "end"} <= set(c) for c in cited
    ):
        raise EvaluationError(
            f"{where} is not a prediction: cited is a list of objects with document, start, end and quote"
        )
    return row


def _own_question(row: Row, where: str) -> Question:
    """-> the question that a line brings with it."""
    if "answers" not in row:
        raise EvaluationError(f"{where} has no answers to score against: name the questions with --questions FILE")
    return parse_question({"question": "", "document": "", "start": -1, **row}, where)


def _row(question: Question, said: Row | None) -> Row:
    known = {**question_fields(question), "part": (said or {}).get("part", "all")}
    if said is None or said.get("error"):
        return {**known, "error": said["error"] if said else "no prediction"}
    refused = said.get("refused", said["text"].strip() in ("", REFUSAL))
    return {**said, **known, "refused": bool(refused), "cited": said.get("cited", [])}


def score_predictions(
    path: Path, questions: Path | None, documents: Path | None, meaning: SupportModel, embedder: Embedder
) -> tuple[Row, list[Row]]:
    """-> the summary, and the judged rows. documents: the folder that quotes are checked against."""
    rows = read_predictions(path, questions)
    texts = {id: read_document(file, id).text for file, id in find_files(documents)} if documents else None
    # Lines of ours bring the support that their whole passages gave; without a quote there is nothing to hold an answer against.
    quoted = [row for row in rows if "support" not in row and any(c.get("quote") for c in row.get("cited", ()))]
    add_support(
        quoted,
        [[CitedPassage(c["quote"], c["document"]) for c in row["cited"] if c.get("quote")] for row in quoted],
        meaning,
    )
    source = (lambda row, c: texts.get(c["document"], "")[c["start"] : c["end"]]) if texts is not None else None
    rows = [measure_answer(row, source) for row in rows]
    add_relevance(rows, embedder)
    return {"notes": [], "n": len(rows), "generators": {path.stem: summarize_one(rows)}, "comparisons": []}, rows
