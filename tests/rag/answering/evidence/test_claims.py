import pytest

from fakes import passage
from rag.answering.answer import generated_answer
from rag.answering.evidence.claims import attribute, claims_of
from rag.generation.generator import Generation
from rag.generation.prompt import REFUSAL

SHOWN = [
    passage(
        "The harbour crane was built in 1998 by Arrol. It lifts 40 tonnes, but it must not be used in wind.", "crane.md"
    ),
    passage("The office opens at 08:30. Dogs are not allowed on the ferry.", "office.md"),
]


def kept(output: str, question: str = "When was the harbour crane built?") -> list[str]:
    return attribute(question, output, SHOWN).kept


def test_an_output_is_cut_into_sentences_and_items_with_what_each_cites():
    output = "## Crane\nIt was built in 1998. [1] It lifts 40 tonnes [1][2].\n\n- It is *red*.\n2. " + REFUSAL
    found = [(claim.text, claim.cited) for claim in claims_of(output)]
    assert found == [
        ("Crane", ()),
        ("It was built in 1998.", (1,)),
        ("It lifts 40 tonnes.", (1, 2)),
        ("It is *red*.", ()),
    ]


def test_what_a_passage_bears_out_stays_and_the_rest_is_told():
    output = "The harbour crane was built in 1998 [2]. It was painted red in 2004. It lifts 40 tonnes."
    said = attribute("When was the harbour crane built?", output, SHOWN)
    assert said.kept == ["The harbour crane was built in 1998.", "It lifts 40 tonnes."]
    assert said.unsupported == ["It was painted red in 2004."]
    assert [(c.passage, c.quote[:12]) for c in said.citations] == [(1, "The harbour "), (1, "It lifts 40 ")]
    made = generated_answer(Generation(output, []), SHOWN, question="When was the harbour crane built?")
    assert made.text == " ".join(said.kept) and made.unsupported == ("It was painted red in 2004.",)
    assert not made.refused and made.kind == "written"


@pytest.mark.parametrize(
    "wrong",
    [
        "The harbour crane was built in 1989.",
        "The harbour crane was built by Smith and Sons.",
        "Dogs are allowed on the ferry at all times.",
        "The harbour crane must be used in any wind.",
        "The harbour crane was not built in 1998 by Arrol.",
        "The harbour crane was built in 1998 by Arrol in Leith.",
    ],
)
def test_another_number_name_or_negation_is_left_out(wrong):
    assert kept(wrong) == []
    made = generated_answer(Generation(wrong, []), SHOWN, question="When was it built?")
    assert made.refused and made.text == REFUSAL and made.unsupported == (wrong,)


@pytest.mark.parametrize(
    "right",
    [
        "1998",
        "In 1998.",
        "The harbour crane was built in 1998 by Arrol.",
        "It must not be used in wind.",
        "Dogs are not allowed on the ferry.",
    ],
)
def test_what_stands_there_is_kept(right):
    assert kept(right) == [right]


def test_a_refusal_is_a_refusal_whatever_follows():
    made = generated_answer(Generation(f"{REFUSAL} It was built in 1998.", []), SHOWN, question="When?")
    assert made.refused and made.unsupported == ()


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("<think>\nIt lifts 40 tonnes. Hmm.\n</think>\n\n1998 [1]", "1998"),
        ("<think>It was built in 1998", REFUSAL),
        ("<Reasoning>It is red.</reasoning>It lifts 40 tonnes.", "It lifts 40 tonnes."),
    ],
)
def test_what_a_model_thinks_first_is_no_answer(output, text):
    made = generated_answer(Generation(output, []), SHOWN, question="When was the harbour crane built?")
    assert (made.text, made.unsupported) == (text, ())


NO_PILOTS = passage("No pilots will be available from 18:00 on 24 December until 06:00 on 26 December.", "notices.txt")


def test_a_claim_without_a_verb_has_the_negation_of_the_question():
    said = "From 18:00 on 24 December until 06:00 on 26 December."
    assert attribute("When can ships no longer get a pilot?", said, [NO_PILOTS]).kept == [said]
    assert attribute("When can ships get a pilot?", said, [NO_PILOTS]).kept == []
    wrong = "Pilots will be available from 18:00 on 24 December until 06:00 on 26 December."
    assert attribute("When can ships no longer get a pilot?", wrong, [NO_PILOTS]).kept == []


def test_a_number_of_the_question_may_stand_in_the_headings_above_the_evidence():
    review = passage("Sickness took 7.1 days a head.", "review.pdf", headings=("Annual Review 2024/25", "People"))
    question = "How many days a head did sickness take in 2024/25?"
    said = "In 2024/25 sickness took 7.1 days a head."
    assert attribute(question, said, [review]).kept == [said]
    assert (
        attribute(question, said, [passage(review.chunk.text, "review.pdf", headings=("Review 2023/24",))]).kept == []
    )
    assert attribute("How many days did sickness take?", said, [review]).kept == [], "the model named the year"
    assert attribute(question, "In 2024/25 sickness took 7.4 days a head.", [review]).kept == []


@pytest.mark.parametrize(
    "said, claimed",
    [
        (
            "Based on the information provided in the first passage, the crane was built in 1998.",
            "The crane was built in 1998.",
        ),
        ("According to the documents, dogs stay ashore.", "Dogs stay ashore."),
        ("The passage states that it lifts 40 tonnes.", "It lifts 40 tonnes."),
        ("The document is kept six years.", "The document is kept six years."),
        ("According to the harbour master, dogs stay ashore.", "According to the harbour master, dogs stay ashore."),
    ],
)
def test_what_a_model_says_of_its_sources_is_no_claim(said, claimed):
    assert [claim.text for claim in claims_of(said)] == [claimed]


def test_a_currency_may_be_the_column_of_its_number():
    costs = passage("Item: Claims settled with three customers; £: 18,900", "costs.md")
    said = "The claims settled with customers came to £18,900."
    assert attribute("What did the claims cost?", said, [costs]).kept == [said]
    assert attribute("What did the claims cost?", said.replace("£", "$"), [costs]).kept == []


def test_names_and_numbers_with_hyphens_are_compared_in_their_parts():
    said = "It laid one of the first OC-48c (2.5 Gbit/s) links, for a 700-megawatt plant."
    plant = passage("The firm laid one of the first OC-48c (2.5 Gbit/s) links for a 700 megawatt plant.", "links.md")
    assert attribute("What was laid?", said, [plant]).kept == [said]
    assert attribute("What was laid?", said.replace("Gbit", "Mbit"), [plant]).kept == []
    assert attribute("What was laid?", said.replace("700", "600"), [plant]).kept == []
