import json
import random
import unicodedata
from pathlib import Path

import pytest

from fakes import INCOMING, INDEXED, corpus_document, document
from rag.core.chunk import Chunk
from rag.core.sections import ChunkSettings
from rag.documents.chunking import chunk_document
from rag.documents.document import Document, parse_document
from rag.documents.formats.base.sections import Block, assemble
from rag.documents.formats.tables.rows import table_blocks
from rag.documents.identity import PARSERS_VERSION, chunker_identity


def test_corpus_chunks_are_slices_inside_one_section_and_within_size():
    wrong = []
    for name in INDEXED + INCOMING:
        read, settings = corpus_document(name), ChunkSettings()
        for c in chunk_document(read, settings):
            home = [s for s in read.sections if s.start <= c.start and c.end <= s.end]
            good = len(home) == 1 and (home[0].headings, home[0].page) == (c.headings, c.page)
            if not (good and c.text == read.text[c.start : c.end] and c.text.strip() and len(c.text) <= settings.size):
                wrong.append((name, c.start, c.end))
    assert not wrong


def test_every_word_of_a_document_is_in_a_chunk():
    made = document("a.md", "# Head\n\n" + " ".join(f"word{n}. " for n in range(300)))
    chunks = chunk_document(made, ChunkSettings(100))
    assert " ".join(c.text for c in chunks).split() == made.text.split()[2:]
    assert all(a.end <= b.start for a, b in zip(chunks, chunks[1:], strict=False))


def test_repeated_text_gets_its_own_place():
    made = document("a.txt", "\n\n".join(["same words here again"] * 6))
    assert [c.start for c in chunk_document(made, ChunkSettings(30))] == [0, 23, 46, 69, 92, 115]


def test_text_without_any_separator_is_cut_to_size():
    chunks = chunk_document(document("a.txt", "x" * 250), ChunkSettings(100))
    assert [(c.start, c.end) for c in chunks] == [(0, 100), (100, 200), (200, 250)]


@pytest.mark.parametrize(
    "piece", ["e\u0301", "\U0001f469\u200d\U0001f680", "\U0001f44d\U0001f3fd", "क्षि", "x\u0308\u0323", "\u2764\ufe0f"]
)
def test_text_is_never_cut_between_a_character_and_what_combines_with_it(piece):
    text = piece * 80
    chunks = chunk_document(document("a.txt", text), ChunkSettings(50))
    assert "".join(c.text for c in chunks) == text and len(chunks) > 1
    assert all(
        unicodedata.category(c.text[0])[0] != "M" and c.text[0] not in "\u200d\U0001f680\U0001f3fd" for c in chunks
    )


@pytest.mark.parametrize("seed", range(30))
def test_any_text_is_cut_literally_and_nothing_is_lost(seed):
    dice = random.Random(seed)
    text = "".join(
        dice.choice("ab. ;?!\n\n\t#=-\u0301\u00a0\u2028é漢🙂\x0b") for _ in range(dice.choice((0, 1, 50, 2000)))
    )
    for size in (1, 7, 100):
        chunks = chunk_document(document("a.md", text), ChunkSettings(size))
        assert all(c.text == text[c.start : c.end] and c.text.strip() == c.text != "" for c in chunks)
        assert all(a.end <= b.start for a, b in zip(chunks, chunks[1:], strict=False))
        if "#" not in text:
            assert "".join("".join(c.text.split()) for c in chunks) == "".join(text.split())


def test_an_underlined_heading_alone_is_no_chunk():
    made = parse_document(Path("a.md"), "a.md", b"Port\n====\n\nFees\n----\n\nPay here.\n")
    assert [(c.headings, c.text) for c in chunk_document(made, ChunkSettings())] == [
        (("Port", "Fees"), "Fees\n----\n\nPay here.")
    ]


def test_a_heading_alone_is_no_chunk():
    chunks = chunk_document(document("a.md", "# Port\n\n## Fees\n\nPay here.\n"), ChunkSettings())
    assert [(c.headings, c.text) for c in chunks] == [(("Port", "Fees"), "## Fees\n\nPay here.")]


def test_place_is_for_people_and_searched_carries_the_headings():
    c = Chunk("p/a.pdf", "Port", 0, 3, "Pay", ("Port", "Fees"), 4)
    assert c.location == "p/a.pdf > Fees > page 4"
    assert c.search_text == c.embedding_text == "Port > Fees\nPay"
    assert Chunk("p/a.md", "Port", 0, 3, "Pay", ("Annex", "Fees"), None).location == "p/a.md > Annex > Fees"
    assert Chunk("a.txt", "a", 0, 3, "Pay", (), None).search_text == "a\nPay"


