"""The local question writer: one line for a question, and a second question from an opening."""

import dataclasses
from types import SimpleNamespace

from fakes import passage
from finetune.mining.candidates import Candidate
from finetune.mining.question_prompt import write_questions

SENTENCE = "The crane on the north quay lifts 40 tonnes in calm weather."


CHUNK = passage(SENTENCE, headings=("Crane manual", "Limits")).chunk


CANDIDATE = Candidate(CHUNK, (0, len(SENTENCE)), SENTENCE.index("40"), "40 tonnes", "amount")


def test_the_writer_gives_one_line_a_question(tiny_generator):
    written = write_questions(tiny_generator, [CANDIDATE, CANDIDATE])
    assert len(written) == 2 and all(len(found) == 1 for found in written)  # a base model gets no opening
    assert not any("\n" in question for found in written for question in found)


def test_a_trained_writer_also_begins_as_the_kind_of_span_wants(tiny_generator):
    asked = []

    def generate(ids, most, stop):
        asked.extend(tiny_generator.tokenizer.decode(row) for row in ids)
        return [SimpleNamespace(text=f" is it {n}?\nAnswer") for n in range(len(ids))]

    candidates = [CANDIDATE, dataclasses.replace(CANDIDATE, kind="name"), dataclasses.replace(CANDIDATE, span="£40")]
    written = write_questions(
        SimpleNamespace(tokenizer=tiny_generator.tokenizer, adapter="writer", generate=generate), candidates
    )
    assert written == [["is it 0?", "How is it 1?"], ["is it 2?", "Which is it 3?"], ["is it 4?", "How much is it 5?"]]
    assert [text.rpartition("Question:")[2] for text in asked] == ["", " How", "", " Which", "", " How much"]


def test_a_trained_writers_question_for_the_name_of_something_is_thrown_away(tiny_generator):
    written = ["What is the name of the crane?", " does it lift?"]
    speaking = SimpleNamespace(
        tokenizer=tiny_generator.tokenizer,
        adapter="writer",
        generate=lambda ids, most, stop: [SimpleNamespace(text=t) for t in written],
    )
    assert write_questions(speaking, [CANDIDATE]) == [["How does it lift?"]]
