"""Predictions made elsewhere, scored by the same measures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval.groundedness import Cited, CrossEncoder, add_support
from eval.judge import judge
from eval.questions import EvaluationError, Evidence, Question, asked, question_of, read_questions
from eval.relevance import add_relevance
from eval.summary import summarize_one
from rag.documents import find_files, read_document
from rag.embedder import Embedder
from rag.prompt import REFUSAL

Row = dict[str, Any]


def read_predictions(path: Path, questions: Path | None) -> list[Row]:
    """-> a row a question, in the shape of our own predictions.

    The file is JSON lines with id and text, and answers, question, document, start or evidence where no questions file gives them; or one object
    {id: text}, as SQuAD's scorer reads it. Optional in a line: refused (else: text empty or our refusal sentence), confidence, cited (a list of
    document, start, end, quote). Questions without a prediction count as failures. Raises EvaluationError on a line that is neither."""
    said = _said(path)
    wanted = read_questions(questions) if questions else [_own_question(row, f"{path}:{n}") for n, row in enumerate(said.values(), 1)]
    unknown = set(said) - {q.id for q in wanted}
    if unknown:
        raise EvaluationError(f"{len(unknown)} predictions answer no question of {questions} (first: {min(unknown)})")
    return [_row(question, said.get(question.id)) for question in wanted]


def _said(path: Path) -> dict[str, Row]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} can't be read: {error}") from error
    if path.suffix == ".json":
        return {id: {"id": id, "text": answer} for id, answer in _parsed(text, str(path)).items()}
    rows = [_parsed(line, f"{path}:{n}") for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    said = {str(row["id"]): row for row in rows}
    if len(said) < len(rows) or not rows:
        raise EvaluationError(f"{path} holds {'two predictions for one id' if rows else 'no predictions'}")
    return said


def _parsed(text: str, where: str) -> Row:
    try:
        row = json.loads(text)
        if not isinstance(row, dict):
            raise ValueError("not an object")
        if not where.endswith(".json") and not ("id" in row and (isinstance(row.get("text"), str) or row.get("error"))):
            raise ValueError("id and text are expected")
    except ValueError as error:
        raise EvaluationError(f"{where} is not a prediction ({error})") from error
    return row


def _own_question(row: Row, where: str) -> Question:
    """-> the question that a line brings with it."""
    if "answers" not in row:
        raise EvaluationError(f"{where} has no answers to score against: name the questions with --questions FILE")
    if isinstance(row.get("evidence"), list) and all("end" in e for e in row["evidence"]):
        evidence = tuple(Evidence(e["document"], e["start"], e["end"]) for e in row["evidence"])
        kind = row.get("kind") or ("answerable" if row["answers"] else "unanswerable")
        return Question(str(row["id"]), row.get("question", ""), tuple(row["answers"]), row.get("document", ""), evidence, kind)
    return question_of({"question": "", "document": "", "start": -1, **row}, where)


def _row(question: Question, said: Row | None) -> Row:
    known = {**asked(question), "part": "all"}
    if said is None or said.get("error"):
        return {**known, "error": said["error"] if said else "no prediction"}
    refused = said.get("refused", said["text"].strip() in ("", REFUSAL))
    return {**said, **known, "refused": bool(refused), "cited": said.get("cited", [])}


def score(path: Path, questions: Path | None, documents: Path | None, cross_encoder: CrossEncoder | None, embedder: Embedder) -> tuple[Row, list[Row]]:
    """-> the summary, and the judged rows. documents: the folder that quotes are checked against."""
    rows = read_predictions(path, questions)
    texts = {id: read_document(file, id).text for file, id in find_files(documents)} if documents else None
    add_support(rows, [[Cited(c["quote"], c["quote"]) for c in row.get("cited", ()) if c.get("quote")] for row in rows], cross_encoder)
    for row in rows:
        if not row.get("error") and not any(c.get("quote") for c in row["cited"]):
            row.pop("support", None)  # without a quote there is nothing to hold the answer against
    source = (lambda row, c: texts.get(c["document"], "")[c["start"] : c["end"]]) if texts is not None else None
    rows = [judge(row, source) for row in rows]
    add_relevance(rows, embedder)
    return {"notes": [], "n": len(rows), "generators": {path.stem: summarize_one(rows)}, "comparisons": []}, rows
