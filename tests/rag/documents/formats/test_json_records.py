"""Records of JSON as lines and as rows of a table."""

import json

import pytest

from rag.documents.formats.json_records import parse_json, parse_json_lines


def cells(value) -> list[tuple[str, str, str]]:
    """Return name of the row, column and text of each cell."""
    parsed = parse_json(json.dumps(value).encode())
    return [(c.row_name, c.column, parsed.text[c.start : c.end]) for s in parsed.sections for c in s.cells]


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"id": 71, "name": "Alm", "beds": 8}, "Alm"),
        ({"beds": 8, "ID": 71, "open": "May"}, "71"),
        ({"beds": 8, "hut": "Alm", "keeper": "Ida"}, "Alm"),
        ({"type": "hut", "place": "Alm"}, "Alm"),
        ({"type": "Feature", "properties": {"name": "Alm", "beds": 8}}, "Alm"),
        ({"title": "Alm\nhut"}, "Alm hut"),
        ({"beds": 8}, ""),
    ],
)
def test_a_record_is_called_by_what_names_it(record, name):
    assert {row_name for row_name, _, _ in cells([record])} == {name}


def test_records_within_a_record_are_rows_of_their_own():
    hut = {
        "name": "Alm",
        "keeper": {"name": "Ida", "phone": "555 12"},
        "rooms": [{"id": "R1", "beds": 4}, {"id": "R2"}],
    }
    assert cells([hut, {"name": "Joch"}]) == [
        ("Alm", "name", "Alm"),
        ("Alm", "keeper.name", "Ida"),
        ("Alm", "keeper.phone", "555 12"),
        ("Alm, R1", "id", "R1"),
        ("Alm, R1", "beds", "4"),
        ("Alm, R2", "id", "R2"),
        ("Joch", "name", "Joch"),
    ]
    text = parse_json(json.dumps([hut]).encode()).text
    assert text.endswith("rooms.id: R1\nrooms.beds: 4\n\nrooms.id: R2\n\n")


def test_objects_under_names_are_called_by_them():
    assert cells({"Alm": {"beds": 8, "size": {"m2": 90}}, "Joch": {"beds": 12}}) == [
        ("Alm", "beds", "8"),
        ("Alm", "size.m2", "90"),
        ("Joch", "beds", "12"),
    ]


def test_a_list_of_lists_is_a_table():
    assert cells([["hut", "beds"], ["Alm", 8], ["Joch", None]]) == [
        ("Alm", "hut", "Alm"),
        ("Alm", "beds", "8"),
        ("Joch", "hut", "Joch"),
    ]


def test_each_line_of_json_lines_is_a_row_of_its_own():
    parsed = parse_json_lines(b'{"name": "Alm", "beds": 8}\n\n{"name": "Joch", "tags": ["high", "cold"]}\n')
    assert [(c.row, c.row_name, c.column) for s in parsed.sections for c in s.cells] == [
        (0, "Alm", "name"),
        (0, "Alm", "beds"),
        (1, "Joch", "name"),
        (1, "Joch", "tags"),
    ]
    assert [parsed.text[s.start : s.end] for s in parsed.sections] == [
        "name: Alm\nbeds: 8\n\n",
        "name: Joch\ntags: high, cold\n\n",
    ]
