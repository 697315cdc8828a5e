"""Look-ups in tables: whether a question that names a row gets that row's cell, a refusal, or another row's cell."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from eval.metrics.prediction import Figures, Prediction
from eval.metrics.statistics import group_by, wilson
from eval.runs.questions import read_questions
from eval.suites.asking import ask_all
from eval.suites.lookup_tables import make_tables
from eval.suites.table_files import table_document
from rag.core.jsonl import write_json, write_lines
from rag.core.run_folder import as_run_name, run_folder
from rag.core.settings import Settings

FILE = Path(__file__).parent / "lookups.jsonl"
SURE = 0.5  # a wrong answer above this confidence is counted by itself
LONGEST = 12  # words beside the right ones: who is given the whole table has been told nothing
RIGHT, REFUSED, WRONG = "right", "refused", "wrong"
_WORDS = re.compile(r"\w+(?:[.,:/’'-]\w+)*|[%°€$£]")


def write_tables(folder: Path) -> None:
    """Write the documents of the set that comes with the evaluation."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for table in make_tables():
        (folder / table.file).write_bytes(table_document(table))


def measure_lookups(settings: Settings, bench: Path | None = None) -> Figures:
    """Ask the look-ups and return the figures, over all, by format and by kind of question.

    bench: a folder of other tables and questions in the bench format. The answers are kept in outcomes.jsonl of
    var/runs/lookups.
    """
    folder = run_folder(f"lookups-{as_run_name(bench.resolve().name)}" if bench else "lookups")
    documents, file = (bench / "documents", bench / "questions.jsonl") if bench else (folder / "documents", FILE)
    if not bench:
        write_tables(documents)
    rows = ask_all(settings, folder / "index", documents, read_questions(file))
    rows = [{**row, "outcome": outcome(row)} for row in rows]
    write_lines(folder / "outcomes.jsonl", rows)
    found = {
        "all": lookup_figures(rows),
        "by_format": _groups(rows, lambda row: row["document"].rpartition(".")[2]),
        "by_kind": _groups(rows, lambda row: row["kind"]),
    }
    write_json(folder / "run.json", found)
    return found


def outcome(row: Prediction) -> str:
    """Return RIGHT, REFUSED or WRONG. Where no cell answers, a refusal is RIGHT, and any answer WRONG.

    An answer is right that holds a right one in whole words, numbers as they are shown, and at most LONGEST others.
    """
    if row["refused"]:
        return REFUSED if row["answers"] else RIGHT
    said = words(row["text"])
    return RIGHT if any(_holds(said, words(answer)) for answer in row["answers"]) else WRONG


def words(text: str) -> list[str]:
    """Return the words of a text in lower case; a number is one word with its points, commas and colons."""
    return _WORDS.findall(text.casefold())


def _holds(said: list[str], right: list[str]) -> bool:
    places = range(len(said) - len(right) + 1)
    return len(said) <= len(right) + LONGEST and any(said[n : n + len(right)] == right for n in places)


def _groups(rows: list[Prediction], key) -> dict[str, Figures]:
    return {name: lookup_figures(each) for name, each in group_by(rows, key).items()}


def lookup_figures(rows: Iterable[Prediction]) -> Figures:
    """Return how many are right, refused and wrong, how many wrong ones are sure, and the share not wrong."""
    rows = list(rows)
    counts = {name: sum(row["outcome"] == name for row in rows) for name in (RIGHT, REFUSED, WRONG)}
    sure = sum(row["outcome"] == WRONG and row["confidence"] > SURE for row in rows)
    n, fine = len(rows), counts[RIGHT] + counts[REFUSED]
    right, not_wrong = wilson(counts[RIGHT], n), wilson(fine, n)
    return {
        "n": n,
        **counts,
        "wrong_and_sure": sure,
        "right_share": {"value": round(counts[RIGHT] / n, 4), "low": right[0], "high": right[1]},
        "not_wrong": {"value": round(fine / n, 4), "low": not_wrong[0], "high": not_wrong[1]},
    }


def as_text(found: Figures) -> str:
    """Format the figures as a Markdown table, with Wilson's intervals."""
    columns = ("", "n", "right", "refused", "wrong", f"wrong above {SURE:g}", "right share", "right or refused")
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}", _line("all", found["all"])]
    lines += [_line(name, each) for group in ("by_format", "by_kind") for name, each in found[group].items()]
    return "\n".join(lines)


def _line(name: str, each: Figures) -> str:
    counts = (each[key] for key in ("n", RIGHT, REFUSED, WRONG, "wrong_and_sure"))
    shares = (f"{s['value']:.3f} [{s['low']:.3f}, {s['high']:.3f}]" for s in (each["right_share"], each["not_wrong"]))
    return f"| {' | '.join([name, *map(str, counts), *shares])} |"
