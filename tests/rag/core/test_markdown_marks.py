"""What is shown of Markdown; markdown-it-py, which renders it, is the judge where both read it alike."""

import html
import random
import re
import time

import pytest
from markdown_it import MarkdownIt

from rag.core.markup import find_marks, shown_pieces, shown_text


def shown(text: str) -> str:
    return shown_text(text, 0, len(text), find_marks(text, "a.md"))


def pieces(text: str) -> list[str]:
    return [piece.text for piece in shown_pieces(text, 0, len(text), find_marks(text, "a.md"))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# Operating the *pump* #", "Operating the pump"),
        ("The rent is **640 euros** a month.", "The rent is 640 euros a month."),
        ("Its state is _idle_, never __busy__ or ***gone*** ~~now~~.", "Its state is idle, never busy or gone now."),
        ("**Note**: *read _all_ of* it", "Note: read all of it"),
        ("**`pumpctl`** and ``a ` b`` and ` `` `", "pumpctl and a ` b and ``"),
        ("> quoted **text**", "quoted text"),
        ("- [x] fill *it*", "fill it"),
        ("- see [Ada **Lund**][1] and ![a *plan*](plan.png)[^2].", "see Ada Lund and a plan."),
        ("Fish &amp; chips&nbsp;for 5&nbsp;&lt;&#32;6 &notathing;", "Fish & chips for 5 < 6 &notathing;"),
        ("H<sub>2</sub>O<br>is <b class='x'>water</b> in <vessel>", "H2O is water in <vessel>"),
        (r"1\. first\_item \*as it is\*", "1. first_item *as it is*"),
        ("<https://pump.example/a_b_> or <ada@pump.example>", "https://pump.example/a_b_ or ada@pump.example"),
        ("## Fees {#fees .wide}", "Fees"),
        ("这是**重点**内容。", "这是重点内容。"),
        ("[1]: https://pump.example/_x_ ", "https://pump.example/_x_"),
        ("> [!NOTE] mind it", "mind it"),
    ],
)
def test_marks_are_not_shown(text, words):
    assert shown(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "snake_case_name and a*b, 2*3*4, x**y**z",
        "__init__.py, __main__ and self.__dict__",
        "*.py, lib* and **/*.md, src/**/*.rs and **/*.toml",
        "--dry-run and -x, /etc/_site_/x_y, C:\\_build\\new",
        "f(*args, **kwargs) and char *a, *b;",
        "https://pump.example/_a_/*b*?c=_d_",
        "a | b, [text] and (paren), 5 < 6 > 4, R&D; x_",
        "if (a_ == _b) return _c[0]",
        "MAX_SIZE_ is not _MAX_SIZE",
    ],
)
def test_what_only_looks_like_a_mark_is_text(text):
    assert shown(text) == text


def test_nothing_in_code_is_a_mark():
    code = "*run* `__all__` [x](y) <b>"
    assert shown(f"`` {code} ``") == code
    fenced = f"```sh\n{code}\n```\n\nand *so* on"
    start = fenced.index(code)
    assert shown_text(fenced, start, start + len(code), find_marks(fenced, "a.md")) == code
    assert shown(f"{code}\n```\n\nand *so* on").endswith("and so on")  # the fence was opened before this piece


def test_the_address_of_a_link_stands_aside_and_cells_stand_apart():
    assert pieces('See the [list of **parts**](https://pump.example/p_q "Parts"), [below](#x).') == [
        "See the list of parts, below.",
        "https://pump.example/p_q",
    ]
    assert pieces("Ask [Ada](mailto:ada@pump.example)") == ["Ask Ada", "ada@pump.example"]
    assert pieces("| **Bolt** | `M8|x` | 5 \\| 6 |") == ["Bolt", "M8|x", "5 | 6"]
    assert pieces("<td>Bolt</td><td>M8</td>") == ["Bolt", "M8"]


def test_other_formats_have_no_marks_of_markdown():
    text = "a *b* `c` [d](e) &amp; <b>"
    assert shown_text(text, 0, len(text), find_marks(text, "a.py")) == text


BLOCKS = ["{}", "# {}", "## {} ##", "> {}", "* {}", "- {}", "- [ ] {}"]
SPANS = ["**{}**", "*{}*", "_{}_", "__{}__", "***{}***", "`{}`", "[{}](https://x.example/a)", "[{}](b.md 'T')", "{}"]
SPANS += ["~~{}~~", "![{}](c.png)", "<em>{}</em>", "**_{}_**", "[**{}**](<d e>)", "`` {} ``", "&quot;{}&quot;"]
WORDS = ["pump", "snake_case", "5 %", "Ada Lund", "é", "r2d2", "well-known", "a.b", "don't", "£5", "日本", "x/y"]


@pytest.mark.parametrize("seed", range(300))
def test_as_markdown_it_renders_it(seed):
    rng = random.Random(seed)
    inline = [rng.choice(SPANS).format(rng.choice(WORDS)) for _ in range(rng.randrange(1, 7))]
    text = rng.choice(BLOCKS).format(rng.choice([" ", ", ", " and "]).join(inline))
    page = MarkdownIt("commonmark", {"html": True}).enable("strikethrough").render(text)
    page = re.sub(r'<img[^>]*alt="([^"]*)"[^>]*>', r"\1", page)
    rendered = html.unescape(re.sub(r"</?[a-z][^>]*>", "", page))
    assert shown(text) == " ".join(rendered.replace("[ ] ", "").split())


@pytest.mark.parametrize(
    "piece", ["*a ", "**", "_a", "[", "[a](", "`", "<b ", "~~a", "a|", "&amp", "\\", "> ", "![a]("]
)
def test_no_text_takes_long(piece):
    start = time.process_time()
    find_marks(piece * (10_000 // len(piece)), "a.md")
    assert time.process_time() - start < 5
