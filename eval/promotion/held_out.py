"""The held-out questions of a training run: dev to choose by, gate for promotion alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.runs.predict import chunk_holds
from eval.runs.questions import Evidence, Question
from rag.core.chunk import Chunk
from rag.core.errors import EvaluationError
from rag.core.jsonl import read_lines
from rag.core.run_folder import run_folder
from rag.retrieval.passage import Passage

DEV, GATE = "dev", "gate"
# Kinds of rows that a passage of the index answers; "joined" is what "multi-hop" was called before.
ANSWERED = ("answerable", "multi-hop", "joined", "not retrieved")
LEFT_OUT = "left out"  # one would, but it is taken out of what is shown
IMPORTED_UNANSWERABLE = "unanswerable"  # people's questions without an answer; mined ones are of other kinds
ENOUGH_HUMAN = 20  # people's answerable questions from which on they decide promotion alone


@dataclass(frozen=True)
class GateQuestion:
    """A gate question, with the passage that it was written from as its evidence.

    left_out: that passage is taken out of what is shown. answered: what is shown can answer it; otherwise the right
    answer is the refusal.
    """

    question: Question
    left_out: bool
    answered: bool

    @property
    def as_asked(self) -> Question:
        """The question with the answers that are right for what is shown."""
        return self.question if self.answered else replace(self.question, answers=(), evidence=())

    def shown(self, passages: Sequence[Passage], count: int) -> list[Passage]:
        """Return the first passages that may be shown with the question."""
        allowed = [p for p in passages if not (self.left_out and chunk_holds(p.chunk, self.question.evidence[0]))]
        return allowed[:count]


def rows_file(run: str, part: str) -> Path:
    """Return the file of a run's DEV or GATE rows: as SFT kept them, else as they were mined.

    Raises EvaluationError where the run has none.
    """
    folder = run_folder(run)
    for path in (folder / "sft" / f"{part}.jsonl", folder / "mine" / f"{part}.jsonl"):
        if path.exists():
            return path
    if part == GATE and (folder / "mine" / f"{DEV}.jsonl").exists():
        raise EvaluationError(
            f"run {run} was mined before held-out questions were dealt into dev and gate: "
            f"python -m finetune train --run {run}"
        )
    raise EvaluationError(f"run {run} has no {part} questions: python -m finetune mine --run {run}")


def read_dev(run: str) -> tuple[list[Question], dict[str, list[Passage]]]:
    """Read the dev rows of a run as questions, and the passages that each was mined with, by question id."""
    questions, shown = [], {}
    for row in read_lines(rows_file(run, DEV)):
        answers = (row["answer"],) if row["cited"] else ()
        evidence = (Evidence(row["document"], *row["gold"]),) if answers else ()
        questions.append(Question(row["id"], row["question"], answers, row["document"], evidence, row["kind"]))
        shown[row["id"]] = [Passage(_chunk(passage), 0.0, None) for passage in row["passages"]]
    return questions, shown


def read_gate(run: str) -> tuple[list[GateQuestion], str]:
    """Read the gate questions of a run, and whose they are: "people's" or "mined".

    People's questions decide alone where there are ENOUGH_HUMAN with an answer: most mined questions are their own
    sentence, and flatter what was trained on such (eval/LOG.md).
    """
    questions = [_gate_question(row) for row in read_lines(rows_file(run, GATE))]
    imported = {
        row["id"] for path in sorted(run_folder(run).glob(f"import/*/{GATE}.jsonl")) for row in read_lines(path)
    }
    human = [question for question in questions if question.question.id in imported]
    if sum(question.question.kind != IMPORTED_UNANSWERABLE for question in human) >= ENOUGH_HUMAN:
        return human, "people's"
    return questions, "mined"


def _gate_question(row: dict[str, Any]) -> GateQuestion:
    evidence = (Evidence(row["document"], *row["gold"]),)
    question = Question(row["id"], row["question"], (row["answer"],), row["document"], evidence, row["kind"])
    return GateQuestion(question, row["kind"] == LEFT_OUT, row["kind"] in ANSWERED)


def _chunk(data: dict[str, Any]) -> Chunk:
    return Chunk.from_dict(data)
