import pytest

from rag.core.markup import find_marks, shown_pieces, shown_text


def shown(text: str) -> str:
    return shown_text(text, 0, len(text), find_marks(text, "a.rst"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The rent is **640 euros**, its state *idle*.", "The rent is 640 euros, its state idle."),
        ("Start ``pumpctl --dry-run *x*`` or :command:`go now`.", "Start pumpctl --dry-run *x* or go now."),
        ("See `Parts`_, parts_ and |name| [1]_.", "See Parts, parts and name ."),
        (".. note:: Mind the *gap*.", "Mind the gap."),
        (".. code-block:: bash", ""),
        (".. a comment for writers", ""),
        ("- item *one*", "item one"),
        (r"a \*star\* in C:\dir\new", r"a *star* in C:\dir\new"),
        ("snake_case_name, a*b, 2*3*4, *.py, __init__.py", "snake_case_name, a*b, 2*3*4, *.py, __init__.py"),
        ("f(*args, **kw) and _x", "f(*args, **kw) and _x"),
    ],
)
def test_marks_are_not_shown(text, words):
    assert shown(text) == words


def test_the_address_of_a_link_stands_aside():
    text = "See the `list of parts <https://pump.example/p_q>`_ first."
    pieces = [piece.text for piece in shown_pieces(text, 0, len(text), find_marks(text, "a.rst"))]
    assert pieces == ["See the list of parts first.", "https://pump.example/p_q"]
