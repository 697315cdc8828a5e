import random
from types import SimpleNamespace

import pytest

from fakes import passage
from finetune.data.rows import SWAPPED, TrainingRow
from finetune.data.split import TRAIN, Split
from finetune.mining.labeling import CachedSearcher
from finetune.mining.mined_rows import MinedRows
from finetune.mining.query_styles import FULL
from finetune.mining.unanswerable import SwappedQuestion, Terms, is_limit, stands_in, swap_terms
from finetune.mining.unanswerable_rows import add_unanswerable_rows, unanswerable_row
from finetune.settings import RowSettings
from rag.core.sections import RetrievalSettings
from rag.generation.prompt import REFUSAL

TEXTS = (
    "The crane on Lantern Quay lifts 40 tonnes through the inner door. "
    "On the quay, Mr Holt and Nan Stobbs met Otto Brask in 2024.",
    "A crane by Tallow Quay lifts 25 tonnes for £40, by a cellar door. "
    "It shuts on 3 May 2026, as in 2021 and 1968, on an upper floor.",
    "The third door is the highest door, the gates door. No old door is there; the key stays in the inner box. "
    "A box stands by the door, says the mate.",
    "The year before the storm the mate says that the chart says so.",
)
CHUNKS = [passage(text, f"{n}.md", headings=("Cranes",)).chunk for n, text in enumerate(TEXTS)]
TERMS = Terms(CHUNKS)


def test_terms_are_swapped_for_their_like():
    assert TERMS.others("name", "Lantern Quay") == ["Tallow Quay"]  # "quay" is a common word here: what both are
    assert TERMS.others("name", "Nan Stobbs") == ["Otto Brask"]  # "Mr Holt" has a title
    assert (
        TERMS.others("amount", "40 tonnes") == ["25 tonnes"]
        and TERMS.others("amount", "£40") == TERMS.others("amount", "400 tonnes") == []
    )
    assert TERMS.others("date", "2024") == ["2021"]  # 1968 would be too easy
    assert TERMS.others("name", "Quay") == TERMS.others("tail", "the quay") == []


def test_what_tells_things_of_a_kind_apart_is_found_between_article_and_noun():
    assert TERMS.before("door") == ["cellar", "inner"]  # no ordinal, superlative, plural or word that tells nothing
    assert (
        TERMS.before("box") == ["inner"]
        and TERMS.before("crane") == TERMS.before("says") == TERMS.before("before") == []
    )


def test_names_that_own_or_are_made_of_common_words_stand_in_for_no_other():
    text = (
        "Ask for Nan Stobbs, for the Trust's Dock, or for Speaking Up. "
        "Go up to the dock where Otto Brask met Nan Stobbs."
    )
    terms = Terms([passage(text).chunk])
    assert terms.others("name", "Nan Stobbs") == ["Otto Brask"]
    assert terms.others("name", "Trust's Dock") == []


def test_directions_participles_and_comparatives_are_no_kinds_of_a_thing():
    text = "The inner door, the eastern door, a matching door and the earlier door shut. The door is the outer door."
    terms = Terms([passage(text).chunk])
    assert terms.before("door") == ["inner", "outer"]


def test_every_swap_changes_one_term_and_says_which():
    question = "What lifts the crane on Lantern Quay through the inner door?"
    made = list(swap_terms(question, CHUNKS[0], TERMS, random.Random(0)))
    assert {(t.term, t.question) for t in made} == {
        ("Tallow Quay", question.replace("Lantern", "Tallow")),
        ("cellar", question.replace("inner", "cellar")),
        ("outer", question.replace("inner", "outer")),
    }
    assert made == list(swap_terms(question, CHUNKS[0], TERMS, random.Random(0)))


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("Who is it?", CHUNKS[0]),
        ("What lifts the crane on Lantern Quay?", CHUNKS[1]),
        ("Who shuts the cellar door?", CHUNKS[0]),
    ],
)
def test_only_a_term_that_the_passage_has_is_replaced(question, passage):
    assert list(swap_terms(question, passage, TERMS, random.Random(0))) == []


def test_a_number_that_bounds_a_range_is_left():
    asked = "Which crane lifts 40 tonnes?"
    assert [t.term for t in swap_terms(asked, CHUNKS[0], TERMS, random.Random(0))] == ["25 tonnes"]
    assert list(swap_terms(asked.replace("40", "over 40"), CHUNKS[0], TERMS, random.Random(0))) == []
    assert is_limit("40 tonnes", "cranes of up to 40 tonnes") and not is_limit(
        "40 tonnes", "it lifts 40 tonnes or 140 tonnes"
    )


def test_a_term_stands_in_a_passage_as_whole_words_or_in_its_headings():
    assert stands_in("Tallow Quay", CHUNKS) and stands_in("cranes", CHUNKS[:1])
    assert not stands_in("Tallow Quay", CHUNKS[:1]) and not stands_in("0 tonnes", CHUNKS)


def test_a_swapped_question_is_kept_only_among_near_passages_without_its_term():
    row = TrainingRow("id", "What lifts?", "40 tonnes", "answerable", "0.md", (0, CHUNKS[0].end), (CHUNKS[0],), 1)
    swap, styled = SwappedQuestion("What does the crane on Tallow Quay lift?", "Tallow Quay"), "crane Tallow Quay lift"

    def made(*found):
        passages = [SimpleNamespace(chunk=chunk) for chunk in found]
        retriever = SimpleNamespace(search=lambda question: passages if question == styled else [])
        return unanswerable_row(styled, swap, row, retriever)

    kept = made(CHUNKS[0])
    assert (kept.kind, kept.cited, kept.target, kept.passages) == (SWAPPED, 0, REFUSAL, (CHUNKS[0],))
    assert kept.question == styled and kept.id != row.id
    assert made(CHUNKS[0], CHUNKS[1]) == "a passage shown has the new term"
    assert made(CHUNKS[1]) == "does not find the passage that it was made from"


def test_swaps_fill_up_to_the_share_and_a_long_question_is_no_duplicate_of_its_swap():
    question = (
        "What is the maximum that the red crane with long chain on windy Lantern Quay near Nan Stobbs lifts safely "
        "today?"
    )
    found = [SimpleNamespace(chunk=CHUNKS[0])]
    retriever = SimpleNamespace(chunks=CHUNKS, settings=RetrievalSettings(), search=lambda asked, k: found)
    for share, swapped in ((0.0, 0), (0.5, 1)):
        row = TrainingRow("id", question, "40 tonnes", "answerable", "0.md", (0, CHUNKS[0].end), (CHUNKS[0],), 1)
        mined = MinedRows(Split.of(CHUNKS))
        mined.add(row, TRAIN, question, FULL)
        settings = RowSettings(unanswerable=share)
        add_unanswerable_rows(mined, CachedSearcher(retriever, settings.reach), settings, random.Random(settings.seed))
        assert sum(not row.cited for row in mined.of_part(TRAIN)) == swapped
