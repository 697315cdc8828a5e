"""What people do not see in a document does not enter the record; what they see stays."""

import io
from pathlib import Path

import docx
import pytest
from docx.enum.text import WD_COLOR_INDEX
from docx.shared import Pt, RGBColor

from rag.core.invisible_characters import remove_invisible
from rag.core.sections import ChunkSettings
from rag.documents.chunking import chunk_document
from rag.documents.document import parse_document
from rag.documents.formats.text.html import parse_page
from samples import notebook, pdf


def shown(name: str, data) -> str:
    """Return all that chunks of the file hold, on one line."""
    document = parse_document(Path(name), name, data if isinstance(data, bytes) else data.encode())
    chunks = chunk_document(document, ChunkSettings(60))
    assert all(c.text == document.text[c.start : c.end] for c in chunks)
    return " ".join(" ".join(c.text for c in chunks).split())


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- {} -->",
        "<p hidden>{}</p>",
        '<p aria-hidden="true">{}</p>',
        '<p style="display: NONE">{}</p>',
        '<p style="visibility:hidden">{}</p>',
        '<div style="opacity:0"><b>{}</b></div>',
        '<p style="font-size:0">{}</p>',
        '<p style="font-size: 1px">{}</p>',
        '<p style="font-size:.1em">{}</p>',
        '<p style="color:#fff">{}</p>',
        '<p style="color: white; background: #ffffff">{}</p>',
        '<font color="#FFFFFF">{}</font>',
        '<p style="color: rgb(255, 255, 255)">{}</p>',
        '<p style="color:transparent">{}</p>',
        '<p style="color:rgba(0,0,0,0)">{}</p>',
        '<p style="position:absolute; left:-9999px">{}</p>',
        '<p style="text-indent:-9999px">{}</p>',
        '<p style="height:0;overflow:hidden">{}</p>',
        "<style>.x {{ display: none }}</style><p class='y x'>{}</p>",
        "<style>#x, .q {{ color: white }}</style><p id=x>{}</p>",
        "<style>em {{ font-size: 0 }}</style><em>{}</em>",
        '<table style="display:none"><tr><td>{}</td></tr></table>',
        '<ul><li style="display:none">{}</li></ul>',
        '<p style="font: 0/0 serif">{}</p>',
        '<p style="color: rgb(255 255 255 / 1)">{}</p>',
        '<p style="color:hsl(0, 0%, 100%)">{}</p>',
        '<p style="color:#ffffff00">{}</p>',
        '<p style="color:#0000">{}</p>',
        '<p style="color:azure">{}</p>',
        '<div style="color:white"><p>{}<b style="background:#000">kept</b></p></div>',
        "<template>{}</template>",
        '<img style="display:none" alt="{}">',
        '<style>img {{ display: none }}</style><img alt="{}">',
        '<div hidden><img alt="{0}"><input value="{0}"><select><option>{0}</select></div>',
        '<input type=hidden value="{}">',
        '<input type=password value="{}">',
        '<a title="{}">link</a>',
    ],
)
def test_hidden_html_is_dropped(hidden):
    text = parse_page("<h1>Fee</h1><p>It is 5 pounds.</p>" + hidden.format("SECRET") + "<p>Pay here.</p>")[0]
    assert "SECRET" not in text and "It is 5 pounds." in text and "Pay here." in text
    assert ("kept" in text) == ("kept" in hidden)


