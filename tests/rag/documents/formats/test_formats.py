"""Every format: its text, and where in the source each part of it stands."""

import dataclasses
import json
from pathlib import Path

import pytest

from rag.core.chunk import Chunk
from rag.core.errors import DocumentError
from rag.core.sections import ChunkSettings, DocumentSettings
from rag.documents.chunking import chunk_document
from rag.documents.document import parse_document
from rag.documents.formats.base.source_code import SYNTAX
from rag.documents.formats.registry import SUFFIXES
from samples import CODE, SAMPLES, email, lines, notebook, pdf


def read(name, data, **settings):
    return parse_document(
        Path(name), name, data if isinstance(data, bytes) else data.encode(), DocumentSettings(**settings)
    )


def outline(document):
    """Return headings, page, syntax and text of each section, without white space at its ends."""
    return [(s.headings, s.page, s.syntax, document.text[s.start : s.end].strip()) for s in document.sections]


def prose(document):
    return [(headings, text) for headings, _, _, text in outline(document)]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("size", [30, 520])
def test_sections_cover_the_text_and_chunks_are_literal(name, size):
    document = read(name, SAMPLES[name])
    assert "".join(document.text[s.start : s.end] for s in document.sections) == document.text
    chunks = chunk_document(document, ChunkSettings(size))
    assert chunks and all(
        c.text == document.text[c.start : c.end] and c.text.strip() and len(c.text) <= size for c in chunks
    )
    homes = [next(s for s in document.sections if s.start <= c.start and c.end <= s.end) for c in chunks]
    assert all(
        c.headings[: len(s.headings)] == s.headings and c.page == s.page for c, s in zip(chunks, homes, strict=True)
    )


def test_every_format_that_is_read_has_a_sample():
    assert {Path(name).suffix for name in SAMPLES} >= set(SUFFIXES) - set(SYNTAX) - {
        ".markdown",
        ".text",
        ".htm",
        ".xhtml",
        ".ndjson",
    }


@pytest.mark.parametrize("suffix", SYNTAX)
def test_source_code_of_every_language_is_cut_literally(suffix):
    text = "\n\n".join(
        f"// part {n}\nfunction f{n}(a) {{\n\treturn a * {n};\n}}\n\nclass C{n} {{ }}\n\ndef g{n} do\nend"
        for n in range(30)
    )
    document = read(f"a{suffix}", text)
    assert document.text == text and document.sections[0].syntax == SYNTAX[suffix]
    chunks = chunk_document(document, ChunkSettings(200))
    assert all(c.text == text[c.start : c.end] for c in chunks)
    assert "".join("".join(c.text.split()) for c in chunks) == "".join(text.split())


def test_code_is_cut_before_its_functions():
    text = "package a\n\n" + "".join(f"func F{n}() int {{\n\treturn {n}{n}{n}\n}}\n\n" for n in range(20))
    assert all(
        c.text.startswith(("func", "package")) and c.text.endswith("}")
        for c in chunk_document(read("a.go", text), ChunkSettings(100))
    )


def test_python_classes_and_functions_are_headings():
    document = read("a.py", CODE)
    assert document.text == CODE.decode()
    wanted = [
        (),
        ("class Crane",),
        ("class Crane", "def lift"),
        ("class Crane",),
        ("class Crane", "def name"),
        (),
        ("def report",),
        (),
    ]
    assert [h for h, _ in prose(document)] == wanted
    assert prose(document)[4][1].startswith("@property") and prose(document)[6][1].endswith("print(crane.name)")
    assert {c.location for c in chunk_document(document, ChunkSettings())} == {
        "a.py",
        "a.py > class Crane",
        "a.py > class Crane > def lift",
        "a.py > class Crane > def name",
        "a.py > def report",
    }


@pytest.mark.parametrize(
    "text",
    [
        "print 'two'\n",
        "def (:\n",
        "x = 1",
        "class A: pass",
        "async def f(): pass\ndef g(): pass",
        "def ä(): 'ö'\ndef b(): 1\n",
    ],
)
def test_python_of_any_kind_is_read_whole(text):
    document = read("a.py", text)
    assert document.text == text == "".join(text[s.start : s.end] for s in document.sections)


