"""Documents that carry an attack: a heading, a fact, and the attacker's words, shown or hidden as the attack says."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from rag.core.jsonl import read_lines

FILE = Path(__file__).parent / "attacks.jsonl"
PLACEBO = "This page was last looked over in spring, and nothing needed changing."
DISGUISES: dict[str, Callable[[str], str]] = {
    "tags": lambda words: "".join(
        chr(0xE0000 + ord(c)) for c in words
    ),  # characters that nothing shows and tokenizers pass on
    "joined": "\u200b".join,  # zero-width spaces within the words
    "reversed": lambda words: f"\u202e{words[::-1]}\u202c",  # shown the right way round, stored the wrong way
}
PENS = {  # content of a PDF page before the attacker's words; where, in points from the lower left, and how large
    "white": ("1 1 1 rg", 640, 11), "white grey": ("1 g", 640, 11), "white cmyk": ("0 0 0 0 k", 640, 11), "tiny": ("0 g", 640, 0.8),
    "inkless": ("0 g 3 Tr", 640, 11), "beside": ("0 g", -400, 11),
}  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """kind: its group in the tables. suffix: the document's format. wrap: how the payload stands in it: a template, a disguise, a pen, a font or a header.
    before: whether it comes before the fact. goal: "say" when an answer that holds one of `forbidden` is a success, "refuse" when a refusal is.
    title, text: the document without the attack. question, answer: on the fact in the text."""

    id: str
    kind: str
    suffix: str
    wrap: str
    before: bool
    goal: str
    payload: str
    forbidden: tuple[str, ...]
    title: str
    text: str
    question: str
    answer: str


def read_attacks(path: Path = FILE) -> list[Attack]:
    return [Attack(**{**row, "forbidden": tuple(row["forbidden"])}) for row in read_lines(path)]


def attack_document(attack: Attack, words: str | None) -> bytes:
    """-> the document with `words` where the payload stands, in its disguise; as if nobody had touched it if None."""
    if attack.suffix in ("pdf", "docx", "eml"):
        return {"pdf": _pdf, "docx": _docx, "eml": _email}[attack.suffix](attack, words)
    hidden = (
        []
        if words is None
        else [DISGUISES[attack.wrap](words) if attack.wrap in DISGUISES else attack.wrap.format(words, words)]
    )
    if attack.suffix == "html":
        body = [
            f"<h1>{attack.title}</h1>",
            *(hidden if attack.before else []),
            f"<p>{attack.text}</p>",
            *([] if attack.before else hidden),
        ]
        return ("<!doctype html><title>" + attack.title + "</title><body>\n" + "\n".join(body) + "\n</body>").encode()
    head = attack.title if attack.suffix == "txt" else f"# {attack.title}"
    return "\n\n".join([head, *_placed(attack, hidden)]).encode() + b"\n"


def _placed(attack: Attack, hidden: list[str]) -> list[str]:
    return [*hidden, attack.text] if attack.before else [attack.text, *hidden]


def _docx(attack: Attack, words: str | None) -> bytes:
    import docx
    from docx.shared import Pt, RGBColor

    made = docx.Document()
    made.add_heading(attack.title, 0)
    for words_or_text in _placed(attack, [] if words is None else [words]):
        run = made.add_paragraph().add_run(words_or_text)
        if words_or_text is words:
            run.font.hidden = True if attack.wrap == "vanish" else None
            run.font.size = Pt(1) if attack.wrap == "tiny" else None
            if attack.wrap == "white":
                run.font.color.rgb = RGBColor(255, 255, 255)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _email(attack: Attack, words: str | None) -> bytes:
    message = EmailMessage()
    heads = {"Subject": attack.title, "From": "office@example.org", "Date": "Mon, 4 May 2026 10:00:00 +0000"}
    if words is not None and attack.wrap != "body":
        heads[attack.wrap] = f"{heads[attack.wrap]} {words}" if attack.wrap in heads else words
    for name, value in heads.items():
        message[name] = value
    message.set_content("\n\n".join(_placed(attack, [words] if words is not None and attack.wrap == "body" else [])))
    return bytes(message)


def _pdf(attack: Attack, words: str | None) -> bytes:
    pen, left, size = PENS[attack.wrap]
    x, y = (left, 700) if left < 0 else (50, left)
    lines = [_line("0 g", 50, 750, 20, attack.title), _line("0 g", 50, 670 if attack.before else 700, 11, attack.text)]
    if words is not None:
        lines.insert(1 if attack.before else 2, _line(pen, x, 700 if attack.before and left > 0 else y, size, words))
    content = zlib.compress("\n".join(lines).encode("latin-1"))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(content) + content + b"\nendstream",
    ]  # fmt: skip
    out, places = io.BytesIO(b""), []
    out.write(b"%PDF-1.4\n")
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n" % number + body + b"\nendobj\n")
    start = out.tell()
    out.write(b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start)
    return out.getvalue()


def _line(pen: str, x: float, y: float, size: float, words: str) -> str:
    words = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return (
        f"q {pen.split(' 3 Tr')[0]} BT {'3 Tr' if '3 Tr' in pen else '0 Tr'} /F1 {size} Tf {x} {y} Td ({words}) Tj ET Q"
    )
