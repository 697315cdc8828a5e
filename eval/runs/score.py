"""Predictions that were made elsewhere, scored by the same measures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval.metrics.answer_metrics import Citation, measure_answer
from eval.metrics.groundedness import CitedPassage, SupportModel, add_support
from eval.metrics.prediction import Figures, Prediction
from eval.metrics.relevance import add_relevance
from eval.runs.questions import Question, parse_question, question_fields, read_questions
from eval.runs.summary import summarize_one
from rag.core.errors import EvaluationError
from rag.documents.discovery import find_files
from rag.documents.document import read_document
from rag.generation.prompt import REFUSAL
from rag.models.embedder import Embedder

Line = dict[str, Any]


def read_predictions(path: Path, questions: Path | None) -> list[Prediction]:
    """Read predictions in our own format or a simpler one; questions without a prediction count as failures.

    The file holds JSON lines with id and text, and answers, question, document, start or evidence where no questions
    file gives them; or one object {id: text}, as SQuAD's scorer reads it. A line may have refused (otherwise: text is
    empty or our refusal sentence), confidence, and cited, a list of document, start, end and quote. Raises
    EvaluationError for a line that is neither.
    """
    lines = _read(path)
    wanted = read_questions(questions) if questions else [_own_question(*found) for found in lines.values()]
    unknown = set(lines) - {q.id for q in wanted}
    if unknown:
        raise EvaluationError(f"{len(unknown)} predictions answer no question of {questions} (first: {min(unknown)})")
    return [_prediction(question, lines[question.id][0] if question.id in lines else None) for question in wanted]


def _read(path: Path) -> dict[str, tuple[Line, str]]:
    """The lines by id, each with its place for error messages."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} can't be read: {error}") from error
    if path.suffix == ".json":
        lines = [({"id": id, "text": answer}, str(path)) for id, answer in _parse_object(text, str(path)).items()]
    else:
        numbered = ((f"{path}:{n}", line) for n, line in enumerate(text.split("\n"), 1) if line.strip())
        lines = [(_parse_object(line, where), where) for where, line in numbered]
    by_id = {str(line.get("id")): (_checked(line, where), where) for line, where in lines}
    if len(by_id) < len(lines) or not lines:
        raise EvaluationError(f"{path} holds {'two predictions for one id' if lines else 'no predictions'}")
    return by_id


def _parse_object(text: str, where: str) -> Line:
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise EvaluationError(f"{where} is not JSON ({error})") from error
    if not isinstance(parsed, dict):
        raise EvaluationError(f"{where} is not a JSON object")
    return parsed


def _checked(line: Line, where: str) -> Line:
    if "id" not in line or not (isinstance(line.get("text"), str) or line.get("error")):
        raise EvaluationError(f"{where} is not a prediction: id and text are expected")
    cited = line.get("cited", [])
    if not isinstance(cited, list) or not all(map(_is_citation, cited)):
        fields = "a list of objects with document, start, end and quote"
        raise EvaluationError(f"{where} is not a prediction: cited is {fields}")
    return line


def _is_citation(found: object) -> bool:
    return isinstance(found, dict) and {"document", "start", "end"} <= set(found)


def _own_question(line: Line, where: str) -> Question:
    """The question that a line brings with it."""
    if "answers" not in line:
        raise EvaluationError(f"{where} has no answers to score against: name the questions with --questions FILE")
    return parse_question({"question": "", "document": "", "start": -1, **line}, where)


def _prediction(question: Question, line: Line | None) -> Prediction:
    known = {**question_fields(question), "part": (line or {}).get("part", "all")}
    if line is None or line.get("error"):
        return {**known, "error": line["error"] if line else "no prediction"}
    refused = line.get("refused", line["text"].strip() in ("", REFUSAL))
    return {**line, **known, "refused": bool(refused), "cited": line.get("cited", [])}


def score_predictions(
    path: Path, questions: Path | None, documents: Path | None, model: SupportModel, embedder: Embedder
) -> tuple[Figures, list[Prediction]]:
    """Return the summary and the scored predictions of a file.

    questions: their file, None where the lines bring their own. documents: the folder that quotes are checked
    against.
    """
    rows = read_predictions(path, questions)
    # Our own lines bring the support that their whole passages gave; without a quote there is nothing to compare with.
    quoted = [row for row in rows if "support" not in row and any(c.get("quote") for c in row.get("cited", ()))]
    add_support(quoted, [_quotes(row) for row in quoted], model)
    texts = {id: read_document(file, id).text for file, id in find_files(documents)} if documents else {}

    def source(row: Prediction, citation: Citation) -> str:
        return texts.get(citation["document"], "")[citation["start"] : citation["end"]]

    rows = [measure_answer(row, source if documents else None) for row in rows]
    add_relevance(rows, embedder)
    return {"notes": [], "n": len(rows), "generators": {path.stem: summarize_one(rows)}, "comparisons": []}, rows


def _quotes(row: Prediction) -> list[CitedPassage]:
    return [CitedPassage(c["quote"], c["document"]) for c in row["cited"] if c.get("quote")]