def test_identity_changes_with_the_size():
    assert f'"parsers": "{PARSERS_VERSION}"' in chunker_identity(ChunkSettings(100))
    assert (
        chunker_identity(ChunkSettings(100))
        == chunker_identity(ChunkSettings(100))
        != chunker_identity(ChunkSettings(101))
    )


def test_table_rows_keep_their_cells_and_a_long_row_its_name():
    story = "The winch was greased and its rope was changed by the crew. " * 12
    rows = [["Buoy", "State", "Log"], ["K-17", "sound", "none"], ["K-71", "worn", story.strip()], ["K-77", "lost", "-"]]
    text, sections, _ = assemble([Block("Buoys", 1), Block("State in May."), *table_blocks(rows)], "\n")
    document = Document("a.csv", "/a.csv", "Buoys", text, tuple(sections), "")
    chunks = chunk_document(document, ChunkSettings(size=200))
    named = [(c.row_name, c.column, chunk.text[c.start : c.end]) for chunk in chunks for c in chunk.cells]
    assert ("K-17", "State", "sound") in named and ("K-77", "Log", "-") in named
    pieces = [chunk for chunk in chunks if "greased" in chunk.text]
    assert len(pieces) > 2 and all(chunk.headings == ("Buoys", "K-71", "Log") for chunk in pieces[1:])
    assert all({c.row_name for c in chunk.cells} == {"K-71"} for chunk in pieces)
    assert pieces[0].text.startswith("Buoy: K-71") and pieces[0].headings == ("Buoys",)
    assert len({c.row for chunk in chunks for c in chunk.cells}) == 3


def test_a_record_of_many_lines_keeps_its_name_in_all_its_pieces():
    parts = [{"part": f"P-{n}", "bin": f"C{n}", "note": "checked and greased"} for n in range(30)]
    record = {"name": "Crane C3", "maker": "Torvald", **{f"torque {n}": f"{n} Nm" for n in range(40)}, "parts": parts}
    data = json.dumps([{"name": "Crane C2", "maker": "Orvik"}, record]).encode()
    chunks = chunk_document(parse_document(Path("a.json"), "a.json", data), ChunkSettings(size=200))
    assert chunks[0].text.startswith("name: Crane C2") and "C3" not in chunks[0].text
    torques = [chunk for chunk in chunks if "torque" in chunk.text]
    assert len(torques) > 2 and [chunk.headings for chunk in torques[1:]] == [("Crane C3",)] * (len(torques) - 1)
    named = {(c.row_name, c.column): chunk.text[c.start : c.end] for chunk in chunks for c in chunk.cells}
    assert named["Crane C3, P-7", "bin"] == "C7" and named["Crane C3", "torque 12"] == "12 Nm"


def test_a_chunk_that_begins_between_cells_of_a_row_has_the_rows_name_alone():
    row = [f"value {n} of the row" for n in range(30)]
    blocks = table_blocks([["Key", *(f"Column {n}" for n in range(30))], ["K-5", *row]], header=1)
    text, sections, _ = assemble(blocks, "\n")
    chunks = chunk_document(Document("a.csv", "/a.csv", "a", text, tuple(sections), ""), ChunkSettings(size=300))
    assert len(chunks) > 2 and all(c.text.startswith("Column") and c.headings == ("K-5",) for c in chunks[1:])


@pytest.mark.parametrize(
    ("sentence", "stop"),
    [
        (
            "Loads are signed by T. W. Ashdown of Alder Co. Ltd., see No. 7 on p. 12, approx. 30 a day,\nnot by others",
            ". ",
        ),
        ("Die Miete ist bis zum 15. Juni zu zahlen, z. B. an Dr. Weiss, ca. 20 Euro", ". "),
        ("Is it late, Mr. Pike", "? "),
        ("会议在北京举行，费用是3.5元", "。"),
    ],
)
def test_prose_is_cut_at_ends_of_sentences_not_at_abbreviations_or_lines(sentence, stop):
    made = document("a.txt", (sentence + stop) * 12)
    for chunk in chunk_document(made, ChunkSettings(2 * len(sentence) + 20)):
        assert chunk.text.startswith(sentence[:9]) and chunk.text.endswith(stop.strip())


def test_rows_are_not_cut_at_sentences():
    blocks = table_blocks([["part", "note"], *([f"bolt {n}", "Turn it. Mind it. Oil it."] for n in range(9))])
    text, sections, _ = assemble(blocks, "\n")
    made = Document("a.csv", "a.csv", "a", text, tuple(sections), "")
    chunks = chunk_document(made, ChunkSettings(120))
    assert len(chunks) > 3 and all(c.text.startswith("part: bolt") and c.text.endswith("it.") for c in chunks)
