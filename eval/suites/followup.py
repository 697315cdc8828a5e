"""Follow-up questions: whether the right passage is found, by the question as asked and as rewritten to stand alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from eval.metrics.prediction import Figures
from eval.metrics.statistics import group_by, mcnemar, mean, paired_bootstrap
from eval.runs.predict import evidence_ranks
from eval.runs.questions import Question, parse_question
from rag.core.jsonl import read_lines
from rag.retrieval.query_rewriting import Turn, rewrite_followup
from rag.retrieval.retriever import Retriever

FILE = Path(__file__).parent / "conversations.jsonl"


@dataclass(frozen=True)
class FollowUp:
    """A question, and whether a piece of its evidence is among the passages shown, before and after rewriting."""

    kind: str
    asked: str
    rewritten: str
    before: bool
    after: bool


def measure_followups(retriever: Retriever, path: Path = FILE) -> Figures:
    """Return by kind of conversation the recall as asked and as rewritten, paired, and the questions still missed.

    Kinds: "follow-up" was written together with the rules of rewriting, "follow-up, later" after them, and "stands
    alone" must not be harmed.
    """
    found = []
    for row in read_lines(path):
        question = parse_question(row, str(path))
        rewritten = rewrite_followup(question.question, Turn(row["former"], row["former_answer"]))
        recalls = [_is_found(retriever, question, query) for query in (question.question, rewritten)]
        found.append(FollowUp(question.kind, question.question, rewritten, *recalls))
    return {kind: _figures(rows) for kind, rows in group_by(found, lambda each: each.kind).items()}


def _is_found(retriever: Retriever, question: Question, query: str) -> bool:
    return any(evidence_ranks(question, retriever.search(query)))


def _figures(rows: list[FollowUp]) -> Figures:
    before, after = [row.before for row in rows], [row.after for row in rows]
    a, b = [float(x) for x in before], [float(x) for x in after]
    return {
        "n": len(rows),
        "as_asked": mean(a),
        "rewritten": mean(b),
        "difference": asdict(paired_bootstrap(a, b)),
        "mcnemar_p": round(mcnemar(before, after), 6),
        "missed": [{"asked": row.asked, "rewritten": row.rewritten} for row in rows if not row.after],
    }


def as_text(found: Figures) -> str:
    """Format the recall of each kind of conversation, and the questions still missed."""
    lines = []
    for kind, figures in found.items():
        d = figures["difference"]
        recall = f"recall {figures['as_asked']:.3f} as asked, {figures['rewritten']:.3f} rewritten"
        difference = f"difference {d['difference']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}]"
        lines.append(f"{kind}, n={figures['n']}: {recall}; {difference}, McNemar p {figures['mcnemar_p']}")
        lines += [f"  missed: {each['asked']} (rewritten: {each['rewritten']})" for each in figures["missed"]]
    return "\n".join(lines)
