"""The page in Debian's Chromium: every view, by mouse and by keyboard, on a phone and in the dark."""

import pytest

from page_fixtures import ask, check_access, needs_chromium, shot
from rag.answering.answer import Answer
from rag.answering.evidence.grounding import cite
from rag.index.writer_lock import writer_lock
from serving import ANSWER, QUESTION, UNKNOWN, until

HOSTILE = "<img src=x onerror=\"document.title='owned'\"> <b>Bold</b> costs 12 crowns of the realm.\n"
pytestmark = needs_chromium


def test_an_answer_comes_and_its_citation_is_highlighted_in_the_document(opened):
    page = opened()
    shot(page, "start")
    ask(page)
    assert page.locator(".answer").inner_text() == ANSWER
    shot(page, "answer")
    page.get_by_role("button", name="[1] board/minutes.md").first.click()
    mark = page.locator("mark")
    mark.wait_for()
    assert mark.inner_text() == ANSWER and page.evaluate("document.activeElement.id") == "cited"
    shot(page, "cited")
    check_access(page)
    page.keyboard.press("Escape")
    assert page.locator("#reader").is_hidden()
    assert "[1] board/minutes.md" in page.evaluate("document.activeElement.textContent")


def let_answer(page, kind, text, *quotes):
    """Let the server give an answer of a kind, with quotes of leave.md; {n} in its text is the passage."""
    (answerer,) = page.made.answerers.values()

    def answer(question, passages, on_text=None):
        n, chunk = next((n, each.chunk) for n, each in enumerate(passages, 1) if each.chunk.document == "leave.md")
        starts = [chunk.text.index(quote) for quote in quotes]
        cited = [cite(chunk, n, start, start + len(quote)) for start, quote in zip(starts, quotes, strict=True)]
        return Answer(text.format(n=n), False, 0.9, cited, passages, text, kind=kind)

    answerer.answer = answer


def test_the_numbers_of_a_difference_lead_to_what_each_cites(opened):
    page = opened()
    quotes = "Annual leave is 25 days a year.", "Leave must be asked for two weeks before."
    let_answer(page, "difference", "two weeks [{n}] − 25 days [{n}] = 11 days", *quotes)
    ask(page, "How many days of leave?")
    numbers = page.locator(".answer button")
    assert numbers.count() == 2 and "11 days" in page.locator(".answer").inner_text()
    check_access(page)
    for link, quote in zip(numbers.all(), reversed(quotes), strict=True):
        link.click()
        page.locator("mark").get_by_text(quote).wait_for()


def test_the_items_of_a_list_say_their_place_once(opened):
    page = opened()
    let_answer(page, "list", "25 days; two weeks; see [1]", "25 days", "two weeks")
    ask(page, "Which times are named?")
    assert page.locator(".citation").count() == 2 and page.locator(".citation .place").count() == 1
    assert page.locator(".answer button").count() == 0  # what a document says is no link
    page.locator(".citation").last.click()
    page.locator("mark").get_by_text("two weeks").wait_for()
    check_access(page)


def test_many_files_leave_the_page_usable(opened, tmp_path):
    """A browser has six connections to a server: they are not all held by jobs that wait for each other."""
    page = opened("/#documents")
    for n in range(8):
        (tmp_path / f"d{n}.md").write_text(f"# Berth {n}\n\nBerth {n} is {n}0 metres long.\n")
    with writer_lock(page.made.index):
        page.get_by_label("Add files").set_input_files([str(tmp_path / f"d{n}.md") for n in range(8)])
        page.locator(".jobs li").nth(7).wait_for()
        page.get_by_role("link", name="Ask").click()
        ask(page)
        page.get_by_role("link", name="Documents").click()
    page.get_by_text("11 of 11 documents").wait_for()  # also in the view that was opened since


