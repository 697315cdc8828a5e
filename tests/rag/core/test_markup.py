import random

from rag.core.mark import Mark
from rag.core.markup import find_marks, shown_pieces, shown_text


def test_each_character_knows_where_it_stands():
    text = "a **bold**  &amp;\n[x](y)"
    (main, aside) = shown_pieces(text, 0, len(text), find_marks(text, "a.md"))
    assert main.text == "a bold & x" and aside.text == "y"
    assert [text[s:e] for s, e in zip(main.starts, main.ends, strict=True)] == [*"a bold ", "&amp;", "\n", "x"]
    assert text[aside.starts[0] : aside.ends[0]] == "y"


def test_a_part_of_a_text_is_shown_as_in_the_whole():
    text = "see **the [long list](far.md)** | here"
    marks = (*find_marks(text, "a.md"), Mark(32, 33, border=True))
    assert shown_text(text, 6, 22, marks) == "the long list"
    assert shown_text(text, 22, 26, marks) == "far."
    assert [piece.text for piece in shown_pieces(text, 0, len(text), marks)] == ["see the long list", "here", "far.md"]


def test_invisible_characters_and_runs_of_space_are_not_shown():
    assert shown_text("a\u200b\u00ad  b\n\n c ", 0, 10, ()) == "a b c"


def test_any_part_of_any_text_is_shown():
    rng = random.Random(3)
    pieces = [
        "*",
        "**",
        "_",
        "`",
        "```\n",
        "[",
        "](",
        ")",
        "<b>",
        "&amp;",
        "|",
        "\n",
        "\n\n",
        "# ",
        "- ",
        "\\",
        "word",
        " ",
    ]
    pieces += [
        "\u200b",
        "日",
        "é",
        "~~",
        "!",
        "..",
        " :: ",
        ".. note:: ",
        "``",
        ":a:`",
        "`_",
        "__init__",
        "https://x.y/_z_",
    ]
    for _ in range(1000):
        text = "".join(rng.choices(pieces, k=rng.randrange(1, 20)))
        first, last = sorted(rng.choices(range(len(text) + 1), k=2))
        for name in ("a.md", "a.rst", "a.txt"):
            marks = find_marks(text, name)
            assert list(marks) == sorted(marks) and all(m.start < m.end for m in marks)
            for piece in shown_pieces(text, first, last, marks):
                assert len(piece.text) == len(piece.starts) == len(piece.ends) > 0
                assert all(first <= s < e for s, e in zip(piece.starts, piece.ends, strict=True))
            shown_text(text, first, last, marks)
