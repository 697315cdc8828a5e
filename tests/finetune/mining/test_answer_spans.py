"""Answer spans are found by their kind, and none inside another."""

import pytest

from finetune.mining.answer_spans import find_answer_spans


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("It closed on 3 March 2025 at 17:30.", [("date", "3 March 2025"), ("time", "17:30")]),
        ("The fee is £1,250 for 14 days.", [("amount", "£1,250"), ("amount", "14 days")]),
        ("It was built by Tomas Arlen in 1987.", [("date", "1987"), ("name", "Tomas Arlen")]),
        ("Press *Confirm load* to go on.", [("term", "Confirm load")]),
        ("There are four mooring buoys.", [("number", "four mooring buoys")]),
        ("It takes two formal warnings and a letter.", [("number", "two formal warnings")]),
        ("The five binders remain.", [("number", "five binders")]),
        ("We had seven fish there.", [("number", "seven fish")]),
        ("The key is kept in the blue drawer.", [("tail", "the blue drawer")]),
        ("It lifts 1.60 m, or 1,200 by 800 mm.", [("amount", "1.60 m"), ("amount", "800 mm")]),
        (
            "Ticket: Motorcycle; Single: £9.90; Day: Mon-Fri",
            [("amount", "£9.90"), ("cell", "Motorcycle"), ("cell", "Mon-Fri")],
        ),
        ("It shut because the joint had leaked.", [("reason", "the joint had leaked")]),
        ("It stays shut unless the master asks for it.", [("condition", "the master asks for it")]),
        ("Visitors must sign in at the gate.", [("duty", "sign in at the gate")]),
        ("Priority 2 means one whole department has stopped.", [("definition", "one whole department has stopped")]),
        ("**Owner:** whoever wrote it, with *Ottar Brask* in.", [("term", "Ottar Brask")]),
        ("It goes to Nan Stobbs's office by door A1.", [("name", "Nan Stobbs")]),
        ("Nothing to see.", []),
    ],
)
def test_each_kind_of_span_is_found(sentence, found):
    spans = find_answer_spans(sentence)
    assert [(kind, span) for kind, _, span in spans] == found
    assert all(sentence[start : start + len(span)] == span for _, start, span in spans)
