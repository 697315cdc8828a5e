"""Which CSS declarations hold for an element, and so what a page shows."""

import pytest
import soupsieve
from bs4 import BeautifulSoup

from rag.documents.formats.text import css
from rag.documents.formats.text.css import declared_styles
from rag.documents.formats.text.html import parse_page


def display(markup: str) -> str:
    """Return the declared `display` of the element that holds the X, "" where there is none."""
    soup = BeautifulSoup(markup, "lxml")
    style = declared_styles(soup).get(id(soup.find(string="X").parent), {})
    return "".join(token.lower_value for token in style.get("display", ()) if token.type == "ident")


@pytest.mark.parametrize(
    ("sheet", "body"),
    [
        (".a .b", "<div class=a><i><p class=b>X</p></i></div>"),
        ("div.note > span", "<div class=note><span>X</span></div>"),
        ("ul li:first-child", "<ul><li>X<li>other</ul>"),
        ("ul li:nth-child(2)", "<ul><li>other<li>X</ul>"),
        ("[data-x]", "<p data-x=1>X</p>"),
        ("p[data-x='1']", "<p data-x=1>X</p>"),
        (".a.b", '<p class="b a">X</p>'),
        ("p:not(.y)", "<p>X</p>"),
        ("h2 + p", "<h2>h</h2><p>X</p>"),
        ("*", "<p>X</p>"),
        ("h2 ~ p", "<h2>h</h2><p>other</p><p>X</p>"),
        ("em, .q , #x", "<p id=x>X</p>"),
        ("P.B", "<p class=B>X</p>"),
        (":is(p, b)", "<b>X</b>"),
        ("p /* a comment */ b", "<p><b>X</b></p>"),
        (".x::before, .x", "<p class=x>X</p>"),
    ],
)
def test_selectors_of_several_parts_are_followed(sheet, body):
    markup = f"<style>{sheet} {{ display: none }}</style>{body}"
    assert display(markup) == "none" and "X" not in parse_page(markup)[0]


@pytest.mark.parametrize(
    ("sheet", "body"),
    [
        (".a .b", "<p class=b>X</p>"),
        ("div.note > span", "<div class=note><i><span>X</span></i></div>"),
        ("ul li:first-child", "<ul><li>other<li>X</ul>"),
        ("[data-x='2']", "<p data-x=1>X</p>"),
        ("p:not(.y)", "<p class=y>X</p>"),
        (".x::before", "<p class=x>X</p>"),
        ("a:hover", "<a>X</a>"),
        (".x,", "<p class=x>X</p>"),
        ("p:unknown(3)", "<p>X</p>"),
        ("p >", "<p>X</p>"),
        ("p" + ":not(.y)" * 1000, "<p>X</p>"),
    ],
)
def test_selectors_that_do_not_match_or_are_not_known_hide_nothing(sheet, body):
    markup = f"<style>{sheet} {{ display: none }}</style>{body}"
    assert display(markup) == "" and "X" in parse_page(markup)[0]


@pytest.mark.parametrize(
    ("sheet", "attributes", "winner"),
    [
        ("p { display: none } p { display: block }", "", "block"),  # the later
        ("#i { display: none } .c { display: block } p { display: inline }", "", "none"),  # the id
        (".c { display: none } p { display: block }", "", "none"),  # the class
        (".c.d { display: none } .c { display: block }", "", "none"),  # two classes
        ("[id] { display: none } p { display: block }", "", "none"),  # the attribute
        ("#i { display: block }", "style='display: none'", "none"),  # the element's own
        ("p { display: none !important }", "style='display: block'", "none"),
        ("p { display: none !important }", "style='display: block !important'", "block"),
        ("p { display: none !important } #i { display: block }", "", "none"),
        ("p { display: none !important } #i { display: block !important }", "", "block"),
        ("p { DISPLAY: None }", "", "none"),
        ("p { display: block; nonsense; display: none", "", "none"),
        ("p { content: '}'; display: none }", "", "none"),
        ("<!-- p { display: none } -->", "", "none"),
        ("p { display: /* no */ none }", "", "none"),
    ],
)
def test_the_stronger_declaration_wins(sheet, attributes, winner):
    assert display(f"<style>{sheet}</style><p id=i class='c d' {attributes}>X</p>") == winner


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("@media screen", True),
        ("@media all", True),
        ("@media only  SCREEN", True),
        ("@media print, screen", True),
        ("@supports (display: grid)", True),
        ("@layer base", True),
        ("@media print", False),
        ("@media (max-width: 600px)", False),
        ("@media screen and (min-width: 600px)", False),
        ("@media not screen", False),
        ("@font-face", False),
        ("@page", False),
        ("@keyframes k", False),
        ("@media print { @media screen", False),
    ],
)
def test_conditional_rules_hold_where_all_screens_show_them(at, holds):
    assert display(f"<style>{at} {{ p {{ display: none }} }}</style><p>X</p>") == ("none" if holds else "")


def test_a_sheet_for_other_media_is_not_followed():
    for media, shown in (("print", ""), ("screen", "none"), ("print, all", "none"), ("speech", "")):
        assert display(f'<style media="{media}">p {{ display: none }}</style><p>X</p>') == shown


def test_old_colour_attributes_give_way_to_rules():
    markup = '<table bgcolor="000"><tr><td><font color="ffffff">X</font></td></tr></table>'
    assert "X" in parse_page(markup)[0]
    assert "X" not in parse_page(f"<style>table {{ background: white }}</style>{markup}")[0]
    assert "X" in parse_page(f"<style>table {{ background: white }} font {{ color: black }}</style>{markup}")[0]
    assert "X" in parse_page('<body bgcolor="#000000" text="#ffffff"><p>X</p>')[0]
    assert "X" in parse_page('<body background="night.png" text="#ffffff"><p>X</p>')[0]


@pytest.fixture
def work(monkeypatch):
    """Count how many elements selectors are matched against."""
    counted = {"matches": 0, "compiled": 0}
    compiled = soupsieve.compile

    class Counting:
        def __init__(self, text):
            counted["compiled"] += 1
            self.selector = compiled(text)

        def filter(self, tags):
            counted["matches"] += len(tags)
            return self.selector.filter(tags)

        def select(self, soup):
            counted["matches"] += len(soup.find_all(True))
            return self.selector.select(soup)

    monkeypatch.setattr(soupsieve, "compile", Counting)
    return counted


def test_rules_that_no_element_can_match_cost_no_matching(work):
    rules = "".join(f".c{n} > a {{ display: none }} #i{n} {{ display: none }} p {{ color: red }}" for n in range(300))
    parse_page(f"<style>{rules}</style>" + "<p class=q>words</p>" * 300)
    assert work == {"matches": 0, "compiled": 0}


@pytest.mark.parametrize("selector", [".q{} i", "p:nth-child({})", "div p[y='{}']", "{}q ~ p"])
def test_matching_is_bounded_on_pages_of_many_rules_and_elements(work, monkeypatch, selector):
    monkeypatch.setattr(css, "MOST_MATCHES", 5000)
    rules = "".join(f"{selector.format(n)} {{ display: none }}" for n in range(100))
    text, _, *_ = parse_page(f"<style>{rules}</style><div>" + "<p x=1>words</p>" * 400 + "</div>")
    assert "words" in text and work["matches"] <= 5000
