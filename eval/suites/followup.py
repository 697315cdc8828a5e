"""Follow-up questions: does the right passage come back, with the question as it was asked and as it is rewritten to stand alone?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.metrics.statistics import group_by, mcnemar, mean, paired_bootstrap
from eval.runs.predict import evidence_ranks
from eval.runs.questions import Question, parse_question
from rag.core.jsonl import read_lines
from rag.retrieval.query_rewriting import Turn, rewrite_followup
from rag.retrieval.retriever import Retriever

FILE = Path(__file__).parent / "conversations.jsonl"


def measure_followups(retriever: Retriever, path: Path = FILE) -> dict[str, Any]:
    """-> by kind of conversation recall among the passages shown, as asked and as rewritten, paired; and the questions that are still missed. "follow-up"
    was written with the rules of rewriting, "follow-up, later" after them; "stands alone" must not be harmed."""
    told = []
    for row in read_lines(path):
        question = parse_question(row, str(path))
        rewritten = rewrite_followup(question.question, Turn(row["former"], row["former_answer"]))
        told.append({"id": question.id, "kind": question.kind, "asked": question.question, "rewritten": rewritten,
                     "before": _found(retriever, question, question.question), "after": _found(retriever, question, rewritten)})  # fmt: skip
    return {kind: _figures(rows) for kind, rows in group_by(told, lambda row: row["kind"]).items()}


def _found(retriever: Retriever, question: Question, words: str) -> bool:
    return any(evidence_ranks(question, retriever.search(words)))


def _figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    before, after = [float(row["before"]) for row in rows], [float(row["after"]) for row in rows]
    return {
        "n": len(rows), "as_asked": mean(before), "rewritten": mean(after), "difference": asdict(paired_bootstrap(before, after)),
        "mcnemar_p": round(mcnemar([row["before"] for row in rows], [row["after"] for row in rows]), 6),
        "missed": [f"{row['asked']} -> {row['rewritten']}" for row in rows if not row["after"]],
    }  # fmt: skip


def as_text(found: dict[str, Any]) -> str:
    lines = []
    for kind, told in found.items():
        d = told["difference"]
        lines.append(f"{kind}, n={told['n']}: recall {told['as_asked']:.3f} as asked, {told['rewritten']:.3f} rewritten; "
                     f"difference {d['difference']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}], McNemar p {told['mcnemar_p']}")  # fmt: skip
        lines += [f"  missed: {each}" for each in told["missed"]]
    return "\n".join(lines)
