"""Pictures, forms and embedded things of pages: read where they have words, and named where they have none."""

from pathlib import Path

import pytest

from rag.documents.document import parse_document


def read(body: str):
    return parse_document(Path("a.html"), "a.html", f"<body><p>Words.</p>{body}</body>".encode())


def lines(body: str) -> list[str]:
    return [line for line in read(body).text.split("\n") if line][1:]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            '<p>The quay <img alt="The quay at low tide"> in May</p>',
            ["The quay [Picture: The quay at low tide] in May"],
        ),
        ('<img alt="A lamp on a mole">', ["[Picture: A lamp on a mole]"]),
        ('<img alt="IMG_3310.jpg"><img alt="image 4"><img alt="">', []),
        ('<p>Name: <input value="Ada Quist"> <input type=submit value=Send></p>', ["Name: Ada Quist Send"]),
        ("<p><input type=radio checked> adult <input type=radio> child</p>", ["☒ adult ☐ child"]),
        (
            "<p>Berth: <select><option>A1<option selected>B2<option>C3</select></p>",
            ["Berth: B2 [choices: A1, B2, C3]"],
        ),
        ("<p>Size: <select><option>small</select></p>", ["Size: small"]),
        (f"<select>{''.join(f'<option>{n}' for n in range(40))}</select>", ["0"]),
        ("<p>Note: <textarea>Ring twice.</textarea></p>", ["Note: Ring twice."]),
        ("<svg><title>Wind rose</title><text>North</text></svg>", ["[Picture: Wind rose]", "North"]),
        (
            "<table><tr><th>Mark<th>Seen<tr><td>red<td><input type=checkbox checked></table>",
            ["Mark: red; Seen: ☒"],
        ),
    ],
)
def test_what_pictures_and_forms_show_is_read(body, found):
    assert lines(body) == found and read(body).title == "a"


def test_what_has_no_words_is_named():
    body = (
        "<img src=a.png><img src=b.png width=200><img src=dot.gif width=1 height=1><img src=c.png alt='IMG.png'>"
        "<iframe src=map.html></iframe><canvas></canvas><video></video><noscript><iframe></iframe></noscript>"
    )
    assert sorted(read(body).unread) == ["2 × picture without text", "drawing", "embedded page", "video"]
    assert read("<p>All read.</p>").unread == ()
