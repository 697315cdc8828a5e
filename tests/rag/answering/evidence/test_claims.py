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
