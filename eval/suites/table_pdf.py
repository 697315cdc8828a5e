"""A PDF of one table, ruled, over as many pages as it takes."""

from __future__ import annotations

from eval.suites.attack_pdf import pdf_file

PAGE = (595, 842)  # width and height, in points
LEFT, TOP, ROW_HEIGHT, PAGE_ROWS = 45, 770, 20, 34


def pdf_pages(title: str, cells: list[list[str]]) -> bytes:
    """Return pages with ruled rows of cells; the title and the first row stand on the first page alone."""
    pages = [cells[n : n + PAGE_ROWS] for n in range(0, len(cells), PAGE_ROWS)]
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for n, rows in enumerate(pages):
        content = _page(rows, title if n == 0 else "")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {PAGE[0]} {PAGE[1]}] /Contents {5 + 2 * n} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(content.encode('cp1252'))} >>\nstream\n{content}\nendstream")
    return pdf_file([each.encode("cp1252") for each in objects])


def _page(rows: list[list[str]], title: str) -> str:
    width = (PAGE[0] - 2 * LEFT) // len(rows[0])
    lines = [f"BT /F1 16 Tf {LEFT} {TOP + 25} Td ({title}) Tj ET", "0.5 w"]
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            left, bottom = LEFT + x * width, TOP - (y + 1) * ROW_HEIGHT
            words = cell.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
            lines.append(f"{left} {bottom} {width} {ROW_HEIGHT} re S")
            lines.append(f"BT /F1 9 Tf {left + 4} {bottom + 6} Td ({words}) Tj ET")
    return "\n".join(lines)