def test_setext_headings_in_markdown_and_what_only_looks_like_one():
    text = (
        "---\ntitle: front\n---\n# A\n\nB\n===\n\none\n---\ntwo\n\n"
        "- item\n---\n\n| a |\n|---|\n\n#tag\n####### seven\n# C#\n## D ##\n"
    )
    assert [h for h, _ in prose(read("a.md", text))] == [(), ("A",), ("B",), ("B", "one"), ("C#",), ("C#", "D")]


def test_restructuredtext_titles_by_style():
    text = (
        "====\nPort\n====\n\nFees\n----\n\npay\n\nLate\n~~~~\n\nmore\n\nTimes\n-----\n\n"
        "  quoted\n  ------\n\n+---+---+\n| a | b |\n+---+---+\n"
    )
    assert [h for h, _ in prose(read("a.rst", text))] == [
        ("Port",),
        ("Port", "Fees"),
        ("Port", "Fees", "Late"),
        ("Port", "Times"),
    ]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("HARBOUR NOTICE\n\nwords", "HARBOUR NOTICE"),
        ("Harbour notice\n======\nwords", "Harbour notice"),
        ("\n\nThe tide\n\nIt turns.\n", "The tide"),
        ("Dear Ann,\n\nwords", "a file"),
        ("It ended.\n\nwords", "a file"),
        ("one\ntwo\n\nthree", "a file"),
        ("The tide\n", "a file"),
        ("12 May 2026\n\nwords", "a file"),
    ],
)
def test_the_title_of_plain_text_is_a_line_that_stands_alone(text, title):
    document = read("a-file.txt", text)
    assert document.title == title and document.text == text


def test_json_lines_are_a_section_a_record():
    assert prose(read("a.jsonl", SAMPLES["a.jsonl"])) == [
        ((), "berth: A1\nowner.name: Ann\ntags: deep, north"),
        ((), "berth: B2\ndepth: 6.1"),
    ]
    assert prose(read("a.json", '[1, {"a": [{"b": true}, {"b": "x"}]}]')) == [((), "1"), ((), "a.b: true\n\na.b: x")]


def test_notebooks_have_cells_code_and_the_beginning_of_output():
    found = outline(read("a.ipynb", notebook()))
    assert [(h, s) for h, _, s, _ in found] == [
        (("Tides",), None),
        (("Tides",), "python"),
        (("Tides",), None),
        (("Tides", "Check"), None),
    ]
    assert found[1][3] == "def high_water(day):\n    return day * 24.8" and 900 < len(found[2][3]) <= 1000


def test_an_older_notebook_with_worksheets():
    cells = [{"cell_type": "code", "input": ["x = 1\n"], "outputs": []}, {"cell_type": "markdown", "source": "words"}]
    book = {"nbformat": 3, "worksheets": [{"cells": cells}]}
    assert [text for _, text in prose(read("a.ipynb", json.dumps(book)))] == ["x = 1", "words"]


def test_slides_are_pages_with_titles_tables_and_notes():
    found = outline(read("a.pptx", SAMPLES["a.pptx"]))
    assert [(h, p) for h, p, _, _ in found] == [(("Harbour day",), 1), (("Parking",), 2), (("Slide 3",), 3)]
    assert "Field: North; Cars: 300" in found[1][3] and found[1][3].endswith("Notes: Mention the bus.")


def test_sheets_are_headings_and_a_title_above_a_table_names_no_column():
    assert prose(read("a.xlsx", SAMPLES["a.xlsx"])) == [
        (("Berths",), "Berths"),
        (("Berths", "Berths in 2026"), "Berths in 2026\nberth: A1; depth: 5.5; since: 2021-03-01\nberth: B2; depth: 6"),
        (("Fees",), "Fees\nboat: Dinghy; fee: 15"),
    ]


