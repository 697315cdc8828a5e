"""An answer is found where it stands, however its writer spells; a part of a word or number is none."""

import pytest

from rag.labels.answer_place import answer_places
from rag.labels.folded_text import FoldedText


def found(answer, text):
    return [text[start:end] for start, end in answer_places(answer, FoldedText(text))]


@pytest.mark.parametrize(
    ("answer", "text", "literal"),
    [
        ("Six bolts.", "It has six bolts. Then", "six bolts"),
        ("six bolts;", "It has six bolts.", "six bolts"),
        ("six bolts。", "six bolts", "six bolts"),
        ('"six bolts".', "It has six bolts.", "six bolts"),
        ("‘six bolts’", "It has six bolts.", "six bolts"),
        ("(six bolts)", "It has six bolts.", "six bolts"),
        ('"Kite" bolts', 'It has "Kite" bolts.', '"Kite" bolts'),
        ("48V", "It runs on 48 V DC.", "48 V"),
        ("48 V", "It runs on 48V.", "48V"),
        ("48 V", "It runs on 48\u00a0V.", "48\u00a0V"),
        ("2.5%", "It grew by 2.5 %.", "2.5 %"),
        ("€ 19", "It costs €19.", "€19"),
        ("six\nbolts", "It has six  bolts.", "six  bolts"),
        ("it's loose", "Then it’s loose.", "it’s loose"),
        ("8-10 mm", "It is 8–10 mm wide.", "8–10 mm"),
        ("−5 °C", "Down to -5 °C.", "-5 °C"),
        ("caf\u00e9", "the cafe\u0301 closes", "cafe\u0301"),
        ("fluid", "The ﬂuid is blue.", "ﬂuid"),
        ("20 m2", "It has 20 m².", "20 m²"),
        ("sea\u00adsonal", "The seasonal pass", "seasonal"),
        ("6 p.m.", "It closes at 6 p.m. daily.", "6 p.m."),
        ("Orme Ltd.", "built by Orme Ltd. in May", "Orme Ltd."),
        ("2026", "valid until 31.12.2026", "2026"),
        ("京都", "会議は京都で開かれる。", "京都"),
        ("48 V", "It needs _48 V_ at least.", "48 V"),
    ],
)
def test_the_literal_text_is_found(answer, text, literal):
    assert found(answer, text) == [literal]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("14", "It costs 14.20 euros."),
        ("20 euros", "It costs 14.20 euros."),
        ("250", "It costs 1,250."),
        ("30", "It opens at 14:30."),
        ("5 °C", "Down to -5 °C."),
        ("-10 mm", "It is 8-10 mm wide."),
        ("lock", "The blocks are wet."),
        ("pump", "Run pump_main first."),
        ("IT", "Then it stopped."),
        ("it", "Ask the IT desk."),
        ("102", "About 10² of them."),
        ("cafe", "the café closes"),
        ("e", "caf\u00e9 e\u0301"),
        ("...", "And so on ..."),
        ("", "Nothing."),
    ],
)
def test_parts_and_other_values_are_not_found(answer, text):
    assert found(answer, text) == []


def test_all_places_are_found_in_order():
    assert list(answer_places("24 V", FoldedText("24 V in, 24V out, 240 V never"))) == [(0, 4), (9, 12)]
