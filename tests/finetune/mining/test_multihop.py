"""Questions over two passages: a name replaced by what another passage says of it."""

import random
from dataclasses import replace
from types import SimpleNamespace

import pytest

from fakes import passage
from finetune.data.split import BY_PASSAGE, HELD_OUT, TRAIN, UNMINED, Split, document_part
from finetune.mining.labeling import CachedSearcher
from finetune.mining.mined_rows import MinedRows
from finetune.mining.multihop import find_descriptions, multihop_questions, one_is_enough
from finetune.mining.multihop_rows import add_multihop_rows, multihop_row
from finetune.mining.query_styles import FULL
from finetune.mining.question_checks import QuestionChecks
from finetune.settings import RowSettings
from rag.core.sections import RetrievalSettings
from triplets import row

MOLE = "Keepers walk to the Mole Light daily. The Mole Light was built by convicts from Storrholm in two summers."
STROBE = "A spare lamp for the Mole Light weighs 14 kg. It weighs 9 kg in summer."


def chunks(*texts):
    """Each of a document that is mined to train on."""
    names = (name for n in range(999) if Split(BY_PASSAGE).part_of(name := f"{n}.md", 0) == TRAIN)
    return [passage(text, next(names), headings=("Notes",)).chunk for text in texts]


def made_of(*texts):
    return list(multihop_questions(chunks(*texts), random.Random(0)))


def test_a_name_is_replaced_by_what_another_passage_says_of_it():
    (made,) = made_of(MOLE, STROBE)
    assert (
        made.question
        == "A spare lamp for the one that was built by convicts from Storrholm in two summers weighs how many kg?"
    )
    assert (made.candidate.span, made.description.name) == ("14 kg", "Mole Light")
    assert [made.description.chunk, made.candidate.chunk] == chunks(MOLE, STROBE)
    (made,) = made_of(MOLE + " See the light.", STROBE)  # which tells what kind of thing it is
    assert made.question.startswith("A spare lamp for the light that was built by convicts")


@pytest.mark.parametrize(
    ("text", "name", "description"),
    [
        (
            "Ask Nan Stobbs. Nan Stobbs keeps the keys of the west store, and the logs.",
            "Nan Stobbs",
            "keeps the keys of the west store",
        ),
        (
            "They asked Nan Stobbs, who marked the inscribed stones of 1884.",
            "Nan Stobbs",
            "who marked the inscribed stones of 1884",
        ),
        (
            "Ask Nan Stobbs. Nan Stobbs pays £1,250 for the west store each year.",
            "Nan Stobbs",
            "pays £1,250 for the west store each year",
        ),
        ("Ask Nan Stobbs. Nan Stobbs shares fell to half of the west store's.", "Nan Stobbs", None),  # no verb
        ("Ask Nan Stobbs. Nan Stobbs keeps her keys in the west store.", "Nan Stobbs", None),  # whose?
        ("Ask Nan Stobbs. Nan Stobbs is in this only for what is there.", "Nan Stobbs", None),  # says too little
        (
            "Nan Stobbs keeps the keys of the west store.",
            "Nan Stobbs",
            None,
        ),  # may be no name: only sentences begin with it
        ("For Parcels ask here. Parcels arrived from the west store daily. We take parcels.", "Parcels", None),
    ],
)
def test_a_clause_about_a_name_describes_it(text, name, description):
    found = find_descriptions(chunks(text)).get(name, [])
    assert [found.text for found in found] == ([description] if description else [])


@pytest.mark.parametrize(
    "text",
    [
        "A spare lamp for the Mole Light Museum weighs 14 kg.",  # a longer name
        "A spare lamp for the Old Mole Light weighs 14 kg.",
        "The Mole Light's spare lamp weighs 14 kg.",
        "A spare lamp for the Mole Light at the Mole Light weighs 14 kg.",
        "A spare lamp for the Mole Light tower weighs 14 kg.",
        "Lamp: Mole Light; Weight: 14 kg; Seen: from the sea",  # a row of a table
    ],
)
def test_a_name_that_is_not_there_whole_or_not_once_is_left(text):
    assert made_of(MOLE, text) == []


def test_both_passages_must_be_needed_and_come_back():
    (made,) = made_of(MOLE, STROBE)
    other, home = chunks(MOLE, STROBE)

    def reason(home_text, other_text):
        new_home, new_other = chunks(home_text, other_text)
        candidate, description = replace(made.candidate, chunk=new_home), replace(made.description, chunk=new_other)
        return one_is_enough(replace(made, candidate=candidate, description=description))

    assert reason(STROBE, MOLE) is None
    assert reason(f"{STROBE} Convicts from Storrholm built it.", MOLE) == "its passage alone tells which is meant"
    assert reason(STROBE, f"{MOLE} It weighs 14 kg.") == "the other passage has the answer too"

    def row_of(*found):
        return multihop_row(made, SimpleNamespace(search=lambda asked: [SimpleNamespace(chunk=c) for c in found]))

    made_row = row_of(home, other)
    assert (made_row.kind, made_row.target, made_row.document) == ("multi-hop", "14 kg [1][2]", home.document)
    assert made_row.gold_passages == {chunk.document: (chunk.start, chunk.end) for chunk in (other, home)}
    assert row_of(home) == row_of(other) == "does not find both of its passages"


def test_they_are_mined_up_to_their_share_and_never_across_parts():
    def mined(share, texts, names=None, without=""):
        own = (
            [replace(c, document=name) for c, name in zip(chunks(*texts), names, strict=True)]
            if names
            else chunks(*texts)
        )
        found = [SimpleNamespace(chunk=c) for c in own]
        retriever = SimpleNamespace(chunks=own, settings=RetrievalSettings(), search=lambda asked, k: found)
        settings, mined = RowSettings(multihop=share, without=without), MinedRows(Split.of(own))
        for n in (1, 2):
            mined.add(row(n), TRAIN, row(n).question, FULL)
        searcher = CachedSearcher(retriever, settings.reach)
        add_multihop_rows(mined, searcher, QuestionChecks(searcher, None, settings.left_out_filters), settings)
        return [made.question for made in mined.of_part(TRAIN)[2:]], mined.reasons()

    more = "Boats must pass the Mole Light at 6 knots. Oil for the Mole Light costs £90 a drum."
    few, many = mined(0.3, (MOLE, STROBE, more))[0], mined(0.9, (MOLE, STROBE, more))[0]
    assert len(few) == 1 and few == many[:1] and len(many) == 2  # the most that one description is used
    again = (MOLE, "Boats must pass the Mole Light at 6 knots.", "All boats must pass the Mole Light at 6 knots.")
    once, rejected = mined(0.9, again)
    assert len(once) == 1 and rejected["multi-hop: near-duplicate"] == 1
    assert len(mined(0.9, again, without="near_duplicate")[0]) == 2
    kept_out, tested = (
        next(name for n in range(999) if document_part(name := f"{n}.txt") == wanted) for wanted in (UNMINED, HELD_OUT)
    )
    home = chunks(STROBE)[0].document
    assert mined(0.9, (MOLE, STROBE), (kept_out, home))[0] == mined(0.9, (MOLE, STROBE), (tested, home))[0] == []
    known, rejected = mined(0.9, (f"{MOLE} One weighs 14 kg.", STROBE))
    assert known == [] and rejected == {"multi-hop: the other passage has the answer too": 1}