def test_emails_have_a_head_a_body_and_attachments():
    found = outline(read("a.eml", SAMPLES["a.eml"]))
    assert found[0][3].splitlines() == [
        "Subject: Mooring in May",
        "From: Ann <ann@example.org>",
        "Date: Mon, 04 May 2026 10:00:00 +0000",
    ]
    assert found[1][3] == "The buoy is free from May.\nBring rope."
    assert found[3][:2] == (("Mooring in May", "Attachment crane.pdf", "Crane manual", "Upkeep"), 2)
    assert found[4][3] == "Attachment buoy.png, not read: no reader for .png"


def test_an_email_of_html_alone():
    message = email()
    message.set_content('<meta charset="utf-8"><p>Free from <b>May</b>: £5.</p>', subtype="html", charset="cp1252")
    assert (
        outline(read("a.eml", bytes(message)))[1][3] == "Free from May: £5."
    )  # what the message says of its encoding holds, not what the page says


def test_a_broken_attachment_leaves_the_email():
    message = email()
    message.add_attachment(b"PK\3\4 no zip", maintype="application", subtype="octet-stream", filename="a.docx")
    assert (
        outline(read("a.eml", bytes(message)))[-1][3] == "Attachment a.docx, not read: the file is damaged or broke off"
    )


def test_text_in_tables_within_tables_stands_once():
    inner = "<table><tr><td>Boat</td><td>Fee</td></tr><tr><td>Dinghy</td><td>£3</td></tr></table>"
    page = f"<table><tr><td>{inner}</td><td>Aside</td></tr></table>"
    assert prose(read("a.html", page)) == [((), "Boat: Dinghy; Fee: £3\n\nAside")]


def test_what_cannot_be_stored_becomes_another_character():
    document = read("a.jsonl", '{"a": "x\\ud800y\\u0000z"}')
    assert document.text.startswith("a: x?y\ufffdz") and document.sections[0].end == len(document.text)
    cell = {"cell_type": "markdown", "metadata": {}, "source": ["# Fees \ud800\0\n", "\n", "No fee."]}
    notebook = read("a.ipynb", json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}))
    assert notebook.sections[-1].headings == ("Fees ?\ufffd",) and notebook.title == "Fees ?\ufffd"


def test_html_says_its_encoding():
    assert read("a.html", '<meta charset="cp1251"><p>Порт</p>'.encode("cp1251")).text.strip() == "Порт"


def test_running_heads_are_dropped_from_pdfs_unless_nothing_else_is_there():
    words = ["One.", "Two.", "Three."]
    document = read("a.pdf", pdf(*[lines((10, "Harbour Trust"), (10, word)) for word in words]))
    assert outline(document) == [((), n, None, word) for n, word in enumerate(words, 1)]
    same = read("a.pdf", pdf(*[lines((10, "Berth form."))] * 3))
    assert [s.page for s in same.sections] == [1, 2, 3] and same.text.count("Berth form.") == 3


def test_pages_and_characters_have_limits():
    two = pdf(lines((10, "One.")), lines((10, "Two.")))
    assert [s.page for s in read("a.pdf", two, max_pages=2).sections] == [1, 2]
    with pytest.raises(DocumentError, match="2 pages, more than 1: .*documents.max_pages"):
        read("a.pdf", two, max_pages=1)
    with pytest.raises(DocumentError, match="3 slides, more than 2"):
        read("a.pptx", SAMPLES["a.pptx"], max_pages=2)


def test_a_renamed_file_embeds_the_same():
    for name, data in SAMPLES.items():
        one, other = (
            chunk_document(read(f"{stem}{Path(name).suffix}", data), ChunkSettings()) for stem in ("one", "another")
        )
        assert [c.embedding_text for c in one] == [c.embedding_text for c in other]
    bare = Chunk("tide-times.txt", "tide times", 0, 4, "noon", (), None)
    assert (bare.embedding_text, bare.search_text) == ("noon", "tide times\nnoon")
    assert dataclasses.replace(bare, headings=("A", "B")).embedding_text == "A > B\nnoon"
