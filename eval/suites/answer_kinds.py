"""Questions that a short span does not answer: lists, yes or no, steps, comparisons, differences of two values."""

from __future__ import annotations

from pathlib import Path

from eval.metrics.prediction import Figures, Prediction
from eval.metrics.statistics import group_by
from eval.runs.questions import read_questions
from eval.suites.asking import ask_all
from rag.core.jsonl import read_lines, write_json, write_lines
from rag.core.run_folder import run_folder
from rag.core.settings import Settings
from rag.core.text_metrics import normalize, overlaps

FILE = "gold_kinds.jsonl"
HALF = 0.5  # share of what was asked for, from which on an answer is counted as part of the right one
COUNTED = ("whole", "part", "refused", "wrong")


def measure_kinds(settings: Settings, corpus: Path) -> Figures:
    """Ask the corpus's questions of these kinds and return the figures, over all and by kind.

    corpus: a folder of documents with gold_kinds.jsonl. The answers are kept in outcomes.jsonl of var/runs/kinds.
    """
    folder = run_folder("kinds")
    asked = {row["id"]: row for row in read_lines(corpus / FILE)}
    rows = ask_all(settings, folder / "index", corpus, read_questions(corpus / FILE))
    rows = [{**row, **judge(row, asked[row["id"]])} for row in rows]
    write_lines(folder / "outcomes.jsonl", rows)
    groups = group_by(rows, lambda row: row["kind"])
    found = {"all": kind_figures(rows), "by_kind": {kind: kind_figures(each) for kind, each in groups.items()}}
    write_json(folder / "run.json", found)
    return found


def judge(row: Prediction, asked: Figures) -> Figures:
    """Return the share of what was asked for that the answer has, its outcome, and whether its evidence is cited.

    asked: the question's line, with what is wanted: items, sides or the sentences of its evidence; yes or no; or the
    result of a sum. Where nothing answers, a refusal is whole.
    """
    if not row["answers"]:
        return {"share": float(row["refused"]), "outcome": "whole" if row["refused"] else "wrong", "cites": None}
    if row["refused"]:
        return {"share": 0.0, "outcome": "refused", "cites": None}
    share = _share(row, asked)
    whole = share == 1 and not _says_more(row, asked)
    outcome = "whole" if whole else "part" if share >= HALF else "wrong"
    return {"share": round(share, 4), "outcome": outcome, "cites": _cites_evidence(row)}


def _share(row: Prediction, asked: Figures) -> float:
    said = f" {normalize(row['text'])} "
    if asked["kind"] == "yes-no":
        return float(said.startswith(f" {asked['polarity']} "))
    if asked["kind"] == "difference":
        return float(any(f" {normalize(answer)} " in said for answer in asked["answers"]))
    wanted = [part["answers"] for part in asked.get("items") or asked.get("sides") or ()]
    wanted = wanted or [[piece["text"]] for piece in asked["evidence"]]
    return sum(any(f" {normalize(text)} " in said for text in texts) for texts in wanted) / len(wanted)


def _says_more(row: Prediction, asked: Figures) -> bool:
    """Return whether more of a list's words are none of its items than are."""
    said = set(normalize(row["text"]).split())
    wanted = {word for item in asked.get("items") or () for text in item["answers"] for word in normalize(text).split()}
    return bool(wanted) and len(said & wanted) < HALF * len(said)


def _cites_evidence(row: Prediction) -> bool:
    return any(
        cited["document"] == piece["document"] and overlaps(cited["start"], cited["end"], piece["start"], piece["end"])
        for cited in row["cited"]
        for piece in row["evidence"]
    )


def kind_figures(rows: list[Prediction]) -> Figures:
    """Return how many answers are whole, a part, refused and wrong, the mean share, and how many cite evidence."""
    given = [row for row in rows if row["cites"] is not None]
    return {
        "n": len(rows),
        **{name: sum(row["outcome"] == name for row in rows) for name in COUNTED},
        "share": round(sum(row["share"] for row in rows) / len(rows), 4),
        "cites": sum(row["cites"] for row in given),
        "given": len(given),
    }


def as_text(found: Figures) -> str:
    """Format the figures as a Markdown table."""
    columns = ("", "n", *COUNTED, "mean share", "right citations")
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}", _line("all", found["all"])]
    return "\n".join([*lines, *(_line(kind, each) for kind, each in found["by_kind"].items())])


def _line(name: str, each: Figures) -> str:
    counts = [str(each[key]) for key in ("n", *COUNTED)]
    cells = [name, *counts, f"{each['share']:.3f}", f"{each['cites']} of {each['given']}"]
    return f"| {' | '.join(cells)} |"
