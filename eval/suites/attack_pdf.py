"""A PDF page written by hand: libraries would not hide words in the ways that the attacks need."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass

TITLE_Y, TOP_Y, SECOND_Y, LAST_Y = 750.0, 700.0, 670.0, 640.0  # of lines, in points from the lower edge
LEFT = 50.0  # points from the left edge


@dataclass(frozen=True)
class Style:
    """How the attacker's words are drawn: content operators, points from the left edge, and the size in points."""

    operators: str
    left: float = LEFT
    size: float = 11


STYLES = {
    "white": Style("1 1 1 rg"),
    "white grey": Style("1 g"),
    "white cmyk": Style("0 0 0 0 k"),
    "tiny": Style("0 g", size=0.8),
    "inkless": Style("0 g 3 Tr"),  # text mode 3 draws nothing
    "beside": Style("0 g", left=-400),  # outside the page
}
BLACK = "0 g"


def pdf_document(title: str, text: str, words: str | None, style: str, before: bool) -> bytes:
    """Return a page with a title, a text, and words in one of the STYLES before or after the text."""
    hidden = STYLES[style]
    lines = [_line(Style(BLACK, size=20), TITLE_Y, title), _line(Style(BLACK), SECOND_Y if before else TOP_Y, text)]
    if words is not None:
        on_page = hidden.left > 0
        y = TOP_Y if before or not on_page else LAST_Y
        lines.insert(1 if before else 2, _line(hidden, y, words))
    content = zlib.compress("\n".join(lines).encode("latin-1"))
    return pdf_file(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 5 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>",
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(content) + content + b"\nendstream",
        ]
    )


def _line(style: Style, y: float, words: str) -> str:
    words = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    colour, mode = (style.operators.removesuffix(" 3 Tr"), 3) if "3 Tr" in style.operators else (style.operators, 0)
    return f"q {colour} BT {mode} Tr /F1 {style.size:g} Tf {style.left:g} {y:g} Td ({words}) Tj ET Q"


def pdf_file(objects: list[bytes]) -> bytes:
    """Return a PDF of these objects, numbered from 1; the first is the catalogue."""
    out, offsets = io.BytesIO(), []
    out.write(b"%PDF-1.4\n")
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n" % number + body + b"\nendobj\n")
    start, size = out.tell(), len(objects) + 1
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
    out.write(b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start))
    return out.getvalue()
