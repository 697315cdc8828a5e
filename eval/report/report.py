"""Reports read what a run wrote: text for a terminal, report.md, and report.html, all from the files in its folder."""

from __future__ import annotations

from pathlib import Path

from eval.metrics.prediction import Figures
from eval.report.tables import Table, tables, with_interval
from eval.runs.summary import read_summary


def verdicts(summary: Figures) -> list[str]:
    """Return the verdict of each comparison, or how many questions there were."""
    return [c["verdict"] for c in summary["comparisons"]] or [f"{summary['n']} questions"]


def equal_refusals_sentences(summary: Figures) -> list[str]:
    """Return for each comparison the differences where both refuse what the baseline refuses at its own threshold."""
    return [_equal_sentence(c) for c in summary["comparisons"] if c.get("equal_refusals")]


def _equal_sentence(compared: Figures) -> str:
    point = compared["equal_refusals"][0]
    measures = (("F1", "f1"), ("right citations", "right_citations"))
    parts = [f"{name} {with_interval(point['differences'][key])}" for name, key in measures]
    where = f"where both refuse {point['share']:.3f} of the unanswerable questions, as {compared['a']} does"
    return f"{compared['b']} minus {compared['a']} {where}: {'; '.join(parts)}"


def as_text(summary: Figures) -> str:
    """Format the report for a terminal: notes first, then verdicts and all tables but the long one by document."""
    shown = [table for table in tables(summary) if not table.by_document]
    sentences = [*summary["notes"], "; ".join(verdicts(summary)), *equal_refusals_sentences(summary)]
    return "\n\n".join([*sentences, *map(_aligned, shown)])


def _aligned(table: Table) -> str:
    widths = [max(len(row[i]) for row in [table.head, *table.rows]) for i in range(len(table.head))]
    lines = [table.title]
    for row in [table.head, *table.rows]:
        first, *rest = (
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *rest]).rstrip())
    return "\n".join([*lines, table.text] if table.diagnostic else lines)


def as_markdown(summary: Figures) -> str:
    """Format the whole report in Markdown."""
    made = [f"{name}: {describe(each)}" for name, each in summary.get("made_by", {}).items()]
    title = f"# {'; '.join(verdicts(summary))}"
    parts = [*summary["notes"], title, *equal_refusals_sentences(summary), *made, *map(_markdown, tables(summary))]
    return "\n\n".join(parts) + "\n"


def _markdown(table: Table) -> str:
    lines = [table.head, ["---"] * len(table.head), *table.rows]
    rows = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return "\n\n".join([f"## {table.title}", table.text, rows])


def describe(made: Figures) -> str:
    """Return what a generator is, in a few words."""
    adapter = f" + {made['adapter']}" if made["adapter"] else ""
    return f"{made['model']}{adapter} on {made['device']} in {made['precision']}"


def write_report(folder: Path) -> None:
    """Write report.md and report.html from the files in a run's folder."""
    from eval.report.page import render_page  # with matplotlib, which no other command needs

    summary = read_summary(folder)
    (folder / "report.md").write_text(as_markdown(summary), encoding="utf-8")
    made = {name: describe(each) for name, each in summary.get("made_by", {}).items()}
    page = render_page(folder, summary, verdicts(summary), equal_refusals_sentences(summary), tables(summary), made)
    (folder / "report.html").write_text(page, encoding="utf-8")
