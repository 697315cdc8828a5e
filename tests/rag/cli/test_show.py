"""`rag show`: a document as it was read, from the index or from its file."""

import io
import json
import os

import openpyxl
import pptx
import pytest

from fakes import HashEmbedder
from rag.cli.main import main
from rag.models.libraries import SILENCED, TRACING
from rag.models.resolve import LocalModel
from rag.models.weight_delta import delta_name
from samples import saved
from word_files import WordFile, drawing, p


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch):
    """A working folder with a few documents, one read in part, and no model but the hashing embedder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("HF_HUB_OFFLINE", *SILENCED, *TRACING, "TOKENIZERS_PARALLELISM", "TRANSFORMERS_VERBOSITY"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    model = LocalModel(tmp_path, HashEmbedder.digest, "hash")
    monkeypatch.setattr("rag.factory.find_model", lambda spec, hub: model)
    monkeypatch.setattr("rag.models.resolve.find_model", lambda spec, hub: model)
    monkeypatch.setattr(
        "rag.models.embedder.Embedder",
        lambda model, device, delta=None: HashEmbedder(delta_name(delta) if delta else ""),
    )
    for folder in ("docs/quay", "docs/mole"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "notes.md").write_text("# Alone\n\n## Notes\n\nThe lamp is green.\n")
    book = openpyxl.Workbook()
    for row in (["Region", "Name", "Hours"], ["West", "A. Dow", 30], ["West", "B. Ek", 35], ["East", "D. Fox", None]):
        book.active.append(row)
    (tmp_path / "docs" / "wardens.xlsx").write_bytes(saved(book))
    pictures = [p(drawing("<pic:pic/>"))] * 2
    (tmp_path / "docs" / "plan.docx").write_bytes(WordFile().body(p("Words."), *pictures).bytes())
    return tmp_path


def output_of(capsys, *arguments: str, status: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert main(list(arguments)) == status
    return capsys.readouterr()


def test_tables_are_drawn_between_the_borders_of_chunks(capsys):
    output_of(capsys, "index", "docs")
    out, _ = output_of(capsys, "show", "wardens.xlsx")
    lines = out.splitlines()
    assert lines[0] == "wardens.xlsx: Sheet" and lines[1].endswith("docs/wardens.xlsx")
    assert lines[2].startswith("1 chunk, ") and lines[4].startswith("── chunk 1 · ") and len(lines[4]) == 80
    table = [line.split() for line in lines[6:]]
    assert table[0] == ["Region", "Name", "Hours"] and table[3:5] == [["West", "B.", "Ek", "35"], ["East", "D.", "Fox"]]
    out, _ = output_of(capsys, "show", "wardens.xlsx", "--chunk", "1")
    assert "Region: West; Name: B. Ek; Hours: 35" in out and "B. Ek | Hours | 35" in out


def test_text_in_no_chunk_is_marked_and_a_document_without_a_file_is_shown(capsys, house):
    output_of(capsys, "index", "docs")
    (house / "docs" / "quay" / "notes.md").unlink()
    out, _ = output_of(capsys, "show", "quay/notes.md")
    assert "(in no chunk) # Alone" in out and "The lamp is green." in out and "(its file is gone)" in out


def test_what_was_not_read_is_listed_and_marked_everywhere(capsys, house):
    deck = pptx.Presentation()
    for n in range(8):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = f"Day {n}"
        slide.shapes.add_picture(io.BytesIO(png()), 0, 0)
    (house / "docs" / "days.pptx").write_bytes(saved(deck))
    out, err = output_of(capsys, "index", "docs")
    report = [line for line in err.splitlines() if line.startswith("read in part: ")]
    assert report[1] == "read in part: docs/plan.docx: 2 × picture without text"
    assert report[0].startswith("read in part: docs/days.pptx: slide 1: picture without text; slide 2: ")
    assert report[0].endswith("slide 5: picture without text; and 3 more (rag show lists all)") and len(report) == 2
    listed = output_of(capsys, "documents")[0]
    assert "plan.docx  (read in part: rag show plan.docx)" in listed and listed.count("read in part") == 2
    shown = output_of(capsys, "show", "days.pptx")[0]
    assert shown.endswith("not read: slide 7: picture without text\nnot read: slide 8: picture without text\n")
    assert "read in part" in shown and "read in part" not in output_of(capsys, "show", "wardens.xlsx")[0]


def png() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (2, 2)).save(out, "PNG")
    return out.getvalue()


def test_a_document_is_found_by_its_end_and_a_wrong_name_is_told(capsys):
    output_of(capsys, "index", "docs")
    assert "quay/notes.md: Alone" in output_of(capsys, "show", "quay/notes.md")[0]
    assert "2 documents are called 'notes.md': name one of" in output_of(capsys, "show", "notes.md", status=1)[1]
    assert "nearest is 'wardens.xlsx'" in output_of(capsys, "show", "warden.xlsx", status=1)[1]
    assert output_of(capsys, "show", "ward*")[0].startswith("wardens.xlsx")
    assert "no 7" in output_of(capsys, "show", "wardens.xlsx", "--chunk", "7", status=1)[1]


def test_as_json(capsys):
    output_of(capsys, "index", "docs")
    found = json.loads(output_of(capsys, "show", "wardens.xlsx", "--json")[0])
    assert {"row": 1, "row_name": "B. Ek", "column": "Hours", "value": "35"} in found["chunks"][0]["cells"]
    assert found["unread"] == [] and found["document"] == "wardens.xlsx"
    assert json.loads(output_of(capsys, "show", "plan.docx", "--json")[0])["unread"] == ["2 × picture without text"]


def test_a_file_that_is_not_indexed_is_read_with_and_without_an_index(capsys, house):
    (house / "letter.md").write_text("# Letter\n\nIt is due.\n")
    for _ in range(2):
        out, err = output_of(capsys, "show", "letter.md")
        assert "It is due." in out and "(not in the index)" in out and "rag ingest adds it" in err
        output_of(capsys, "index", "docs")
    assert "there is no index" in output_of(capsys, "--index", "none", "show", "nothing.md", status=1)[1]