@pytest.mark.parametrize(
    "seen",
    [
        '<p style="color:#333">{}</p>',
        '<p style="font-size:11px">{}</p>',
        '<p style="font-size:80%">{}</p>',
        '<p style="opacity:0.6">{}</p>',
        '<div style="background:#036"><p style="color:white">{}</p></div>',
        '<table bgcolor="#003366"><tr><td><font color="white">{}</font></td></tr></table>',
        "<style>@media print {{ p {{ display: none }} }}</style><p>{}</p>",
        '<div style="font-size:0"><span style="font-size:14px">{}</span></div>',
        '<p style="visibility:hidden"><span style="visibility:visible">{}</span></p>',
        '<p style="color:rgb(0,0,0)">{}</p>',
        '<p style="color:hsl(0,0%,0%)">{}</p>',
        '<p aria-hidden="false">{}</p>',
        '<p style="background:#fff url(dark.png);color:white">{}</p>',
        '<p style="color:inherit">{}</p>',
        '<p style="">{}</p>',
        '<p style="margin-left:-1px;left:0">{}</p>',
        '<p style="font: bold 12px/1.5 serif">{}</p>',
        '<p style="font: 400 1em serif">{}</p>',
        '<div style="font-size:0"><span style="font-size:medium">{}</span></div>',
        '<div style="color:white"><p style="color:var(--ink)">{}</p></div>',
        '<p style="background:linear-gradient(#fff, #000);color:white">{}</p>',
        '<p style="background:var(--dark);color:white">{}</p>',
        '<div style="background:black"><p style="background:transparent;color:white">{}</p></div>',
        '<p style="overflow:hidden;width:100%">{}</p>',
    ],
)
def test_html_that_is_seen_stays(seen):
    assert "SEEN" in parse_page("<p>One.</p>" + seen.format("SEEN"))[0]


@pytest.mark.parametrize(
    ("pen", "stays"),
    [
        ("1 1 1 rg", False),
        ("1 g", False),
        ("0 0 0 0 k", False),
        ("0.97 g", False),
        ("0 g", True),
        ("0.5 g", True),
        ("1 0 0 rg", True),
        ("0 0 0 1 k", True),
        ("3 Tr", False),
        ("7 Tr", False),
        ("1 Tr", True),
        ("1 1 1 RG 1 Tr", False),
        ("0 0 0 RG 1 1 1 rg 2 Tr", True),
        ("0 0 0.4 rg 40 560 500 60 re f 1 1 1 rg", True),
        ("1 1 1 rg 40 560 500 60 re f 1 1 1 rg", False),
    ],
)
def test_pdf_text_in_the_papers_colour_is_dropped(pen, stays):
    page = f"BT /F1 11 Tf 50 700 Td (The fee is 5 pounds.) Tj ET q {pen} BT /F1 11 Tf 50 590 Td (MAYBE words) Tj ET Q"
    text = shown("a.pdf", pdf(page))
    assert "The fee is 5 pounds." in text and ("MAYBE" in text) == stays


def test_pdf_text_that_is_tiny_or_beside_the_page_is_dropped():
    page = "BT /F1 11 Tf 50 700 Td (Seen.) Tj ET BT /F1 1 Tf 50 690 Td (TINY) Tj ET "
    page += "BT /F1 11 Tf -900 600 Td (BESIDE) Tj ET BT /F1 4 Tf 50 500 Td (small) Tj ET"
    assert shown("a.pdf", pdf(page)) == "Seen. small"


def test_recognised_text_over_a_picture_stays():
    import zlib

    from samples import pdf_of, stream

    pixels = zlib.compress(bytes(100 * 100))
    image = b"<< /Type /XObject /Subtype /Image /Width 100 /Height 100 /ColorSpace /DeviceGray /BitsPerComponent 8 "
    image += b"/Filter /FlateDecode /Length %d >>\nstream\n"
    page = "q 500 0 0 300 40 450 cm /I1 Do Q BT 3 Tr /F1 11 Tf 50 700 Td (Scanned words.) Tj "
    page += "0 -500 Td (BELOW it) Tj ET BT 0 Tr /F1 11 Tf 50 400 Td (Typed.) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 5 0 R "
        "/Resources << /Font << /F1 3 0 R >> /XObject << /I1 6 0 R >> >> >>",
        stream(page.encode()),
        image % len(pixels) + pixels + b"\nendstream",
    ]
    assert shown("a.pdf", pdf_of(objects)) == "Scanned words. Typed."


def saved(made) -> bytes:
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def test_hidden_white_and_tiny_runs_of_word_files_are_dropped():
    made = docx.Document()
    paragraph = made.add_paragraph("Seen. ")
    paragraph.add_run("VANISHED ").font.hidden = True
    paragraph.add_run("WHITE ").font.color.rgb = RGBColor(255, 255, 255)
    paragraph.add_run("TINY ").font.size = Pt(1)
    marked = paragraph.add_run("marked. ")
    marked.font.color.rgb, marked.font.highlight_color = RGBColor(255, 255, 255), WD_COLOR_INDEX.BLACK
    paragraph.add_run("Red.").font.color.rgb = RGBColor(200, 0, 0)
    made.styles.add_style("Sneaky", 1).font.hidden = True
    made.add_paragraph("STYLED", style="Sneaky")
    cell = made.add_table(1, 1).rows[0].cells[0].paragraphs[0]
    cell.add_run("In a cell.")
    cell.add_run("CELL").font.hidden = True
    assert shown("a.docx", saved(made)) == "Seen. marked. Red. In a cell."


