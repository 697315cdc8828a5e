"""Layouts that LibreOffice writes of DOCX files: sections with columns, letters, text boxes, comments, landscape."""

from __future__ import annotations

import io
from typing import Any

from eval.suites.pdf_layouts.content import GERMAN, PROSE, STAFF, long_table
from eval.suites.pdf_layouts.web_layouts import soft


def office_layouts() -> dict[str, dict[str, Any]]:
    """Return the DOCX file, text in reading order and tables of each layout."""
    return {
        "office-two-columns": _two_columns(),
        "office-letter": _letter(),
        "office-comments": _comments(),
        "office-table-over-pages": _table_over_pages(),
        "office-landscape": _landscape(),
        "office-invoice": _invoice(),
    }


def _document(font_size: float = 11) -> Any:
    import docx
    from docx.shared import Pt

    made = docx.Document()
    made.styles["Normal"].font.name = "Liberation Sans"
    made.styles["Normal"].font.size = Pt(font_size)
    return made


def _saved(made: Any) -> bytes:
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _set_columns(section: Any, count: int) -> None:
    from docx.oxml.ns import qn

    columns = section._sectPr.xpath("./w:cols")[0]
    columns.set(qn("w:num"), str(count))
    columns.set(qn("w:space"), "340")


def _two_columns() -> dict[str, Any]:
    from docx.enum.section import WD_SECTION

    made = _document(10)
    made.sections[0].header.paragraphs[0].text = "Coast and Country, number 7"
    made.add_heading("A year in the harbour", 0)
    _set_columns(made.add_section(WD_SECTION.CONTINUOUS), 2)
    for n, paragraph in enumerate([*PROSE, *PROSE[:4]]):
        if n % 5 == 0:
            made.add_heading(f"Part {n // 5 + 1}", 1)
        made.add_paragraph(soft(paragraph))
    text = ["A year in the harbour", "Part 1", *PROSE[:5], "Part 2", *PROSE[5:10], "Part 3", *PROSE[10:], *PROSE[:3]]
    return {"source": _saved(made), "text": [*text, "Part 4", PROSE[3]]}


def _letter() -> dict[str, Any]:
    made = _document()
    address = ["Stadtwerke Lüdershagen", "Am Speicher 4", "17321 Lüdershagen"]
    details = ["Unser Zeichen: WV-2290", "Telefon: 03974 55120", "Datum: 14. Mai 2025"]
    table = made.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "\n".join(address), "\n".join(details)
    made.add_heading("Sperrung der Schleuse", 1)
    for text in GERMAN:
        made.add_paragraph(text)
    made.add_paragraph("Mit freundlichen Grüßen")
    made.add_paragraph("Annegret Thies")
    ends = ["Mit freundlichen Grüßen", "Annegret Thies"]
    return {"source": _saved(made), "text": [*address, *details, "Sperrung der Schleuse", *GERMAN, *ends]}


def _comments() -> dict[str, Any]:
    made = _document()
    first = made.add_paragraph(PROSE[0])
    made.add_paragraph(PROSE[1])
    note = "The buyer withdrew on the third of April."
    made.add_comment(first.runs, note, author="Vera Moll")
    return {"source": _saved(made), "text": [PROSE[0], PROSE[1], note]}


def _table_over_pages() -> dict[str, Any]:
    made, rows = _document(), long_table(70)
    made.add_paragraph(PROSE[6])
    _add_table(made, rows, "Table Grid")
    made.add_paragraph(PROSE[7])
    return {"source": _saved(made), "text": [PROSE[6], PROSE[7]], "tables": [rows]}


def _add_table(made: Any, rows: list[list[str]], style: str | None) -> None:
    table = made.add_table(len(rows), len(rows[0]), style)
    for made_row, row in zip(table.rows, rows, strict=True):
        for cell, text in zip(made_row.cells, row, strict=True):
            cell.text = text


def _landscape() -> dict[str, Any]:
    from docx.enum.section import WD_ORIENT

    made = _document()
    page = made.sections[0]
    page.orientation, page.page_width, page.page_height = WD_ORIENT.LANDSCAPE, page.page_height, page.page_width
    made.add_paragraph(PROSE[9])
    _add_table(made, STAFF, "Table Grid")
    made.add_paragraph(PROSE[10])
    return {"source": _saved(made), "text": [PROSE[9], PROSE[10]], "tables": [STAFF]}


def _invoice() -> dict[str, Any]:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    rows = [
        ["Item", "Quantity", "Price", "Amount"],
        ["Rope, 12 mm, per metre", "40", "1.85", "74.00"],
        ["Shackle, galvanised", "6", "4.20", "25.20"],
        ["Antifouling paint, red, large tin", "3", "61.90", "185.70"],
        ["Delivery", "1", "12.00", "12.00"],
        ["Total", "", "", "296.90"],
    ]
    made = _document()
    made.add_heading("Invoice 5521", 1)
    made.add_paragraph("Customer: Reederei Okke Jansen")
    _add_table(made, rows, None)
    for row in made.tables[0].rows:
        for cell in row.cells[1:]:
            cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT
    made.add_paragraph("Payable within thirty days without deduction.")
    text = ["Invoice 5521", "Customer: Reederei Okke Jansen", "Payable within thirty days without deduction."]
    return {"source": _saved(made), "text": text, "tables": [rows]}
