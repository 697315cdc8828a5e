"""Lines of predictions as eval writes them, about one question that crane.md answers."""

import json

from eval.metrics.answer_metrics import measure_answer
from rag.generation.prompt import REFUSAL

CRANE = "The crane lifts 40 tonnes."
ANSWER = "40 tonnes"  # characters 16 to 25 of crane.md


def said(text: str = ANSWER, answers: tuple[str, ...] = (ANSWER,), **more) -> dict:
    """-> a line of predictions that cites its first passage, crane.md; refused if the text is the refusal."""
    refused = text == REFUSAL
    row = {
        "id": "q", "question": "How much does the crane lift?", "answers": list(answers), "document": "crane.md", "kind": "single", "part": "all",
        "evidence": [{"document": "crane.md", "start": 16, "end": 25}] if answers else [], "answerable": bool(answers),
        "text": text, "output": text if refused else f"{text} [1]", "refused": refused, "confidence": 0.75,
        "cited": [] if refused else [{"passage": 1, "document": "crane.md", "start": 0, "end": 26, "quote": CRANE}],
        "passages": [{"document": "crane.md", "start": 0, "end": 26}, {"document": "mole.md", "start": 100, "end": 128}],
        "tokens": {"read": 100, "written": 4}, "gold_logprobs": [-0.5] if answers else [],
    }  # fmt: skip
    return {**row, **more}


def scored(text: str = ANSWER, answers: tuple[str, ...] = (ANSWER,), measures: dict | None = None, **more) -> dict:
    """-> the same, judged; with `measures` in place of some that it would get."""
    row = measure_answer(said(text, answers, **more))
    return {**row, "measures": {**row["measures"], **(measures or {})}}


def failed(**more) -> dict:
    known = {
        name: value
        for name, value in said(**more).items()
        if name in ("id", "question", "answers", "document", "kind", "part", "evidence", "answerable")
    }
    return {**known, "error": "RuntimeError: out of memory"}


def write(path, rows, end: str = "\n"):
    """-> the path, which holds the rows (strings as they are) as JSON lines."""
    path.write_text(
        "\n".join(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows) + end,
        encoding="utf-8",
    )
    return path
