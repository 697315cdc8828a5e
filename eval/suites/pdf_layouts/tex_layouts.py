"""Layouts that LaTeX sets: columns, footnotes, running heads, lists, tables with and without lines, forms."""

from __future__ import annotations

from typing import Any

from eval.suites.pdf_layouts.content import BERTHS, GERMAN, PROSE, SHEET, STAFF, long_table

MORE = r"\usepackage{multicol,rotating,booktabs,longtable,fancyhdr}\usepackage[hidelinks]{hyperref}"


def tex_layouts() -> dict[str, dict[str, Any]]:
    """Return source, text in reading order and tables of each layout."""
    return {
        "tex-two-columns": _two_columns(),
        "tex-three-columns": _three_columns(),
        "tex-footnotes": _footnotes(),
        "tex-german": _german(),
        "tex-lists": _lists(),
        "tex-table-booktabs": _table(BERTHS, "lrlr", rules=False),
        "tex-table-in-column": _table_in_column(),
        "tex-longtable-repeated": _longtable(repeated=True),
        "tex-longtable": _longtable(repeated=False),
        "tex-sideways-table": _sideways_table(),
        "tex-form": _form(),
    }


def _document(body: str, options: str = "", more: str = "") -> str:
    head = rf"\documentclass[{options}]{{article}}\usepackage[T1]{{fontenc}}\usepackage{{lmodern}}{MORE}{more}"
    return rf"{head}\begin{{document}}{body}\end{{document}}"


def _cells(rows: list[list[str]], rule: str = "") -> str:
    return "".join(" & ".join(row) + r" \\ " + rule + "\n" for row in rows)


def _two_columns() -> dict[str, Any]:
    title, sections = "On harbours and their upkeep", ["Quays", "Bridges", "Lights"]
    text = [title]
    body = rf"\title{{{title}}}\author{{}}\date{{}}\maketitle "
    for n, section in enumerate(sections):
        body += rf"\section{{{section}}}" + r"\par ".join(PROSE[4 * n : 4 * n + 4])
        text += [f"{n + 1} {section}", *PROSE[4 * n : 4 * n + 4]]
    return {"source": _document(body, "twocolumn"), "text": text}


def _three_columns() -> dict[str, Any]:
    body = (
        r"\pagestyle{fancy}\fancyhead[L]{Tolmouth Gazette}\fancyhead[R]{Issue 44}\begin{center}\Large News of the coast"
    )
    body += r"\end{center}\begin{multicols}{3}" + r"\par ".join(PROSE[:6]) + r"\end{multicols}"
    body += r"\section*{Inland}\begin{multicols}{3}" + r"\par ".join(PROSE[6:11]) + r"\end{multicols}"
    more = r"\usepackage[margin=2cm]{geometry}"
    return {"source": _document(body, more=more), "text": ["News of the coast", *PROSE[:6], "Inland", *PROSE[6:11]]}


def _footnotes() -> dict[str, Any]:
    notes = ["Minutes of 4 February, page 12.", "Measured at low water.", "The licence costs 85 pounds a year."]
    pages = [PROSE[:4], PROSE[4:8], PROSE[8:12]]
    body, text = r"\pagestyle{fancy}\fancyhead[C]{Yearbook of the coast}", []
    for n, (page, note) in enumerate(zip(pages, notes, strict=True), 1):
        first, rest = page[0].split(". ", 1)
        body += rf"{first}\footnote{{{note}}}. {rest}\par " + r"\par ".join(page[1:]) + r"\newpage "
        text += [f"{first} {n}. {rest}", *page[1:], f"{n} {note}"]
    body += r"The tank holds 60\,m\textsuperscript{3} of water at 10\textsuperscript{5} pascals and gives off CO$_2$."
    text.append("The tank holds 60 m3 of water at 105 pascals and gives off CO2.")
    return {"source": _document(body), "text": text}


def _german() -> dict[str, Any]:
    body = r"\begin{center}\Large Bekanntmachung\end{center}\begin{multicols}{2}" + r"\par ".join(GERMAN + GERMAN[:1])
    return {
        "source": _document(body + r"\end{multicols}", "a5paper", r"\usepackage[ngerman]{babel}"),
        "text": ["Bekanntmachung", *GERMAN, GERMAN[0]],
    }


def _lists() -> dict[str, Any]:
    points = ["Close the sluice before the tide turns.", "Hang out both lamps.", "Write the level into the book."]
    body = PROSE[0] + r"\begin{enumerate}" + "".join(rf"\item {point}" for point in points) + r"\end{enumerate}"
    body += (
        PROSE[1] + r"\begin{itemize}" + "".join(rf"\item {text}" for text in PROSE[2:4]) + r"\end{itemize}" + PROSE[4]
    )
    text = [PROSE[0], *(f"{n}. {point}" for n, point in enumerate(points, 1)), PROSE[1], *PROSE[2:4], PROSE[4]]
    return {"source": _document(body, "a5paper"), "text": text}


def _table(rows: list[list[str]], columns: str, rules: bool) -> dict[str, Any]:
    inside = r"\toprule " + _cells(rows[:1]) + r"\midrule " + _cells(rows[1:]) + r"\bottomrule "
    body = PROSE[0] + r"\begin{table}[h]\centering\caption{Berths and fees}\medskip\begin{tabular}{" + columns + "}"
    body += inside + r"\end{tabular}\end{table} " + PROSE[1]
    return {"source": _document(body), "text": [*PROSE[:2], "Table 1: Berths and fees"], "tables": [rows]}


def _table_in_column() -> dict[str, Any]:
    ruled = (
        r"\par\medskip\noindent\begin{tabular}{|l|l|}\hline "
        + _cells(SHEET, r"\hline ")
        + r"\end{tabular}\par\medskip "
    )
    body = r"\par ".join(PROSE[:4]) + ruled + r"\par ".join(PROSE[4:10])
    return {"source": _document(body, "twocolumn"), "text": PROSE[:10], "tables": [SHEET]}


def _longtable(repeated: bool) -> dict[str, Any]:
    rows, rule = long_table(100), "" if repeated else r"\hline "
    head = _cells(rows[:1], r"\hline ") + (r"\endhead " if repeated else "")
    columns = "lrrl" if repeated else "|l|r|r|l|"
    body = PROSE[2] + rf"\begin{{longtable}}{{{columns}}}\hline " + head + _cells(rows[1:], rule)
    body += r"\hline\end{longtable} " + PROSE[3]
    return {"source": _document(body), "text": [PROSE[2], PROSE[3]], "tables": [rows]}


def _sideways_table() -> dict[str, Any]:
    table = r"\begin{tabular}{|l|l|l|l|}\hline " + _cells(STAFF, r"\hline ") + r"\end{tabular}"
    body = PROSE[5] + r"\begin{sidewaystable}\centering\caption{Duties}\medskip " + table + r"\end{sidewaystable}"
    return {"source": _document(body), "text": [PROSE[5], "Table 1: Duties"], "tables": [STAFF]}


def _form() -> dict[str, Any]:
    fields = {"Surname": "Castellan", "Vessel": "Heron of Garrow", "Length in metres": "9.4"}
    body = r"\section*{Application}\begin{Form}" + "".join(
        rf"\TextField[name={{{name}}},value={{{value}}},width=6cm]{{{name}:}}\par\bigskip "
        for name, value in fields.items()
    )
    body += r"\CheckBox[name=Insured,checked]{Insured:}\end{Form}"
    return {"source": _document(body), "text": ["Application", *(f"{name}: {value}" for name, value in fields.items())]}
