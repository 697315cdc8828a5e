"""Pages that are pictures are named, or read where OCR is installed."""

import zlib

import pytest

from rag.core.errors import DocumentError
from rag.documents.formats.pdf import page, pictures
from rag.documents.formats.pdf.reader import parse_pdf
from rag.documents.formats.pdf.words import Word
from samples import pdf, pdf_of, stream

PICTURE = "q {width} 0 0 {height} 40 300 cm /I1 Do Q"
TEXT = "BT /F1 10 Tf 50 {y} Td (The gauge is read at noon by the watch of the day.) Tj ET"


def document(*contents: str) -> bytes:
    pixels = zlib.compress(bytes(20 * 20))
    head = b"<< /Type /XObject /Subtype /Image /Width 20 /Height 20 /ColorSpace /DeviceGray /BitsPerComponent 8 "
    kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(len(contents)))
    objects: list = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        head + b"/Filter /FlateDecode /Length %d >>\nstream\n" % len(pixels) + pixels + b"\nendstream",
    ]
    for n, content in enumerate(contents):
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {6 + 2 * n} 0 R "
            "/Resources << /Font << /F1 3 0 R >> /XObject << /I1 4 0 R >> >> >>",
            stream(content.encode()),
        ]
    return pdf_of(objects)


SCAN = PICTURE.format(width=560, height=480)


@pytest.fixture
def no_ocr(monkeypatch):
    for module in (page, pictures):
        monkeypatch.setattr(module, "can_recognise", lambda: False)


@pytest.mark.usefixtures("no_ocr")
def test_scanned_pages_are_named_with_what_reads_them():
    parsed = parse_pdf(document(TEXT.format(y=700), SCAN, SCAN, TEXT.format(y=600), SCAN))
    remedy = "pip install 'ragtune[ocr]' to have it read"
    assert parsed.unread == (f"pages 2-3, 5: picture without text ({remedy})",)


@pytest.mark.usefixtures("no_ocr")
def test_a_picture_beside_text_is_named_and_a_small_one_is_not():
    picture = PICTURE.format(width=200, height=150)
    assert parse_pdf(document(f"{picture} {TEXT.format(y=700)}")).unread == ("page 1: picture without text",)
    assert parse_pdf(document(f"{PICTURE.format(width=40, height=30)} {TEXT.format(y=700)}")).unread == ()
    assert parse_pdf(document(f"{picture} {TEXT.format(y=400)}")).unread == (), "the words stand on it"


@pytest.mark.usefixtures("no_ocr")
def test_a_file_of_pictures_alone_says_what_to_install():
    with pytest.raises(DocumentError, match="only pictures") as error:
        parse_pdf(document(SCAN))
    assert "ragtune[ocr]" in error.value.remedy


@pytest.mark.usefixtures("no_ocr")
def test_text_without_unicode_values_is_named_and_not_indexed():
    cid = "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [7 0 R] >>"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 5 0 R "
        "/Resources << /Font << /F1 3 0 R /F2 6 0 R >> >> >>",
        stream(f"{TEXT.format(y=700)} BT /F2 10 Tf 50 600 Td <{'000100020003' * 20}> Tj ET".encode()),
        cid,
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) "
        "/Supplement 0 >> >>",
    ]
    parsed = parse_pdf(pdf_of(objects))
    assert "cid" not in parsed.text and "gauge" in parsed.text
    assert parsed.unread[0].startswith("page 1: text in a font without Unicode values")


def test_recognised_words_are_read_in_order(monkeypatch):
    lines = (
        ["The pilot boat left the", "inner basin at five and", "came back after dawn."],
        ["Its skipper was Tor", "Vange, who knows every", "rock along the coast."],
    )
    found = [
        Word(word, x + 30 * n, 100 + 14 * row, x + 30 * n + 24, 112 + 14 * row, 10)
        for x, column in ((50, lines[0]), (300, lines[1]))
        for row, line in enumerate(column)
        for n, word in enumerate(line.split())
    ]
    monkeypatch.setattr(page, "can_recognise", lambda: True)
    monkeypatch.setattr(page, "recognised_words", lambda page: found)
    parsed = parse_pdf(document(SCAN))
    assert parsed.text.split("\n\n")[:2] == [" ".join(column) for column in lines] and parsed.unread == ()


@pytest.mark.skipif(not pictures.can_recognise(), reason="the extra ocr is not installed")
@pytest.mark.parametrize("turn", [0, 90])
def test_a_scanned_page_is_recognised(turn):
    import io

    import pypdfium2

    drawn = pypdfium2.PdfDocument(pdf(TEXT.format(y=700)))[0].render(scale=150 / 72, rotation=turn).to_pil()
    out = io.BytesIO()
    drawn.convert("L").save(out, "pdf", resolution=150)
    assert parse_pdf(out.getvalue()).text.strip() == "The gauge is read at noon by the watch of the day."
