"""Questions about real manuals, as their readers ask them: what goes where, what must be, which option, how many."""

from __future__ import annotations

from pathlib import Path

from eval.metrics.answer_metrics import RIGHT, contains
from eval.metrics.prediction import Figures, Prediction
from eval.metrics.statistics import bootstrap, group_by, wilson
from eval.runs.questions import read_questions
from eval.suites.asking import ask_all
from eval.suites.manual_packages import fetch_manuals, read_recipe
from rag.core.jsonl import write_json, write_lines
from rag.core.run_folder import run_folder
from rag.core.settings import Settings
from rag.core.text_metrics import normalize, token_f1

FILE = Path(__file__).parent / "manuals.jsonl"
LONGEST = 30  # words of an answer that may count as right for holding a right one


def measure_manuals(settings: Settings, documents: Path) -> Figures:
    """Ask the questions about the manuals in a folder, and return figures over all, by manual and by kind.

    Manuals that the folder lacks are fetched into it. The answers are kept in outcomes.jsonl of var/runs/manuals.
    """
    fetch_manuals(documents, read_recipe())
    folder = run_folder("manuals")
    rows = ask_all(settings, folder / "index", documents, read_questions(FILE))
    rows = [{**row, **judge(row)} for row in rows]
    write_lines(folder / "outcomes.jsonl", rows)
    groups = {
        "by_manual": group_by(rows, lambda row: row["document"].partition("/")[0]),
        "by_kind": group_by(rows, lambda row: row["kind"]),
    }
    found: Figures = {"all": manual_figures(rows)}
    found |= {name: {key: manual_figures(each) for key, each in group.items()} for name, group in groups.items()}
    write_json(folder / "run.json", found)
    return found


def judge(row: Prediction) -> Figures:
    """Return F1 and whether the answer is right: alike by F1, or holding a right answer among at most LONGEST words.

    Where the manuals do not answer, only a refusal is right, and F1 is not known.
    """
    if not row["answers"]:
        return {"f1": None, "right": row["refused"]}
    if row["refused"]:
        return {"f1": 0.0, "right": False}
    f1, short = token_f1(row["text"], row["answers"]), len(normalize(row["text"]).split()) <= LONGEST
    return {"f1": round(f1, 4), "right": f1 >= RIGHT or (short and contains(row["text"], row["answers"]) > 0)}


def manual_figures(rows: list[Prediction]) -> Figures:
    """Return F1 and counts over the answerable questions, and the right refusals of the others."""
    asked = [row for row in rows if row["answers"]]
    others = [row for row in rows if not row["answers"]]
    f1 = bootstrap([row["f1"] for row in asked])
    right, refused = sum(row["right"] for row in asked), sum(row["refused"] for row in asked)
    return {
        "n": len(asked),
        "f1": {"value": f1.difference, "low": f1.low, "high": f1.high},
        "right": _share(right, len(asked)),
        "refused": refused,
        "wrong": len(asked) - right - refused,
        "unanswerable": len(others),
        "right_refusals": _share(sum(row["right"] for row in others), len(others)),
    }


def _share(count: int, n: int) -> Figures:
    low, high = wilson(count, n)
    return {"count": count, "value": round(count / n, 4) if n else 0.0, "low": low, "high": high}


def as_text(found: Figures) -> str:
    """Format the figures as a Markdown table with intervals."""
    columns = ("", "n", "F1", "right", "refused", "wrong", "right refusals")
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}", _line("all", found["all"])]
    lines += [_line(name, each) for group in ("by_manual", "by_kind") for name, each in found[group].items()]
    return "\n".join(lines)


def _line(name: str, each: Figures) -> str:
    right = f"{each['right']['count']} ({_interval(each['right'])})"
    refusals = f"{each['right_refusals']['count']} of {each['unanswerable']}"
    cells = (name, str(each["n"]), _interval(each["f1"]), right, str(each["refused"]), str(each["wrong"]), refusals)
    return f"| {' | '.join(cells)} |"


def _interval(share: Figures) -> str:
    return f"{share['value']:.3f} [{share['low']:.3f}, {share['high']:.3f}]"
