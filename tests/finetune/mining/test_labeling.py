"""The label that a question earns from what the retriever returns."""

from types import SimpleNamespace

import pytest

from fakes import passage
from finetune.mining.candidates import Candidate
from finetune.mining.labeling import label_question
from rag.core.sections import RetrievalSettings
from rag.generation.prompt import REFUSAL

SENTENCE = "The crane on the north quay lifts 40 tonnes in calm weather."


CHUNK = passage(SENTENCE, headings=("Crane manual", "Limits")).chunk


CANDIDATE = Candidate(CHUNK, (0, len(SENTENCE)), SENTENCE.index("40"), "40 tonnes", "amount")


QUESTION = "How much does the crane lift?"


OTHERS = [passage(f"Something else, number {name}.", f"{name}.md").chunk for name in ("one", "two", "three", "four")]


def mined(found, leave_out=False, reach=5):
    """Return label_question() when the retriever ranks the chunks as in `found` and three passages are shown."""
    retriever = SimpleNamespace(
        search=lambda q, k: [SimpleNamespace(chunk=c) for c in found[:k]], settings=RetrievalSettings(passages=3)
    )
    return label_question(QUESTION, CANDIDATE, retriever, reach, leave_out=leave_out)


def test_gold_among_those_shown_is_cited_by_its_number():
    for place in range(3):
        found = OTHERS.copy()
        found.insert(place, CHUNK)
        row = mined(found)
        assert row.cited == place + 1 and row.passages[row.cited - 1] == CHUNK
        assert (row.kind, row.target, row.passages) == ("answerable", f"40 tonnes [{place + 1}]", tuple(found[:3]))
        assert (row.document, row.gold, row.question) == (CHUNK.document, (CHUNK.start, CHUNK.end), QUESTION)


def test_gold_left_out_makes_the_label_the_refusal_and_the_next_passage_moves_up():
    row = mined([OTHERS[0], CHUNK, *OTHERS[1:]], leave_out=True)
    assert (row.kind, row.cited, row.target) == ("left out", 0, REFUSAL)
    assert row.passages == tuple(OTHERS[:3])


def test_gold_found_but_not_shown_makes_the_label_the_refusal():
    row = mined([*OTHERS[:3], CHUNK])
    assert (row.kind, row.cited, row.target) == ("not retrieved", 0, REFUSAL) and CHUNK not in row.passages


def test_gold_out_of_reach_is_rejected():
    assert mined([*OTHERS, CHUNK], reach=4) == "does not find its passage among 4"


@pytest.mark.parametrize("leave_out", [True, False])
def test_an_answer_that_another_shown_passage_holds_makes_no_refusal(leave_out):
    twin = passage("A second crane also lifts 40 Tonnes!", "twin.md").chunk
    found = [CHUNK, twin, *OTHERS[:2]] if leave_out else [twin, *OTHERS[:2], CHUNK]
    assert mined(found, leave_out) == "answered by another passage as well"


def test_rows_of_one_chunk_and_span_have_ids_of_their_own():
    retriever = SimpleNamespace(search=lambda *a: [SimpleNamespace(chunk=CHUNK)], settings=RetrievalSettings())
    questions = ("How much is it?", "What does it lift?")
    assert len({label_question(question, CANDIDATE, retriever, 5).id for question in questions}) == 2