def test_passages_are_shown_with_their_scores(opened):
    page = opened()
    ask(page)
    page.get_by_text("Passages read (3)").click()
    first = page.locator(".passages li").first
    assert "dense 0." in first.inner_text() and "BM25" in first.inner_text() and "cited" in first.inner_text()
    assert "Kestrel Bay was built in 1998." in first.inner_text()
    shot(page, "passages")


def test_a_refusal_is_told_as_one_and_a_follow_up_is_shown_as_it_is_asked(opened):
    page = opened()
    ask(page, UNKNOWN)
    assert "do not answer this" in page.locator(".answer.refused").inner_text()
    ask(page)
    ask(page, "Who built it?")
    assert "Asked as: Who built it (Kestrel Bay" in page.locator(".conversation").inner_text()
    shot(page, "conversation")
    page.get_by_role("button", name="New conversation").click()
    assert page.locator(".conversation li").count() == 0


def test_thumbs_and_corrections_are_kept(opened):
    page = opened()
    ask(page)
    page.get_by_role("button", name="Wrong").click()
    page.get_by_label("What is right, in the document's words?").fill("in 1998")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Correction kept.").wait_for()
    shot(page, "correction")
    check_access(page)
    (kept,) = page.made.client.get("/feedback").json()["feedback"]
    assert (kept["thumb"], kept["correction"]) == ("down", "in 1998")
    page.get_by_role("button", name="Right").click()
    until(lambda: page.made.client.get("/feedback").json()["feedback"][0]["thumb"] == "up")


def test_files_are_added_watched_found_and_removed(opened, tmp_path):
    page = opened("/#documents")
    check_access(page)
    files = []
    for name, text in (
        ("berths.md", "# Berths\n\nBerth nine is 240 metres long.\n"),
        ("broken.pdf", "%PDF-1.7 nonsense"),
    ):
        (tmp_path / name).write_text(text)
        files.append(str(tmp_path / name))
    page.get_by_label("Add files").set_input_files(files)
    page.get_by_text("berths.md: 1 added").wait_for()
    page.locator(".jobs .error").get_by_text("broken.pdf").wait_for()
    page.get_by_role("button", name="berths.md", exact=True).wait_for()
    shot(page, "documents")
    check_access(page)
    page.get_by_label("Find by name").fill("BERTH")
    page.get_by_text("1 of 4 documents").wait_for()
    page.get_by_role("button", name="Remove berths.md").click()
    page.get_by_role("button", name="Remove it").click()
    page.get_by_text("berths.md: 1 removed").wait_for()
    page.get_by_text("0 of 3 documents").wait_for()
    page.get_by_role("button", name="Bring folders up to date").click()
    page.get_by_text("all folders: nothing new").wait_for()


def test_a_dropped_file_is_taken_up(opened):
    page = opened("/#documents")
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["# Tide\\n\\nThe tide turns at noon.\\n"], "tide.md"));
          const drop = document.querySelector(".drop");
          for (const kind of ["dragover", "drop"])
            drop.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    page.get_by_text("tide.md: 1 added").wait_for()


def test_what_a_document_says_is_text_and_never_html(opened, served, ended):
    made = served()
    ended(made.client, made.client.put("/documents/%3Cb%3Ename.txt", content=HOSTILE.encode()).json())
    page = opened(made=made)
    ask(page, "How many crowns of the realm?")
    page.get_by_text("Passages read").click()
    page.locator(".citation").first.click()
    page.locator("mark").wait_for()
    assert page.locator("main b, main img, #reader b, #reader img").count() == 0
    assert "<b>Bold</b>" in page.locator("#reader").inner_text() and page.title() != "owned"
    page.goto("/#documents")
    page.get_by_role("button", name="<b>name.txt", exact=True).wait_for()


