from pathlib import Path

import docx
import pytest

from fakes import CORPUS, INCOMING, INDEXED, corpus_document
from rag.core.errors import DocumentError
from rag.documents.discovery import find_files
from rag.documents.document import read_document


def read(folder, name, data):
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_document(path, name)


def under(document, words):
    """Return the headings of the section that `words` stand in."""
    at = document.text.index(words)
    return next(section.headings for section in document.sections if section.start <= at < section.end)


def test_markdown_keeps_the_files_own_characters_and_nests_headings(tmp_path):
    text = "before\n\n# Port\n\n## Fees ##\npay *here*\n\n### Late\nmore\n\n## Times\nopen\n"
    found = read(tmp_path, "a.md", text)
    assert found.text == text and found.title == "Port"
    assert under(found, "before") == ()
    assert under(found, "pay") == ("Port", "Fees")
    assert under(found, "more") == ("Port", "Fees", "Late")
    assert under(found, "open") == ("Port", "Times")
    assert "".join(text[s.start : s.end] for s in found.sections) == text


def test_markdown_finds_no_heading_in_fenced_code(tmp_path):
    text = "# One\n```sh\n# comment\n~~~\n# still code\n```\n# Two\n````\n```\n# deep\n```\n````\n# Three\n"
    assert [s.headings for s in read(tmp_path, "a.md", text).sections] == [("One",), ("Two",), ("Three",)]


def test_plain_text_in_windows_1252(tmp_path):
    assert read(tmp_path, "a.txt", "Fee: £15 – “due” now".encode("cp1252")).text == "Fee: £15 – “due” now"


def test_byte_order_mark_is_not_text(tmp_path):
    assert read(tmp_path, "a.txt", "\ufeffHello".encode()).text == "Hello"


def test_csv_rows_make_sense_on_their_own(tmp_path):
    found = read(tmp_path, "a.csv", 'berth;depth\nA1;5.2\nB2;"6;1"\n')
    assert found.text.splitlines() == ["berth: A1; depth: 5.2", "berth: B2; depth: 6;1"]


def test_html_gives_headings_and_table_rows_and_leaves_navigation_out(tmp_path):
    page = """<html><head><title>T</title><style>p{}</style></head><body><nav>Menu</nav><header>Banner</header>
        <h1>Guide</h1><p>First<br>line <b>bo</b>ld</p><h2>Rates</h2>
        <table><tr><th>Boat</th><th>Fee</th></tr><tr><td>Dinghy</td><td>£3</td></tr></table><script>bad()</script><footer>Foot</footer></body>"""
    found = read(tmp_path, "a.html", page)
    assert found.title == "Guide"
    assert "First line bold" in found.text
    assert under(found, "Boat: Dinghy; Fee: £3") == ("Guide", "Rates")
    assert not any(word in found.text for word in ("Menu", "Banner", "bad()", "Foot", "p{}"))


def test_html_without_headings_takes_its_title(tmp_path):
    assert read(tmp_path, "a.html", "<title>Only a title</title><p>text</p>").title == "Only a title"


def test_docx_gives_headings_and_table_rows(tmp_path):
    made = docx.Document()
    made.add_heading("Rules", 0)
    made.add_heading("Travel", 1)
    made.add_paragraph("Trains are second class.")
    table = made.add_table(2, 2)
    for cell, text in zip([*table.rows[0].cells, *table.rows[1].cells], ["Meal", "Most", "Lunch", "£9"], strict=True):
        cell.text = text
    made.save(tmp_path / "a.docx")
    found = read_document(tmp_path / "a.docx", "a.docx")
    assert under(found, "Trains are second class.") == ("Rules", "Travel")
    assert under(found, "Meal: Lunch; Most: £9") == ("Rules", "Travel")


def test_pdf_gives_pages_headings_and_table_rows():
    found = corpus_document("ferries/fares-and-conditions.pdf")
    assert found.sections[0].page == 1 and max(s.page for s in found.sections) > 1
    assert [s.page for s in found.sections] == sorted(s.page for s in found.sections)
    assert all(s.headings for s in found.sections) and any(len(s.headings) > 1 for s in found.sections)
    source = (CORPUS / ".sources/ferries/fares-and-conditions.pdf.md").read_text()
    rows = [[c.strip() for c in line.strip("| ").split("|")] for line in source.splitlines() if line.startswith("|")]
    head, first = rows[0], rows[2]
    assert f"{head[0]}: {first[0]}; {head[1]}: {first[1]}" in found.text


