"""Predictions: every generator answers the same questions on the same passages; each line is kept as soon as it is made, so a run resumes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from eval.questions import Question
from rag import prompt
from rag.chunking import Chunk
from rag.generator import Generator
from rag.pipeline import to_answer
from rag.prompt import Tokens
from rag.retrieval import Passage, Retriever
from rag.scoring import exact_match, overlaps, token_f1

BATCH = 8
DEPTH = 20  # passages looked at for retrieval's figures; the first few are shown to the generators


def holds(chunk: Chunk, evidence) -> bool:
    """Whether the chunk shares characters with the evidence."""
    return chunk.document == evidence.document and overlaps(chunk.start, chunk.end, evidence.start, evidence.end)


def evidence_ranks(question: Question, passages: list[Passage]) -> list[int | None]:
    """-> for each piece of evidence the rank, from 1, of the first passage that holds it."""
    return [next((n for n, p in enumerate(passages, 1) if holds(p.chunk, e)), None) for e in question.evidence]


def retrieve(retriever: Retriever, questions: list[Question]) -> dict[str, list[Passage]]:
    """-> question id: its passages, best first."""
    return {q.id: retriever.search(q.question, DEPTH) for q in tqdm(questions, desc="retrieving", unit=" questions", delay=1)}


def predict(
    generator: Generator, questions: list[Question], shown: dict[str, list[Passage]], max_new_tokens: int, path: Path, label: str
) -> list[dict[str, Any]]:
    """-> a prediction for each question, in order. Those already in `path` are kept, unless they failed; new ones are appended to it."""
    done = {row["id"]: row for row in read_lines(path) if not row.get("error")}
    waiting = [q for q in questions if q.id not in done]
    waiting.sort(key=lambda q: sum(len(p.chunk.text) for p in shown[q.id]))  # alike in length, so that batches waste little padding
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file, tqdm(total=len(questions), initial=len(done), desc=label, unit=" questions") as bar:
        for at in range(0, len(waiting), BATCH):
            batch = waiting[at : at + BATCH]
            for row in _answer(generator, batch, shown, max_new_tokens):
                done[row["id"]] = row
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
            bar.update(len(batch))
    return [done[q.id] for q in questions]


def _answer(generator: Generator, batch: list[Question], shown: dict[str, list[Passage]], max_new_tokens: int) -> Iterator[dict[str, Any]]:
    """A batch that fails is counted as failures, never as empty answers."""
    contexts = [[p.chunk for p in shown[q.id]] for q in batch]
    try:
        start = time.perf_counter()
        prompts = [prompt.render(generator.tokenizer, q.question, c).ids for q, c in zip(batch, contexts, strict=True)]
        generations = generator.generate(prompts, max_new_tokens)
        seconds = (time.perf_counter() - start) / len(batch)
        gold = gold_logprobs(generator, batch, contexts)
    except (RuntimeError, prompt.PromptError) as error:
        yield from ({"id": q.id, "answerable": q.answerable, "error": f"{type(error).__name__}: {error}"} for q in batch)
        return
    for question, generation, logprobs in zip(batch, generations, gold, strict=True):
        yield judge(question, to_answer(generation, shown[question.id]), seconds, logprobs)


def gold_logprobs(generator: Generator, batch: list[Question], contexts: list[list[Chunk]]) -> list[list[float]]:
    """-> log-probabilities of the tokens of each question's first answer; [] for unanswerable questions."""
    rows: list[Tokens | None] = []
    for question, context in zip(batch, contexts, strict=True):
        rows.append(prompt.render(generator.tokenizer, question.question, context, question.answers[0]) if question.answers else None)
    found = iter(generator.logprobs([row for row in rows if row])) if any(rows) else iter(())
    # The last supervised token is the end of the turn, which follows the citation and not the bare answer.
    return [[round(x, 4) for x in next(found)[:-1]] if row else [] for row in rows]


def judge(question: Question, answer, seconds: float, logprobs: list[float]) -> dict[str, Any]:
    """-> one line of predictions: what was said and every per-question measure of it."""
    right = [any(c.document == e.document and overlaps(c.start, c.end, e.start, e.end) for e in question.evidence) for c in cited_chunks(answer)]
    found = [any(holds(chunk, e) for chunk in cited_chunks(answer)) for e in question.evidence]
    return {
        "id": question.id,
        "question": question.question,
        "answers": list(question.answers),
        "document": question.document,
        "kind": question.kind,
        "answerable": question.answerable,
        "text": answer.text,
        "output": answer.output,
        "refused": answer.refused,
        "confidence": answer.confidence,
        "cited": [{"passage": c.passage, "document": c.document, "start": c.start, "end": c.end, "quote": c.quote} for c in answer.citations],
        "passages": [{"document": p.chunk.document, "start": p.chunk.start, "end": p.chunk.end} for p in answer.passages],
        "exact_match": 0.0 if answer.refused else exact_match(answer.text, list(question.answers)),
        "f1": 0.0 if answer.refused else token_f1(answer.text, list(question.answers)),
        "citation_precision": sum(right) / len(right) if right else 0.0,
        "citation_recall": sum(found) / len(found) if found else 0.0,
        "gold_logprobs": logprobs,
        "seconds": round(seconds, 3),
    }


def cited_chunks(answer) -> list[Chunk]:
    """-> the chunks of the passages cited."""
    return [answer.passages[c.passage - 1].chunk for c in answer.citations]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """-> the file's JSON lines; a last line cut short by a kill is left out, and cut from the file so that it can be appended to."""
    if not path.exists():
        return []
    rows, good = [], 0
    data = path.read_bytes()
    for line in data.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            path.write_bytes(data[:good])
            break
        rows.append(json.loads(line))
        good += len(line)
    return rows
