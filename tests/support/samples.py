"""One good file of each format, made with the formats' own libraries; the words in them tell where they stand."""

import io
import json
import zipfile
import zlib
from email.message import EmailMessage

import docx
import openpyxl
import pptx


def pdf(*pages: str, more: str = "", root: str = "") -> bytes:
    """Return a PDF of pages with these content streams. more: put into the trailer. root: put into the catalog."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {root} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, page in enumerate(pages):
        resources = "/Resources << /Font << /F1 3 0 R >> >>"
        contents = f"/Contents {5 + 2 * n} 0 R"
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] {contents} {resources} >>")
        objects.append(stream(page.encode("latin-1")))
    return pdf_of(objects, more)


def pdf_of(objects: list, more: str = "") -> bytes:
    out, places = io.BytesIO(b"%PDF-1.4\n"), []
    out.seek(0, 2)
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(
            f"{number} 0 obj\n".encode() + (body if isinstance(body, bytes) else body.encode("latin-1")) + b"\nendobj\n"
        )
    start = out.tell()
    out.write(
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
        + b"".join(b"%010d 00000 n \n" % place for place in places)
    )
    out.write(f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {more} >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def stream(content: bytes) -> bytes:
    packed = zlib.compress(content, 9)
    return b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(packed) + packed + b"\nendstream"


def lines(*sized: tuple[int, str]) -> str:
    """Return a page's content. sized: font size in points and words of each line from top to bottom."""
    return "".join(f"BT /F1 {size} Tf 50 {750 - 40 * n} Td ({words}) Tj ET\n" for n, (size, words) in enumerate(sized))


def two_pages() -> bytes:
    return pdf(
        lines((20, "Crane manual"), (10, "The crane lifts 40 tonnes.")),
        lines((16, "Upkeep"), (10, "The slew ring is greased every month.")),
    )


def word() -> bytes:
    made = docx.Document()
    made.add_heading("Rules", 0)
    made.add_heading("Travel", 1)
    made.add_paragraph("Trains are second class.")
    table = made.add_table(2, 2)
    for cell, text in zip([*table.rows[0].cells, *table.rows[1].cells], ["Meal", "Most", "Lunch", "£9"], strict=True):
        cell.text = text
    return saved(made)


def slides() -> bytes:
    made = pptx.Presentation()
    pages = (
        ("Harbour day", "Gates open at nine.", ""),
        ("Parking", "Use the north field.", "Mention the bus."),
        ("", "Lost children wait here.", ""),
    )
    for title, body, notes in pages:
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = title, body
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    table = made.slides[1].shapes.add_table(2, 2, 0, 0, 100, 100).table
    for (row, column), words in {(0, 0): "Field", (0, 1): "Cars", (1, 0): "North", (1, 1): "300"}.items():
        table.cell(row, column).text = words
    return saved(made)


def workbook() -> bytes:
    made = openpyxl.Workbook()
    made.active.title = "Berths"
    for row in (
        ["Berths in 2026"],
        [],
        ["berth", "depth", "since"],
        ["A1", 5.5, __import__("datetime").date(2021, 3, 1)],
        ["B2", 6.0, None],
    ):
        made.active.append(row)
    for row in (["boat", "fee"], ["Dinghy", 15]):
        made.create_sheet("Fees") if "Fees" not in made.sheetnames else None
        made["Fees"].append(row)
    return saved(made)


def email(**headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in {
        "Subject": "Mooring in May",
        "From": "Ann <ann@example.org>",
        "Date": "Mon, 4 May 2026 10:00:00 +0000",
        **headers,
    }.items():
        message[name] = value
    message.set_content("The buoy is free from May.\nBring rope.\n")
    return message


def email_with_attachments() -> bytes:
    message = email()
    message.add_alternative("<p>The buoy is free <b>from May</b>.</p>", subtype="html")
    message.add_attachment(two_pages(), maintype="application", subtype="pdf", filename="crane.pdf")
    message.add_attachment(b"\x89PNG\r\n\x1a\n", maintype="image", subtype="png", filename="buoy.png")
    return bytes(message)


def notebook() -> bytes:
    cells = [
        {"cell_type": "markdown", "source": ["# Tides\n", "\n", "High water is computed here."]},
        {
            "cell_type": "code",
            "source": "def high_water(day):\n    return day * 24.8\n",
            "outputs": [{"text": ["24.8 hours\n" * 500]}],
        },
        {"cell_type": "markdown", "source": "## Check\n\nAgainst the almanac."},
    ]
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {"language_info": {"file_extension": ".py"}}, "cells": cells}
    ).encode()


def saved(made) -> bytes:
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def repacked(data: bytes, **replaced: bytes) -> bytes:
    """Return the same zip with members replaced; `word__document` stands for word/document.xml."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        names = {name.replace("__", "/") + ".xml": content for name, content in replaced.items()}
        for member in old.infolist():
            new.writestr(member.filename, names.pop(member.filename, None) or old.read(member))
        assert not names, f"no such members: {list(names)}"
    return out.getvalue()


CODE = b'''"""Moorings."""
import os

LIMIT = 40


class Crane:
    """Lifts."""

    def lift(self, tonnes):
        return tonnes <= LIMIT

    @property
    def name(self):
        return "C3"


def report(crane):
    print(crane.name)


if __name__ == "__main__":
    report(Crane())
'''

SAMPLES = {
    "a.md": b"# Port\n\nIntro.\n\nFees\n----\n\nPay *here*.\n",
    "a.txt": b"HARBOUR NOTICE\n\nThe buoy has moved.\n",
    "a.rst": b"====\nPort\n====\n\nIntro.\n\nFees\n----\n\nPay here.\n",
    "a.html": (
        "<title>T</title><h1>Guide</h1><p>First.</p><h2>Rates</h2><table><tr><th>Boat<th>Fee<tr><td>Dinghy<td>£3</table>"
    ).encode(),
    "a.csv": b"berth;depth\nA1;5.2\nB2;6.1\n",
    "a.tsv": b"berth\tdepth\nA1\t5.2\nB2\t6.1\n",
    "a.jsonl": (
        b'{"berth": "A1", "owner": {"name": "Ann"}, "tags": ["deep", "north"]}\n'
        b'{"berth": "B2", "depth": 6.1, "note": null}\n'
    ),
    "a.json": b'[{"berth": "A1"}, {"berth": "B2", "stays": [{"year": 2025}]}]',
    "a.ipynb": notebook(),
    "a.py": CODE,
    "a.go": b"package port\n\nfunc Lift(tonnes int) bool {\n\treturn tonnes <= 40\n}\n",
    "a.pdf": two_pages(),
    "a.docx": word(),
    "a.pptx": slides(),
    "a.xlsx": workbook(),
    "a.eml": email_with_attachments(),
    "a.mbox": b"From ann@example.org Mon May  4 10:00:00 2026\n" + bytes(email()) + b"\n",
    "a.ics": (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:Harbour day\r\nDTSTART:20260504T090000Z\r\n"
        b"LOCATION:North field\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ),
}
