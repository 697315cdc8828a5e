"""report.html: one self-contained page with verdict, cards, plots, tables and a browser of single questions."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from eval.metrics.prediction import Figures, Prediction
from eval.report.glossary import CARDS, DIAGNOSTICS, MEASURES
from eval.report.plots import plots
from eval.report.tables import Table, cell
from eval.runs.scored_files import SCORED
from eval.runs.summary import PASSAGES
from rag.core.jsonl import read_lines

ASSETS = Path(__file__).parent / "assets"


def render_page(
    folder: Path,
    summary: Figures,
    verdicts: list[str],
    equal_refusals: list[str],
    tables: list[Table],
    made_by: dict[str, str],
) -> str:
    """Return the page; single questions come from the folder's scored predictions and passages.

    The template escapes everything but our own style, script and plots, since a passage may hold markup.
    """
    statement, _, figures = verdicts[0].partition(": ")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            style=_asset("style.css"),
            script=_asset("browse.js"),
            notes=summary["notes"],
            n=summary["n"],
            statement=statement,
            ledes=[*filter(None, [figures]), *verdicts[1:], *equal_refusals],
            made_by=made_by,
            cards=_cards(summary["generators"]),
            plots=plots(summary),
            tables=[table for table in tables if not table.diagnostic],
            diagnostics=[table for table in tables if table.diagnostic],
            measures=MEASURES,
            caveat=DIAGNOSTICS,
            data=browser_data(folder, summary),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "allow_nan": False}
    return environment


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _cards(generators: dict[str, Figures]) -> list[dict[str, str]]:
    """The last generator's value of each card, and the others' beside it."""
    cards = []
    for key, (title, measure) in CARDS.items():
        *others, (_, last) = ((name, cell(_card_value(g, key)) or "–") for name, g in generators.items())
        beside = ", ".join(f"{name} {value}" for name, value in others)
        cards.append({"title": title, "value": last, "beside": beside, "meaning": MEASURES[measure]})
    return cards


def _card_value(generator: Figures, key: str) -> float | None:
    refusal = {"right_refusals": "recall", "refusal_f1": "f1"}
    return generator["refusal"][refusal[key]] if key in refusal else generator[key]


def browser_data(folder: Path, summary: Figures) -> Figures:
    """Return what the browser of questions shows: names, passages once each, and questions with all predictions."""
    names = list(summary["generators"])
    predictions = [read_lines(folder / f"{name}{SCORED}") for name in names]
    shown = {row["id"]: row["passages"] for row in read_lines(folder / PASSAGES)}
    numbers: dict[tuple[str, int, int], int] = {}
    passages: list[Figures] = []
    for chunk in (chunk for chunks in shown.values() for chunk in chunks):
        if _place(chunk) not in numbers:
            numbers[_place(chunk)] = len(passages)
            passages.append(_passage(chunk))
    questions = [
        {**_question(rows[0]), "passages": [numbers[_place(c)] for c in shown.get(rows[0]["id"], ())],
         "predictions": [_prediction(row) for row in rows]}
        for rows in zip(*predictions, strict=True)
    ]  # fmt: skip
    return {"names": names, "passages": passages, "questions": questions}


def _place(chunk: Figures) -> tuple[str, int, int]:
    return chunk["document"], chunk["start"], chunk["end"]


def _passage(chunk: Figures) -> Figures:
    page = f", page {chunk['page']}" if chunk["page"] else ""
    place = " › ".join([chunk["document"].rsplit("/", 1)[-1], *chunk["headings"]]) + page
    return {**{name: chunk[name] for name in ("document", "start", "end", "text")}, "place": place}


def _question(row: Prediction) -> Figures:
    known = {name: row[name] for name in ("id", "question", "answers", "kind", "document", "evidence")}
    return {**known, "part": row.get("part", "")}


def _prediction(row: Prediction) -> Figures:
    if row.get("error"):
        return {"error": row["error"]}
    measures = row["measures"]
    citations = [
        {"passage": c.get("passage"), "start": c["start"], "end": c["end"], "right": right}
        for c, right in zip(row["cited"], measures["cites"], strict=True)
    ]
    return {
        **{name: row.get(name) for name in ("text", "output", "refused", "confidence")},
        "f1": round(measures["f1"], 3),
        "right": measures["right"],
        "grounded": None if measures["grounded"] is None else measures["grounded"] == 1.0,
        "citations": citations,
    }