def test_two_generators_are_compared_side_by_side(opened):
    page = opened("/#compare")
    page.get_by_label("Question").fill(QUESTION)
    page.get_by_role("button", name="Ask both").click()
    for name in ("Left", "Right"):
        page.get_by_role("region", name=name).locator(".verdict").wait_for()
    shown = page.locator(".sides").inner_text()
    assert "· base ·" in shown and "· reader ·" in shown and shown.count(ANSWER) >= 2
    shot(page, "compare")
    check_access(page)


def test_settings_are_shown_and_the_search_can_be_tried(opened, served):
    page = opened("/#settings", made=served("answer.least=0.4"))
    table = page.get_by_role("table", name="answer")
    assert table.locator("tr.changed").inner_text().split() == ["least", "0.4", "default", "0.2"]
    assert page.get_by_text("1 of ").count() == 1
    page.get_by_label("Try the search").fill("crane")
    page.get_by_role("button", name="Search").click()
    page.locator(".passages li").first.wait_for()
    assert "BM25" in page.locator(".passages").inner_text()
    shot(page, "settings")
    check_access(page)


def test_the_address_of_a_citation_opens_the_page_at_it(opened, served):
    made = served()
    url = made.client.post("/ask", json={"question": QUESTION}).json()["citations"][0]["url"]
    page = opened(url.removeprefix(made.url), made=made)
    page.locator("mark").wait_for()
    assert page.locator("mark").inner_text() == ANSWER


def test_characters_beyond_the_first_plane_do_not_shift_the_highlight(opened, served, ended):
    made = served()
    text = "# 𝔅erths 🚢🚢🚢\n\nBerth nine is 240 metres long. 🚢 More.\n"
    ended(made.client, made.client.put("/documents/berths.md", content=text.encode()).json())
    page = opened(made=made)
    ask(page, "How long is berth nine?")
    page.locator(".citation").first.click()
    page.locator("mark").wait_for()
    assert page.locator("mark").inner_text() == "Berth nine is 240 metres long."


def test_everything_can_be_done_by_keyboard(opened):
    page = opened()
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    page.locator(".verdict").wait_for()
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.className") == "citation":
            break
    page.keyboard.press("Enter")
    page.locator("mark").wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "citation"


@pytest.mark.parametrize("view", ["ask", "documents", "compare", "settings"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_every_view_in_its_width_and_in_the_dark(opened, view, scheme):
    page = opened(f"/#{view}", viewport={"width": 360, "height": 740}, color_scheme=scheme, has_touch=True)
    if view == "ask":
        ask(page)
        page.locator(".citation").first.click()
        page.locator("mark").wait_for()
        shot(page, f"phone-document-{scheme}")
        check_access(page)
        page.get_by_role("button", name="Close the document").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    shot(page, f"phone-{view}-{scheme}")
    check_access(page)


def test_a_key_is_asked_for_once_and_used(opened, served):
    from rag.server.state.keys import add_key

    made = served(loopback=False)
    key = add_key(made.index, "laptop")
    page = opened("/", made=made)
    page.get_by_role("textbox", name="Key").fill(key)
    shot(page, "key")
    page.get_by_role("button", name="Use it").click()
    page.get_by_label("Question").wait_for()
    ask(page)
    assert page.locator(".answer").inner_text() == ANSWER


def test_an_error_is_told_and_the_page_goes_on(opened):
    page = opened()
    page.get_by_label("Question").fill("???")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_role("alert").get_by_text("type one").wait_for()
    ask(page)


def test_where_there_is_no_document_yet_the_page_leads_to_where_they_are_added(opened, served):
    page = opened(made=served(indexed=False))
    page.get_by_label("Question").fill(QUESTION)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_role("alert").get_by_role("link", name="add some").click()
    page.get_by_label("Add files").wait_for()


def test_an_answer_can_be_stopped_and_ends_its_work(opened):
    page = opened()
    (answerer,) = page.made.answerers.values()
    answerer.free.clear()
    page.get_by_label("Question").fill(QUESTION)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_text("Reading 3 passages…").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped.").wait_for()
    answerer.free.set()
    ask(page)