def test_every_corpus_document_has_sections_that_cover_its_text():
    wrong = []
    for name in INDEXED + INCOMING:
        found = corpus_document(name)
        at = 0
        for section in found.sections:
            if section.start != at:
                wrong.append((name, section))
            at = section.end
        if at != len(found.text):
            wrong.append((name, at, len(found.text)))
    assert not wrong


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.pdf", b"%PDF-1.4 broken", "PDF"),
        ("a.docx", b"not a zip", "no DOCX"),
        ("a.txt", b"\x00\x01\x02", "binary"),
        ("a.csv", b"a\x00b", "binary"),
        ("a.md", b"", "no text"),
        ("a.txt", b" \n\t ", "no text"),
        ("a.html", b"<script>x()</script>", "no text"),
        ("a.exe", b"x", "no reader for .exe"),
        ("README", b"x", "files without a suffix"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_in_one_line(tmp_path, name, data, reason):
    with pytest.raises(DocumentError) as error:
        read(tmp_path, name, data)
    assert reason.lower() in str(error.value).lower() and "\n" not in str(error.value)


def test_digest_is_of_the_bytes(tmp_path):
    assert (
        read(tmp_path, "a.txt", "one").digest
        == read(tmp_path, "b.txt", "one").digest
        != read(tmp_path, "c.txt", "two").digest
    )


@pytest.fixture
def tree(tmp_path):
    for name in ("a.md", "drafts/x.md", "sub/deep/b.txt", "sub/c.log", ".git/d.md", ".hidden.md"):
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "docs" / ".ragignore").write_text("# left out\ndrafts/\n*.log\n")
    return tmp_path / "docs"


def ids(target):
    return [id for _, id in find_files(target)]


def test_ragignore_and_hidden_files_are_left_out(tree):
    assert ids(tree) == ["a.md", "sub/deep/b.txt"]


def test_ids_do_not_depend_on_what_is_named(tree, monkeypatch):
    assert ids(tree / "sub") == ["sub/c.log", "sub/deep/b.txt"]
    assert ids(tree / "sub" / "deep" / "b.txt") == ["sub/deep/b.txt"]
    assert ids(tree / "drafts") == ["drafts/x.md"]
    monkeypatch.chdir(tree / "sub")
    assert [id for _, id in find_files(tree.parent / "docs" / "sub" / ".." / "sub")] == ["sub/c.log", "sub/deep/b.txt"]


def test_without_ragignore_ids_are_relative_to_the_folder(tmp_path):
    (tmp_path / "x.md").write_text("x")
    assert ids(tmp_path) == ids(tmp_path / "x.md") == ["x.md"]


def test_a_link_to_a_file_elsewhere_has_the_links_own_place(tree, tmp_path):
    (tmp_path / "elsewhere.md").write_text("outside")
    (tree / "sub" / "link.md").symlink_to(tmp_path / "elsewhere.md")
    assert ids(tree) == ["a.md", "sub/deep/b.txt", "sub/link.md"]
    assert ids(tree / "sub" / "link.md") == ["sub/link.md"]


def test_a_ragignore_in_a_folder_inside_holds_there_and_ids_stay_relative_to_the_outermost(tree):
    (tree / "sub" / ".ragignore").write_text("*.txt\n/deep/own.md\n")
    for name in ("sub/e.md", "sub/deep/own.md", "own.md"):
        (tree / name).write_text(name)
    assert ids(tree) == ["a.md", "own.md", "sub/e.md"]
    assert ids(tree / "sub" / "e.md") == ["sub/e.md"] and ids(tree / "sub") == ["sub/c.log", "sub/e.md"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.md", ["a.md"]),
        ("**/*.txt", ["sub/deep/b.txt"]),
        ("sub/d*", ["sub/deep/b.txt"]),
        ("*", ["a.md", "sub/deep/b.txt"]),
        ("[ab].*", ["a.md"]),
        ("s?b/**/b.txt", ["sub/deep/b.txt"]),
        ("**/x.md", []),
    ],
)
def test_a_pattern_names_files_and_folders_less_what_is_ignored(tree, pattern, found):
    assert ids(tree / pattern) == found


def test_a_pattern_may_be_relative(tree, monkeypatch):
    monkeypatch.chdir(tree.parent)
    assert [(str(path), id) for path, id in find_files(Path("docs/**/*.txt"))] == [
        ("docs/sub/deep/b.txt", "sub/deep/b.txt")
    ]
    monkeypatch.chdir(tree)
    assert ids(Path("*.md")) == ["a.md"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tree):
    (tree / "b[1].md").write_text("b")
    assert ids(tree / "b[1].md") == ["b[1].md"]


def test_a_pattern_that_names_nothing_is_an_error(tree):
    with pytest.raises(DocumentError, match="no file is named by"):
        ids(tree / "*.pdf")


def test_a_ragignore_that_cannot_be_read_stops_the_indexing(tree, monkeypatch):
    (tree / ".ragignore").unlink()
    (tree / ".ragignore").mkdir()
    with pytest.raises(DocumentError, match="ragignore can't be read"):
        ids(tree)


def test_a_target_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(DocumentError, match="no file or folder"):
        ids(tmp_path / "gone")
