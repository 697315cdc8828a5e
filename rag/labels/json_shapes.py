"""Records of programs that nest question and answer: SQuAD, the hub's rows, promptfoo, Label Studio, chats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rag.labels.columns import ANSWER, QUESTION, role_of
from rag.labels.promptfoo import asserted_answers

Record = dict[str, Any]
SPEAKERS = {"user": "question", "human": "question", "assistant": "answer", "gpt": "answer"}


def records_of(item: Record) -> list[Record]:
    """Return the records of a JSON object with one value for each name: one, or one for each question in it."""
    for shape in (_squad, _hub_row, _promptfoo, _label_studio, _chat):
        if (found := shape(item)) is not None:
            return found
    return [item]


def _squad(item: Record) -> list[Record] | None:
    """Read an article of SQuAD, with paragraphs, or a paragraph with its questions, as MRQA's lines are."""
    if isinstance(paragraphs := item.get("paragraphs"), list):
        return [record for part in paragraphs if isinstance(part, dict) for record in _squad(part) or []]
    if not isinstance(questions := item.get("qas"), list):
        return None
    context = item.get("context")
    return [{**question, "context": context} for question in questions if isinstance(question, dict)]


def _hub_row(item: Record) -> list[Record] | None:
    return records_of(item["row"]) if isinstance(item.get("row"), dict) else None


def _promptfoo(item: Record) -> list[Record] | None:
    """Read a test of promptfoo: its variables, and the answers that its assertions expect."""
    if not isinstance(variables := item.get("vars"), dict):
        return None
    assertions = item.get("assert")
    answers = asserted_answers(assertions) if isinstance(assertions, list) else []
    return [{**variables, **({"assert": answers} if answers else {})}]


def _label_studio(item: Record) -> list[Record] | None:
    """Read a task of Label Studio: its data, and what the annotators marked or wrote, unless they cancelled it."""
    data, annotations = item.get("data"), item.get("annotations")
    if not isinstance(data, dict) or not isinstance(annotations, list):
        return None
    written = [pair for each in annotations if isinstance(each, dict) for pair in _annotated(each)]
    found = {role: [text for texts, about in written if about == role for text in texts] for role in (QUESTION, ANSWER)}
    return [{**data, **{role: texts for role, texts in found.items() if texts}}]


def _annotated(annotation: Record) -> Iterator[tuple[list[str], str]]:
    """Yield the texts of each result, and whether they are question or answer."""
    results = annotation.get("result")
    if annotation.get("was_cancelled") or not isinstance(results, list):
        return
    for result in results:
        value = result.get("value") if isinstance(result, dict) else None
        if isinstance(value, dict) and (texts := value.get("text") or value.get("choices")):
            role = role_of(str(result.get("from_name", "")))
            about = QUESTION if role and role[0] == QUESTION else ANSWER
            yield texts if isinstance(texts, list) else [texts], about


def _chat(item: Record) -> list[Record] | None:
    """Read a chat of one question and one answer, as training files hold it."""
    turns = item.get("messages") or item.get("conversations")
    if not isinstance(turns, list):
        return None
    spoken = [(SPEAKERS.get(str(t.get("role") or t.get("from"))), t) for t in turns if isinstance(t, dict)]
    roles = [role for role, _ in spoken if role]
    if sorted(roles) != ["answer", "question"]:
        return [item]
    return [{**item, **{role: t.get("content", t.get("value")) for role, t in spoken if role}}]
