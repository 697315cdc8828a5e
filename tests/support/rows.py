"""Lines of predictions as eval writes them, about one question that crane.md answers."""

import json
from pathlib import Path
from typing import Any

from eval.metrics.answer_metrics import measure_answer
from rag.generation.prompt import REFUSAL

CRANE = "The crane lifts 40 tonnes."
ANSWER = "40 tonnes"  # characters 16 to 25 of crane.md
QUESTION_KEYS = ("id", "question", "answers", "document", "kind", "part", "evidence", "answerable")


def predicted(text: str = ANSWER, answers: tuple[str, ...] = (ANSWER,), **more: Any) -> dict[str, Any]:
    """Return a prediction that cites its first passage, crane.md; refused if the text is the refusal."""
    refused = text == REFUSAL
    crane, mole = ({"document": "crane.md", "start": 0, "end": 26}, {"document": "mole.md", "start": 100, "end": 128})
    row = {
        "id": "q",
        "question": "How much does the crane lift?",
        "answers": list(answers),
        "document": "crane.md",
        "kind": "single",
        "part": "all",
        "evidence": [{"document": "crane.md", "start": 16, "end": 25}] if answers else [],
        "answerable": bool(answers),
        "text": text,
        "output": text if refused else f"{text} [1]",
        "refused": refused,
        "confidence": 0.75,
        "cited": [] if refused else [{"passage": 1, **crane, "quote": CRANE}],
        "passages": [crane, mole],
        "tokens": {"read": 100, "written": 4},
        "gold_logprobs": [-0.5] if answers else [],
    }
    return {**row, **more}


def scored(
    text: str = ANSWER,
    answers: tuple[str, ...] = (ANSWER,),
    measures: dict[str, float | None] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return the same prediction with its measures; `measures` take the place of some of them."""
    row = measure_answer(predicted(text, answers, **more))
    return {**row, "measures": {**row["measures"], **(measures or {})}}


def failed(**more: Any) -> dict[str, Any]:
    """Return the line of a question that could not be answered."""
    question = {key: value for key, value in predicted(**more).items() if key in QUESTION_KEYS}
    return {**question, "error": "RuntimeError: out of memory"}


def write(path: Path, rows: list[Any], end: str = "\n") -> Path:
    """Write the rows as JSON lines, strings as they are, and return the path."""
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + end, encoding="utf-8")
    return path
