import random
from types import SimpleNamespace

from fakes import passage

from finetune.data import Row
from finetune.filters import content
from finetune.sieve import Sieve, SieveSettings, twisted_row
from finetune.unanswerable import FALSE_PREMISE, SWAPPED, Terms, Twisted, stands_in, twists
from rag.prompt import REFUSAL

TEXTS = (
    "The crane on Lantern Quay lifts 40 tonnes. On the quay, Mr Holt and Nan Stobbs met Otto Brask in 2024.",
    "A crane by Tallow Quay lifts 25 tonnes for £40. It shuts on 3 May 2026, as in 2021 and 1968.",
)
CHUNKS = [passage(text, f"{n}.md", headings=("Cranes",)).chunk for n, text in enumerate(TEXTS)]
TERMS = Terms(CHUNKS)


def test_terms_are_swapped_for_their_like():
    assert TERMS.others("name", "Lantern Quay") == ["Tallow Quay"]  # "quay" is a common word here: a head
    assert TERMS.others("name", "Nan Stobbs") == ["Otto Brask"]  # "Mr Holt" has a title
    assert TERMS.others("amount", "40 tonnes") == ["25 tonnes"] and TERMS.others("amount", "£40") == []
    assert TERMS.others("date", "2024") == ["2021"]  # 1968 would be too easy
    assert TERMS.others("name", "Quay") == []


def test_every_twist_changes_one_term_and_says_which():
    question = "What is the maximum that the crane on Lantern Quay lifts?"
    made = list(twists(question, TERMS, random.Random(0)))
    assert {(t.term, t.kind) for t in made} == {("Tallow Quay", SWAPPED), ("minimum", FALSE_PREMISE)}
    assert {t.question for t in made} == {question.replace("Lantern", "Tallow"), question.replace("maximum", "minimum")}
    assert list(twists("Who is it?", TERMS, random.Random(0))) == []
    assert made == list(twists(question, TERMS, random.Random(0)))


def test_a_term_stands_in_a_passage_as_whole_words_or_in_its_headings():
    assert stands_in("Tallow Quay", CHUNKS) and stands_in("cranes", CHUNKS[:1])
    assert not stands_in("Tallow Quay", CHUNKS[:1]) and not stands_in("0 tonnes", CHUNKS)


def test_a_twisted_question_is_kept_only_among_near_passages_without_its_term():
    row = Row("id", "What lifts?", "40 tonnes", "answerable", "0.md", (0, CHUNKS[0].end), (CHUNKS[0],), 1)
    way = Twisted("What does the crane on Tallow Quay lift?", "Tallow Quay", SWAPPED)

    def made(*found):
        return twisted_row(way, row, SimpleNamespace(search=lambda question: [SimpleNamespace(chunk=c) for c in found]))

    kept, reason = made(CHUNKS[0])
    assert reason is None and (kept.kind, kept.cited, kept.target, kept.passages) == (SWAPPED, 0, REFUSAL, (CHUNKS[0],))
    assert kept.question == way.question and kept.id != row.id
    assert made(CHUNKS[0], CHUNKS[1]) == (None, "a passage shown has the new term")
    assert made(CHUNKS[1]) == (None, "does not find the passage that it was made from")


def test_twists_fill_up_to_the_share_and_a_long_question_is_no_duplicate_of_its_twist():
    question = "What is the maximum that the red crane with long chain on windy Lantern Quay near Nan Stobbs lifts safely today?"
    retriever = SimpleNamespace(chunks=CHUNKS, search=lambda asked: [SimpleNamespace(chunk=CHUNKS[0])])
    for share, twisted in ((0.0, 0), (0.5, 1)):
        sieve = Sieve(retriever, None, SieveSettings(unanswerable=share))
        sieve._contents.append(content(question))
        sieve._keep(question, Row("id", question, "40 tonnes", "answerable", "0.md", (0, CHUNKS[0].end), (CHUNKS[0],), 1), "train")
        sieve.fill_up()
        assert sum(not row.cited for row in sieve.rows["train"]) == twisted
