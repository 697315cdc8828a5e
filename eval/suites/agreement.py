"""How far the groundedness measure agrees with people: answers with their cited passages, each labelled supported or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eval.metrics.groundedness import CitedPassage, SupportModel, add_support
from eval.metrics.statistics import bootstrap
from rag.answering.grounding import MIN_SUPPORT
from rag.core.jsonl import read_lines

FILE = Path(__file__).parent / "labelled.jsonl"


def measure_agreement(meaning: SupportModel, path: Path = FILE) -> dict[str, Any]:
    """-> for the words, the meaning and both together: share of labels met with its interval, Cohen's kappa, and how well the
    unsupported answers are found. Each line of the file has question, text, passage, headings, supported."""
    labels = read_lines(path)
    rows = [{"question": row["question"], "text": row["text"], "refused": False} for row in labels]
    add_support(rows, [[CitedPassage(row["passage"], row["headings"])] for row in labels], meaning)
    wanted = [row["supported"] for row in labels]
    judges = {
        "lexical": [all(c["lexical"] >= MIN_SUPPORT for c in row["support"]) for row in rows],
        "meaning": [all(c["meaning"] >= meaning.threshold for c in row["support"]) for row in rows],
        "both": [all(c["supported"] for c in row["support"]) for row in rows],
    }
    found = {name: against(wanted, said) for name, said in judges.items()}
    return {"n": len(wanted), "labelled_supported": sum(wanted), "meaning": meaning.name, "judges": found}


def against(wanted: list[bool], said: list[bool]) -> dict[str, Any]:
    """-> agreement with its interval, Cohen's kappa (Educational and Psychological Measurement 20, 1960), precision and recall of "unsupported"."""
    same = bootstrap([float(x == y) for x, y in zip(wanted, said, strict=True)])
    caught, flagged, wrong = (
        sum(not x and not y for x, y in zip(wanted, said, strict=True)),
        said.count(False),
        wanted.count(False),
    )
    return {
        "agreement": same.difference,
        "low": same.low,
        "high": same.high,
        "kappa": kappa(wanted, said),
        "unsupported_precision": round(caught / flagged, 4) if flagged else None,
        "unsupported_recall": round(caught / wrong, 4) if wrong else None,
    }


def kappa(a: list[bool], b: list[bool]) -> float:
    """Agreement beyond what two judges of these habits would reach by chance; 1 is perfect, 0 is chance."""
    n = len(a)
    same, by_chance = (
        sum(x == y for x, y in zip(a, b, strict=True)) / n,
        (sum(a) * sum(b) + (n - sum(a)) * (n - sum(b))) / n**2,
    )
    return round((same - by_chance) / (1 - by_chance), 4) if by_chance < 1 else 1.0


def as_text(found: dict[str, Any]) -> str:
    lines = [
        f"{found['n']} labelled answers, {found['labelled_supported']} supported by the passage they cite; meaning is judged by {found['meaning']}"
    ]
    for name, judge in found["judges"].items():
        finds = f"finds {judge['unsupported_recall']} of the unsupported, right in {judge['unsupported_precision']} of what it flags"
        lines.append(
            f"{name}: agreement {judge['agreement']:.3f} [{judge['low']:.3f}, {judge['high']:.3f}], kappa {judge['kappa']:.2f}; {finds}"
        )
    return "\n".join(lines)