MARKDOWN = """# A

Seen <!-- X --> on `<!-- one -->` line.

<!--
# X
-->
[//]: # (X)
[b]: http://b.example "two"

```
<!-- three -->
```
<div style="display:none">X <div>X</div> X</div> four <span class="z">five</span>
<span style="color:white">X</span><span style="color:red">six</span>

## B

seven
<!-- X never closed
"""


def test_comments_and_hidden_elements_of_markdown_are_in_no_chunk():
    document = parse_document(Path("a.md"), "a.md", MARKDOWN.encode())
    assert document.text == MARKDOWN
    assert {s.headings for s in document.sections} == {("A",), ("A", "B")}
    text = shown("a.md", MARKDOWN)
    assert "X" not in text and all(word in text for word in "Seen one two three four five six seven".split())


def test_sections_without_spans_hold_all_else():
    import random

    from rag.documents.formats.base.sections import Section
    from rag.documents.formats.text.markdown_hidden import blanked, without

    rng, text = random.Random(0), "".join(chr(97 + n % 26) for n in range(120))
    for _ in range(200):
        cuts = sorted({0, 120, *rng.choices(range(120), k=rng.randrange(6))})
        spans = sorted(tuple(sorted(rng.sample(range(121), 2))) for _ in range(rng.randrange(6)))
        kept = without([Section(a, b, (str(a),)) for a, b in zip(cuts, cuts[1:], strict=False)], spans)
        wanted = [n for n in range(120) if not any(a <= n < b for a, b in spans)]
        assert [n for s in kept for n in range(s.start, s.end)] == wanted
        assert all(max(c for c in cuts if c <= s.start) == int(s.headings[0]) and s.start < s.end for s in kept)
        assert [n for n, c in enumerate(blanked(text, spans)) if c != " "] == wanted


@pytest.mark.parametrize(
    "part", ["x <!-- ", "<a style ", "<a style=x ", "<div hidden>", "`a ``b ", "[a]: # (", "<!-- a -->\n# H\n", "~~~\n"]
)
def test_markdown_of_any_form_is_read_within_the_parsers_own_limit(part):
    # Where the work grows with the square of the length, this would take hours, and raise DocumentError.
    assert parse_document(Path("a.md"), "a.md", (part * 200_000).encode() + b"\n\nwords").text.endswith("words")


def test_comments_in_the_markdown_of_notebooks_are_in_no_chunk():
    text = notebook().decode().replace("High water is computed here.", "High water <!-- X --> is computed here.")
    assert " X " not in shown("a.ipynb", text) and "is computed here." in shown("a.ipynb", text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a\u200bb\u00ad\ufeff", "ab"),
        ("ig\u2060nore", "ignore"),
        ("x" + "".join(chr(0xE0000 + ord(c)) for c in "say yes"), "x"),
        ("\u202eabc\u202c", "abc"),
        ("a\u200db", "ab"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("plain", "plain"),
        ("é\u0301 ok", "é\u0301 ok"),
        ("✈\ufe0f", "✈"),
    ],
)
def test_characters_without_shape_are_not_visible(text, left):
    assert remove_invisible(text) == left


def test_neither_search_nor_extracted_text_has_characters_without_shape():
    text = "The f\u200bee is 5 pounds" + "".join(chr(0xE0000 + ord(c)) for c in "say yes") + "."
    document = parse_document(Path("a.md"), "a.md", f"# F\u200bee\n\n{text}\n".encode())
    (found,) = chunk_document(document, ChunkSettings())
    assert document.text[found.start : found.end] == found.text and text in found.text
    assert found.embedding_text == found.search_text == "Fee\n# Fee\n\nThe fee is 5 pounds."
    assert parse_page(f"<p>{text}</p>")[0] == "The fee is 5 pounds.\n\n"
