"""Builds the corpus's PDF and Word files from the Markdown beside this script.

    pip install reportlab python-docx && python corpus/.sources/build.py

FOLDER/NAME.pdf.md becomes corpus/FOLDER/NAME.pdf, and NAME.docx.md NAME.docx; the same source gives the same bytes.
Of Markdown it reads # ## ### headings, paragraphs of one line, "- " and "1. " lists, pipe tables with a header row,
**bold** and *italic*.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

import docx
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate

SOURCES = Path(__file__).parent
PUBLISHER, EPOCH = "Marrowick Harbour Trust", datetime(2026, 1, 5)
PADDING = 6  # points, of reportlab's frame


def blocks_of(markdown: str) -> Iterator[tuple]:
    """Yield (kind, content): h1, h2, h3, p, bullet, number with their text; table with its rows, header first."""
    rows: list[list[str]] = []
    for line in [*markdown.splitlines(), ""]:
        if line.startswith("|"):
            if not re.fullmatch(r"[-:| ]+", line):
                rows.append([cell.strip() for cell in line.strip()[1:-1].split("|")])
            continue
        if rows:
            yield "table", rows
            rows = []
        if heading := re.match(r"(#{1,3}) (.+)", line):
            yield f"h{len(heading[1])}", heading[2]
        elif item := re.match(r"(?:(-)|\d+\.) (.+)", line):
            yield ("bullet" if item[1] else "number"), item[2]
        elif line.strip():
            yield "p", line.strip()


def runs_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield (mark, text) for each run; the mark is "", "*" or "**"."""
    yield from ((mark, marked or plain) for mark, marked, plain in re.findall(r"(\*\*?)(.+?)\1|([^*]+)", text))


class Heading(Paragraph):
    """A heading that also enters itself in the PDF's outline."""

    def draw(self) -> None:
        key = f"{self.getPlainText()}-{self.canv.getPageNumber()}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(self.getPlainText(), key, int(self.style.name[1]) - 1)
        super().draw()


registerFont(TTFont("Vera", "Vera.ttf"))
BODY = ParagraphStyle("p", fontName="Helvetica", fontSize=10.5, leading=14.5, spaceAfter=7)
CELL = ParagraphStyle("cell", BODY, fontSize=9, leading=11.5, spaceAfter=0)
ALL, HEADER = ((0, 0), (-1, -1)), ((0, 0), (-1, 0))
RULED = [("GRID", *ALL, 0.5, colors.grey), ("BACKGROUND", *HEADER, colors.whitesmoke), ("VALIGN", *ALL, "TOP")]
STYLES = {
    "h1": ParagraphStyle("h1", BODY, fontName="Helvetica-Bold", fontSize=21, leading=25, spaceAfter=12),
    "h2": ParagraphStyle(
        "h2", BODY, fontName="Helvetica-Bold", fontSize=14, leading=18, spaceBefore=10, keepWithNext=1
    ),
    "h3": ParagraphStyle("h3", BODY, fontName="Helvetica-Bold", fontSize=12, leading=15, spaceBefore=6, keepWithNext=1),
    "p": BODY,
    "item": ParagraphStyle("item", BODY, leftIndent=16, bulletIndent=3, spaceAfter=4),
}


def rich(text: str) -> str:
    """Markdown runs -> reportlab's mark-up. The standard fonts have no minus sign, reportlab's own Vera does."""
    tags = {"": "%s", "*": "<i>%s</i>", "**": "<b>%s</b>"}
    return "".join(tags[mark] % escape(run) for mark, run in runs_of(text)).replace("−", '<font face="Vera">−</font>')


def pdf_table(rows: list[list[str]], width: float) -> LongTable:
    longest = [max(8, *(min(len(cell), 60) for cell in column)) for column in zip(*rows, strict=True)]
    cells = [[Paragraph(rich(cell if i else f"**{cell}**"), CELL) for cell in row] for i, row in enumerate(rows)]
    return LongTable(
        cells,
        [width * size / sum(longest) for size in longest],
        repeatRows=1,
        style=RULED,
        spaceBefore=4,
        spaceAfter=12,
    )


def build_pdf(blocks: list[tuple], title: str) -> bytes:
    out = io.BytesIO()
    page = SimpleDocTemplate(out, pagesize=A4, title=title, author=PUBLISHER, invariant=1)

    def running(canvas, _) -> None:
        canvas.setFont("Helvetica", 8.5)
        canvas.drawString(page.leftMargin + PADDING, A4[1] - 15 * mm, title)
        canvas.drawRightString(A4[0] - page.rightMargin - PADDING, 12 * mm, f"Page {canvas.getPageNumber()}")

    flow, number = [], 0
    for kind, content in blocks:
        number = number + 1 if kind == "number" else 0
        if kind == "table":
            flow.append(pdf_table(content, page.width - 2 * PADDING))
        elif kind in ("bullet", "number"):
            flow.append(Paragraph(rich(content), STYLES["item"], bulletText=f"{number}." if number else "•"))
        else:
            flow.append((Heading if kind[0] == "h" else Paragraph)(rich(content), STYLES[kind]))
    page.build(flow, onFirstPage=running, onLaterPages=running)
    return out.getvalue()


def build_docx(blocks: list[tuple], title: str) -> bytes:
    document = docx.Document()
    about = document.core_properties
    about.title, about.author, about.created, about.modified = title, PUBLISHER, EPOCH, EPOCH
    document.sections[0].header.paragraphs[0].text = title
    styles = {
        "h1": "Title",
        "h2": "Heading 1",
        "h3": "Heading 2",
        "bullet": "List Bullet",
        "number": "List Number",
        "p": None,
    }
    for kind, content in blocks:
        if kind == "table":
            table = document.add_table(0, len(content[0]), "Table Grid")
            for i, row in enumerate(content):
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    add_runs(cell.paragraphs[0], text if i else f"**{text}**")
            table.rows[0]._tr.get_or_add_trPr().append(docx.oxml.OxmlElement("w:tblHeader"))
            document.add_paragraph()
        else:
            add_runs(document.add_paragraph(style=styles[kind]), content)
    saved, out = io.BytesIO(), io.BytesIO()
    document.save(saved)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name, EPOCH.timetuple()[:6]), source.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def add_runs(paragraph, text: str) -> None:
    for mark, run in runs_of(text):
        added = paragraph.add_run(run)
        added.bold, added.italic = mark == "**" or None, mark == "*" or None


if __name__ == "__main__":
    for source in sorted(SOURCES.rglob("*.md")):
        target = SOURCES.parent / source.relative_to(SOURCES).with_suffix("")
        blocks = list(blocks_of(source.read_text(encoding="utf-8")))
        title = next(text for kind, text in blocks if kind == "h1")
        target.write_bytes((build_pdf if target.suffix == ".pdf" else build_docx)(blocks, title))
