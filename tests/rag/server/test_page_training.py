"""Review, runs, watched folders and pages of PDF files in the page, by mouse and by keyboard."""

from pathlib import Path

import pytest

from finetune.api.router import router
from finetune.data.training_set import training_rows
from finetune.data.verdicts import read_verdicts
from page_fixtures import ask, check_access, needs_chromium, shot
from serving import ANSWER, QUESTION, until
from training_run import judge_run, write_run

PDF = next(path for path in (Path(__file__).parents[3] / "corpus").rglob("annual-review-2024-25.pdf"))
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
pytestmark = needs_chromium


def verdicts():
    return [line["verdict"] for line in read_verdicts("trial").values()]


def test_rows_are_kept_mended_dropped_and_taken_back_by_keyboard_alone(opened, served):
    made = served(more=[router])
    write_run()
    page = opened("/#review", made=made)
    page.get_by_role("article").wait_for()
    shot(page, "review")
    check_access(page)
    page.get_by_role("button", name="Keep").focus()
    for key, count in (("k", 1), ("d", 2), ("u", 1), ("d", 2)):
        page.keyboard.press(key)
        page.get_by_text(f"{count} judged, {4 - count} to go").wait_for()
    assert verdicts() == ["keep", "drop"]
    page.keyboard.press("m")
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.keyboard.press("End")
    page.keyboard.type(" mk")  # letters, no verdicts
    page.get_by_label("Answer, in the words of a passage").fill("nine litres")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("has these words").wait_for()
    check_access(page)
    page.get_by_role("button", name="No passage answers it").click()
    page.get_by_text("3 judged, 1 to go").wait_for()
    assert verdicts() == ["keep", "drop", "mend"]
    page.keyboard.press("k")
    page.get_by_text("Nothing waits for a review.").wait_for()


def test_feedback_comes_to_review_first_with_its_answer_marked(opened, served):
    made = served(more=[router])
    write_run()
    page = opened(made=made)
    ask(page)
    page.get_by_role("button", name="Right").click()
    page.get_by_text("Kept.").wait_for()
    page.get_by_role("link", name="Review").click()
    page.get_by_text("from feedback").wait_for()
    assert (
        page.locator("article h2").inner_text() == QUESTION and page.locator("article mark").inner_text() == ANSWER[:-1]
    )
    shot(page, "review-feedback")
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("1 judged").wait_for()
    assert training_rows("trial", "train")[-1].question == QUESTION


def test_a_thumb_down_can_say_that_nothing_answers(opened):
    page = opened()
    ask(page)
    page.get_by_role("button", name="Wrong").click()
    page.get_by_role("button", name="The documents do not answer it").click()
    until(lambda: page.made.client.get("/feedback").json()["feedback"][0]["unanswerable"])


def test_runs_are_shown_with_curves_and_verdicts(opened, served):
    made = served(more=[router])
    write_run("first"), write_run()
    judge_run()
    page = opened("/#runs", made=made)
    page.get_by_role(
        "img", name="Loss. training 1.5 at step 5; development from 1.25 at step 5 to 1 at step 10."
    ).wait_for()
    assert "not better" in page.get_by_role("region", name="Verdicts").inner_text()
    shot(page, "runs")
    page.get_by_text("Values").first.click()
    assert page.get_by_role("cell", name="1.25").is_visible()
    page.get_by_text("Every combination").click()
    check_access(page)
    page.get_by_role("button", name="first").press("Enter")
    page.get_by_role("heading", name="Run first").wait_for()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Run"


def test_a_server_without_training_says_so(opened):
    for view in ("review", "runs"):
        opened(f"/#{view}").get_by_role("alert").get_by_text("offers no training").wait_for()


def of_pdf(made, ended):
    ended(made.client, made.client.put("/documents/review.pdf", content=PDF.read_bytes()).json())
    text = made.client.get("/documents/review.pdf").json()["text"]
    at = text.index("Laid before the annual")
    return f"/?document=review.pdf&start={at}&end={at + 22}"


def test_a_page_stands_beside_its_text_with_the_cited_words_marked_on_both(opened, served, ended):
    made = served()
    page = opened(of_pdf(made, ended), made=made, viewport={"width": 1440, "height": 900})
    page.locator(".paper rect").wait_for(state="attached")
    mark, rect, image = (page.locator(each).bounding_box() for each in ("mark", ".paper rect", ".paper img"))
    assert image["x"] + image["width"] <= mark["x"] and image["y"] <= rect["y"] <= image["y"] + image["height"]
    shot(page, "pdf")
    check_access(page)
    page.get_by_role("button", name="Next page").press("Enter")
    page.get_by_text("Page 2 of 4").wait_for()
    assert page.locator(".paper rect").count() == 0
    page.get_by_role("button", name="Pages").click()
    assert page.locator(".sheet").count() == 0 and page.locator("mark").is_visible()


def test_on_a_phone_a_page_is_drawn_only_when_it_is_wanted_and_takes_the_place_of_the_text(opened, served, ended):
    made, drawn = served(), []
    page = opened(of_pdf(made, ended), made=made, color_scheme="dark", **PHONE)
    page.on("request", lambda request: drawn.append(request.url) if "/pages/" in request.url else None)
    page.locator("mark").wait_for()
    assert drawn == [] and page.locator(".sheet").count() == 0
    page.get_by_role("button", name="Pages").click()
    page.get_by_text("Page 1 of 4").wait_for()
    assert page.locator("mark").is_hidden() and page.evaluate("document.documentElement.scrollWidth") <= 360
    shot(page, "phone-pdf-dark")
    check_access(page)


def test_a_watched_folder_is_listed_and_what_comes_into_it_is_shown(opened, served, tmp_path, monkeypatch):
    monkeypatch.setattr("rag.server.work.folder_watcher.EVERY", 0.05)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    page = opened("/#documents", made=served(watch=[inbox]))
    page.get_by_role("region", name="Watched folders").get_by_text("0 files · not read yet").wait_for()
    (inbox / "berths.md").write_text("# Berths\n\nBerth nine is 240 metres long.\n")
    page.get_by_role("button", name="berths.md", exact=True).wait_for()
    page.get_by_text("1 file · brought up to date").wait_for()
    shot(page, "watched")
    check_access(page)


def test_documents_are_chosen_by_names_with_any_character(opened, served, ended):
    made = served()
    name = "minutes, March [2025].md"
    ended(made.client, made.client.put(f"/documents/{name}", content=b"# M\n\nKestrel Bay was built in 2003.\n").json())
    page = opened(made=made)
    page.get_by_text("Options").click()
    field = page.get_by_label("Only in documents named")
    field.fill(name)
    field.press("Enter")
    assert page.get_by_role("list", name="Chosen documents").inner_text().startswith(name)
    check_access(page)
    ask(page)
    assert page.locator(".answer").inner_text() == "Kestrel Bay was built in 2003."
    page.get_by_role("button", name=f"Leave {name} out").press("Enter")
    field.fill("board/*")  # without Enter
    ask(page)
    assert page.locator(".answer").last.inner_text() == ANSWER


@pytest.mark.parametrize("view", ["review", "runs"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_review_and_runs_in_its_width_and_in_the_dark(opened, served, view, scheme):
    made = served(more=[router])
    write_run()
    judge_run()
    page = opened(f"/#{view}", made=made, color_scheme=scheme, **PHONE)
    page.locator("article, .chart").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    shot(page, f"phone-{view}-{scheme}")
    check_access(page)
