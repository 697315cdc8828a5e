"""What people see on a PDF page beside its content: values of form fields, and notes."""

import pytest

from rag.documents.formats.pdf.reader import parse_pdf
from samples import pdf_of, stream


def page(content: str, *annotations: str) -> bytes:
    numbers = " ".join(f"{6 + n} 0 R" for n in range(len(annotations)))
    return pdf_of(
        [
            f"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [{numbers}] >> >>",
            "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 5 0 R /Annots [{numbers}] "
            "/Resources << /Font << /F1 3 0 R >> >> >>",
            stream(content.encode()),
            *annotations,
        ]
    )


def words(x: float, y: float, text: str) -> str:
    return f"BT /F1 10 Tf {x} {y} Td ({text}) Tj ET"


def widget(name: str, value: str, more: str = "/FT /Tx", y: float = 695) -> str:
    named = f"/T ({name})" if name else ""
    return f"<< /Type /Annot /Subtype /Widget /Rect [200 {y} 400 {y + 15}] {named} {more} {value} >>"


@pytest.mark.parametrize(
    ("content", "field", "shown"),
    [
        (words(150, 700, "Master:"), widget("f1", "/V (Ola Brekke)"), "Master: Ola Brekke"),
        (words(160, 700, "Master"), widget("Text1", "/V (Ola Brekke)"), "Master Ola Brekke"),
        (words(50, 750, "Harbour form"), widget("Master", "/V (Ola Brekke)"), "Master: Ola Brekke"),
        (
            words(50, 750, "Form"),
            widget("a", "/V (Ola Brekke)", "/FT /Tx /TU (Master of the boat)"),
            "boat: Ola Brekke",
        ),
        (words(50, 750, "Form"), widget("Insured", "/AS /Yes", "/FT /Btn"), "Insured: yes"),
        (words(50, 750, "Form"), widget("Insured", "/AS /Off", "/FT /Btn"), "Insured: no"),
        (words(50, 750, "Form"), widget("Berth", "/V [(East) (West)]", "/FT /Ch"), "Berth: East; West"),
        (words(50, 750, "Form"), widget("Port", "/V <FEFF0141F3F3>".replace("F3F3", "00F3")), "Port: Łó"),
    ],
)
def test_values_of_fields_stand_with_their_names(content, field, shown):
    assert shown in parse_pdf(page(content, field)).text


@pytest.mark.parametrize(
    "field",
    [
        widget("Pin", "/V (SECRET)", "/FT /Tx /Ff 8192"),
        widget("Memo", "/V (SECRET)", "/FT /Tx /F 2"),
        widget("Print", "/V (SECRET)", "/FT /Btn /Ff 65536"),
        widget("Empty", "/V ()"),
        "<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /Contents (SECRET) >>",
        "<< /Type /Annot /Subtype /Text /F 2 /Rect [0 0 9 9] /Contents (SECRET) >>",
    ],
)
def test_what_no_one_sees_stays_out(field):
    assert parse_pdf(page(words(50, 700, "Harbour form"), field)).text.strip() == "Harbour form"


def test_notes_come_with_their_author():
    note = "<< /Type /Annot /Subtype /Text /Rect [9 9 30 30] /T (Siv Aune) /Contents (Ask the pilot\\rfirst.) >>"
    box = "<< /Type /Annot /Subtype /FreeText /Rect [9 60 90 80] /Contents (Paid in May) >>"
    found = parse_pdf(page(words(50, 700, "Harbour form"), note, box)).text
    assert found.split("\n\n")[:3] == ["Harbour form", "Comment (Siv Aune): Ask the pilot first.", "Paid in May"]


def test_a_field_that_is_its_own_parent_ends():
    loop = "<< /Type /Annot /Subtype /Widget /Rect [9 9 30 30] /T (x) /Parent 6 0 R /FT /Tx /V (Round) >>"
    assert "Round" in parse_pdf(page(words(50, 700, "Harbour form"), loop)).text
