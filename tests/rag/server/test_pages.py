"""Pages of PDF files: drawn with the cited words marked where they stand, within limits, and remembered."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.marked_words import find_words, folded
from rag.documents.page_image import draw_page
from rag.server.api import pages
from serving import until

PDF = next(path for path in (Path(__file__).parents[3] / "corpus").rglob("annual-review-2024-25.pdf"))


def test_words_are_found_whatever_breaks_them_on_the_page():
    shown, places = folded("Both en-\nded BETTER, “ﬁnally” • 40 t | 12")
    assert shown == "bothendedbetterfinally40t12" and len(places) == len(shown)
    (found,) = find_words(shown, "ended better,  finally", 0)
    assert shown[slice(*found)] == "endedbetterfinally"


def test_the_same_words_are_found_as_often_as_they_stand_before():
    shown = folded("Fee 40. Fee 50. Fee 60.")[0]
    assert [find_words(shown, "Fee", before)[0][0] for before in (0, 1, 2, 5)] == [0, 5, 10, 10]


def test_cells_that_stand_apart_are_found_one_by_one():
    shown = folded("Crane Berth 40 tonnes nine")[0]
    assert [shown[a:b] for a, b in find_words(shown, "Crane | 40 tonnes\nnine", 0)] == ["crane", "40tonnes", "nine"]
    assert find_words(shown, "", 0) == find_words(shown, "of 1", 0) == []


def test_a_row_whose_text_names_each_column_is_found_by_its_cells():
    shown = folded("Turnover rose. Measure 2024 2023 Turnover £19.4 million £18.1 million Surplus £1.27 million")[0]
    found = find_words(shown, "Measure: Turnover; 2024: £19.4 million; 2023: £18.1 million", 0)
    assert [shown[a:b] for a, b in found] == ["turnover", "194million", "181million"] and found[0][0] > 12


def test_a_page_is_drawn_with_its_words_marked_in_the_place_of_their_ink(served, ended):
    from PIL import Image

    made = served()
    ended(made.client, made.client.put("/documents/review.pdf", content=PDF.read_bytes()).json())
    text = made.client.get("/documents/review.pdf").json()
    assert text["drawn"] and not made.client.get("/documents/leave.md").json()["drawn"]
    at = text["text"].index("Laid before the annual")
    drawn = made.client.get("/pages/1/review.pdf", params={"start": at, "end": at + 22}).json()
    (mark,) = drawn["marks"]
    image = Image.open(BytesIO(base64.b64decode(drawn["png"]))).convert("L")
    assert image.size == (drawn["width"], drawn["height"]) and drawn["pages"] == 4
    left, top, right, bottom = (round(share * size) for share, size in zip(mark, image.size * 2, strict=True))
    assert image.crop((left, top, right, bottom)).getextrema()[0] < 100  # letters
    assert right - left > 5 * (bottom - top) > 50


def test_no_more_words_are_looked_for_than_a_page_has():
    text = "a" * 70_000
    store = SimpleNamespace(text=lambda id: text, chunks_of=lambda id: [])
    words, before = pages._marked(store, "book.pdf", 1, 50_000, 70_000)
    assert len(words) == pages.LONGEST_PAGE and before == 1
    assert len(pages._marked(store, "book.pdf", 1, 0, 70_000)[0]) == pages.LONGEST_PAGE


def test_a_page_is_drawn_once_and_remembered(served, ended, monkeypatch):
    made = served()
    ended(made.client, made.client.put("/documents/review.pdf", content=PDF.read_bytes()).json())
    first = made.client.get("/pages/2/review.pdf").json()
    monkeypatch.setattr("rag.server.api.pages.draw_page", lambda *args: pytest.fail("drawn again"))
    assert made.client.get("/pages/2/review.pdf").json() == first and first["marks"] == []


def test_pages_that_wait_to_be_drawn_hold_up_no_other_request(served, ended, monkeypatch):
    drawing, begun = threading.Event(), []
    made = served()
    ended(made.client, made.client.put("/documents/review.pdf", content=PDF.read_bytes()).json())
    monkeypatch.setattr(pages, "PATIENCE", 0.2)
    monkeypatch.setattr(pages, "draw_page", lambda *_: begun.append(1) or drawing.wait(20) and None)
    with ThreadPoolExecutor(45) as clients:  # more than the server has threads
        asked = [clients.submit(made.client.get, "/pages/1/review.pdf") for _ in range(45)]
        until(lambda: begun)
        assert made.client.get("/documents", timeout=5).status_code == 200 and len(begun) == 1
        until(lambda: sum(each.done() for each in asked) == 44)
        drawing.set()
    assert [each.result().status_code for each in asked].count(503) == 44


def test_what_can_not_be_drawn_says_why(served, ended, tmp_path):
    made = served()
    ended(made.client, made.client.put("/documents/review.pdf", content=PDF.read_bytes()).json())
    for path, status, said in (
        ("/pages/9/review.pdf", 400, "4 pages"),
        ("/pages/1/leave.md", 404, "PDF"),
        ("/pages/1/none.pdf", 404, "no document"),
        ("/pages/0/review.pdf", 422, "number"),
    ):
        refused = made.client.get(path)
        assert refused.status_code == status and said in refused.json()["error"]["message"]
    (made.index / "server" / "uploads" / "review.pdf").write_bytes(PDF.read_bytes() + b"\n")
    assert made.client.get("/pages/1/review.pdf").status_code == 409


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7 nonsense"])
def test_a_damaged_file_is_no_page(data):
    with pytest.raises(DocumentError, match="can't be drawn"):
        draw_page(data, 1, "", 0, DocumentSettings())


def test_a_page_that_takes_too_much_memory_ends_its_process_alone():
    with pytest.raises(DocumentError, match="can't be drawn"):
        draw_page(PDF.read_bytes(), 1, "", 0, DocumentSettings(max_memory=1000))
