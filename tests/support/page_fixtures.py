"""The page in Debian's Chromium, for the tests of several files."""

import os
from pathlib import Path

import pytest

from serving import QUESTION

CHROMIUM = Path("/usr/bin/chromium")
SHOTS = os.environ.get("SCREENSHOTS")  # a folder, for people who want to look at the page
needs_chromium = pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium: apt install chromium")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser, served):
    """Return a function that opens the page and returns it; a fault in its console fails the test."""
    contexts, faults = [], []

    def open_page(path="/", made=None, **options):
        made = made or served()
        context = browser.new_context(base_url=made.url, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: faults.append(request.url) if made.url not in request.url else None)
        page.goto(path)
        page.locator("h1, dialog[open] h2").first.wait_for()
        page.made = made
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [fault for fault in faults if "status of 4" not in fault] == []


def shot(page, name):
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png")


def check_access(page):
    """Axe finds nothing that keeps people out."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def ask(page, question=QUESTION):
    answered = page.locator(".verdict").count()
    page.get_by_label("Question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator(".verdict").nth(answered).wait_for()
