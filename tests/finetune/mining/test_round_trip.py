from types import SimpleNamespace

from fakes import FakeMeaning, NeutralScorer, passage
from finetune.mining.candidates import Candidate
from finetune.mining.round_trip import RoundTrip, find_rivals
from rag.answering.answerer import Answerer
from rag.answering.spans.span_selector import FittedWeights, SelectorWeights, SpanSelector
from rag.core.sections import AnswerSettings
from rag.generation.prompt import REFUSAL

TEXT = "The crane of 1987 lifts 40 tonnes. Its chain holds 25 tonnes, not 40 tonnes, by £300 of steel."
CHUNK = passage(TEXT, headings=("Cranes",)).chunk
OTHER = passage("A second crane lifts 30 tonnes from 2020.", "b.md").chunk
CANDIDATE = Candidate(CHUNK, (0, 34), TEXT.index("40"), "40 tonnes", "amount")
QUESTION = "How much does the crane with the 25 tonnes chain lift?"


def test_rivals_are_spans_of_a_like_kind_that_question_and_answer_do_not_hold():
    assert [(c.document, span) for c, _, span in find_rivals(QUESTION, CANDIDATE, [CHUNK, OTHER])] == [
        ("doc.md", "£300"),
        ("b.md", "30 tonnes"),
    ]


class Reads(FakeMeaning):
    def score_pairs(self, pairs):
        return self.scores(pairs)


def test_the_span_is_read_in_its_own_sentence_and_the_best_rival_counts():
    meaning = Reads(
        lambda claim, evidence: 0.9 if claim.endswith("40 tonnes") else 0.4 if claim.endswith("30 tonnes") else 0.1
    )
    assert RoundTrip(None, meaning).support(QUESTION, CANDIDATE, [OTHER, CHUNK]) == (0.9, 0.4)
    assert meaning.pairs[0] == (f"{QUESTION} 40 tonnes", "Cranes\nThe crane of 1987 lifts 40 tonnes.")
    alone = Candidate(CHUNK, (0, 34), TEXT.index("1987"), "1987", "date")
    assert RoundTrip(None, meaning).support(QUESTION, alone, []) == (0.1, 0.0)


def test_what_is_read_is_the_best_span_even_where_it_would_not_be_shown():
    def read(output):
        answers = SimpleNamespace(
            answer=lambda question, shown: SimpleNamespace(output=output, asked=[p.chunk for p in shown])
        )
        return RoundTrip(answers, None).read(QUESTION, CHUNK)

    assert (
        read("40 tonnes [1]") == "40 tonnes"
        and read(REFUSAL) == ""
        and RoundTrip(None, None).read(QUESTION, CHUNK) is None
    )


def test_a_real_answerer_gives_a_span_of_the_chunk_and_reads_it_once(tiny_generator):
    selector = SpanSelector(NeutralScorer(), FittedWeights(*[SelectorWeights(0.0, 0.5, 0.5)] * 3))
    trip = RoundTrip(Answerer(tiny_generator, AnswerSettings(least=1.0), selector), None)
    tiny_generator.clear_cache()
    before = tiny_generator.prefix_reader.computed
    answers = [trip.read(question, CHUNK) for question in (QUESTION, "What does the chain hold?")]
    assert (
        all(text and text in TEXT for text in answers) and tiny_generator.prefix_reader.computed == before + 2
    )  # the instructions, the chunk
