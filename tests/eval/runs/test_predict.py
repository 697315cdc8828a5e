import json

import pytest

from eval.metrics.answer_metrics import measure_answer
from eval.runs.predict import TIMED, evidence_ranks, gold_answer_ids, measure_latencies, predict, predict_closed_book
from eval.runs.questions import Evidence, Question, question_fields
from eval.runs.resume import resumable_batches
from fakes import Scripted, passage
from rag.answering.answerer import Answerer
from rag.core.jsonl import read_lines
from rag.core.sections import AnswerSettings
from rag.generation.prompt import CLOSED_BOOK, REFUSAL, render
from rows import ANSWER, CRANE

SHOWN = [
    passage(CRANE, "crane.md"),
    passage("The mole is 640 metres long.", "mole.md", 100),
    passage("40 tonnes is the limit.", "limit.md"),
]
EVIDENCE = (Evidence("crane.md", 16, 25),)
QUESTIONS = [
    Question(f"q{n}", f"How much {n}?", (ANSWER,) if n % 3 else (), "crane.md", EVIDENCE if n % 3 else (), "k")
    for n in range(12)
]


def writing(generator) -> Answerer:
    return Answerer(generator, AnswerSettings(extractive=False, max_new_tokens=8), None)


@pytest.fixture
def tokenizer(tiny_generator):
    return tiny_generator.tokenizer


@pytest.fixture
def ask(tmp_path):
    """Return a function that predicts twelve questions, in two batches, always into the same file."""
    shown = {q.id: SHOWN[: 1 + n % 3] for n, q in enumerate(QUESTIONS)}

    def ask(generator):
        return predict(writing(generator), QUESTIONS, shown, ask.path, "base")

    ask.path = tmp_path / "runs" / "base.jsonl"
    return ask


def test_predictions_come_in_the_order_of_the_questions_with_question_and_output(ask, tokenizer):
    rows = ask(Scripted(tokenizer))
    assert [row["id"] for row in rows] == [f"q{n}" for n in range(12)]
    one = rows[1]
    assert {name: one[name] for name in question_fields(QUESTIONS[1])} == question_fields(QUESTIONS[1])
    assert (one["text"], one["output"], one["refused"]) == ("40 tonnes", "40 tonnes [1]", False)
    cited = {"passage": 1, "document": "crane.md", "start": 0, "end": 26, "quote": CRANE, "row": "", "column": ""}
    assert one["cited"] == [cited] and one["answered_by"] == "written"
    assert one["passages"] == [
        {"document": "crane.md", "start": 0, "end": 26},
        {"document": "mole.md", "start": 100, "end": 128},
    ]
    assert one["tokens"] == {
        "read": len(render(tokenizer, "How much 1?", [p.chunk for p in SHOWN[:2]]).ids),
        "written": 1,
    }
    assert [len(row["gold_logprobs"]) for row in rows[:2]] == [0, len(tokenizer(ANSWER)["input_ids"])]
    measures = measure_answer(one)["measures"]
    assert (measures["f1"], measures["citation_precision"], measures["citation_recall"]) == (1.0, 1.0, 1.0)


def test_what_is_not_supported_by_a_passage_is_a_refusal_whose_output_is_kept(ask, tokenizer):
    row = ask(Scripted(tokenizer, "a blue elephant [1]"))[1]
    assert (row["text"], row["refused"], row["output"], row["cited"]) == (REFUSAL, True, "a blue elephant [1]", [])


def test_a_finished_run_is_read_and_not_made_again(ask, tokenizer):
    first = ask(Scripted(tokenizer))
    assert ask(Scripted(tokenizer, raises=AssertionError("asked again"))) == first


def test_wherever_a_run_is_killed_it_ends_in_the_same_bytes(ask, tokenizer):
    """How sure the scripted generator is depends on its batch, so a batch cut otherwise would show."""
    first = ask(Scripted(tokenizer))
    whole = ask.path.read_bytes()
    ends = [n + 1 for n, byte in enumerate(whole) if byte == 10]
    assert len(ends) == 12 and len({row["confidence"] for row in first}) == 2
    for kept, end in enumerate([0, *ends[:-1]]):
        for torn in (0, 1, 40):
            ask.path.write_bytes(whole[: end + torn])
            again = Scripted(tokenizer)
            assert ask(again) == first and ask.path.read_bytes() == whole
            assert again.asked == (12 if kept < 8 else 4)  # the batch that was cut off is asked whole


def test_a_line_that_lacks_only_its_line_feed_is_made_again(ask, tokenizer):
    ask(Scripted(tokenizer))
    whole = ask.path.read_bytes()
    ask.path.write_bytes(whole[:-1])
    ask(Scripted(tokenizer))
    assert ask.path.read_bytes() == whole and len(read_lines(ask.path)) == 12


@pytest.mark.parametrize("error", [RuntimeError("out of memory")])
def test_a_generator_that_raises_counts_failures_and_no_empty_answers(ask, tokenizer, error):
    rows = ask(Scripted(tokenizer, raises=error))
    assert [row["id"] for row in rows] == [q.id for q in QUESTIONS]
    assert all(row["error"] == "RuntimeError: out of memory" and "text" not in row and "answers" in row for row in rows)


def test_only_the_batch_that_raises_fails_and_what_failed_is_asked_again(ask, tokenizer):
    rows = ask(Scripted(tokenizer, raises=RuntimeError("out of memory"), on="How much 11?"))
    failures = [row["id"] for row in rows if row.get("error")]
    assert "q11" in failures and len(failures) == 4
    again = Scripted(tokenizer)
    assert not any(row.get("error") for row in ask(again)) and again.asked == 4


def test_other_errors_stop_the_run(ask, tokenizer):
    with pytest.raises(ZeroDivisionError):
        ask(Scripted(tokenizer, raises=ZeroDivisionError()))


def test_closed_book_asks_answerable_questions_without_passages(tmp_path, tokenizer):
    generator = Scripted(tokenizer, "40 tonnes [2]\nand more")
    rows = predict_closed_book(generator, QUESTIONS, 8, tmp_path / "closed.jsonl", "base")
    assert [row["id"] for row in rows] == [q.id for q in QUESTIONS if q.answerable]
    assert all(row["text"] == "40 tonnes" and row["answers"] == [ANSWER] for row in rows)
    assert [len(row["gold_logprobs"]) for row in rows] == [len(tokenizer(ANSWER)["input_ids"])] * 8
    assert all(
        CLOSED_BOOK in text and "How much" in text and "crane" not in text and "passages" not in text
        for text in generator.prompts
    )
    assert predict_closed_book(generator, QUESTIONS[:1], 8, tmp_path / "none.jsonl", "base") == []


def test_the_likelihood_of_the_first_acceptable_answer_is_measured_and_of_nothing_else(tokenizer):
    generator = Scripted(tokenizer)
    assert (
        tokenizer.decode(gold_answer_ids(generator, Question("q", "?", ("40 tonnes", "forty"), "d", (), "k")))
        == "40 tonnes"
    )
    assert gold_answer_ids(generator, Question("q", "?", (), "d", (), "k")) == []


def test_latency_is_of_questions_asked_one_at_a_time_evenly_spaced(tokenizer):
    many = [Question(f"q{n}", f"How much {n}?", (), "d", (), "k") for n in range(3 * TIMED)]
    generator = Scripted(tokenizer)
    found = measure_latencies(writing(generator), many, {q.id: [] for q in many})
    assert len(found["first_token"]) == len(found["answer"]) == TIMED
    assert all(0 <= first <= whole for first, whole in zip(found["first_token"], found["answer"], strict=True))
    assert [f"How much {n}?" in text for n, text in zip(range(0, 3 * TIMED, 3), generator.prompts, strict=True)] == [
        True
    ] * TIMED
    assert len(measure_latencies(writing(Scripted(tokenizer)), many[:5], {q.id: [] for q in many})["answer"]) == 5


def test_evidence_ranks_are_of_the_first_passage_that_holds_it():
    pieces = (
        Evidence("mole.md", 90, 101),
        Evidence("mole.md", 90, 100),
        Evidence("crane.md", 0, 1),
        Evidence("none.md", 0, 1),
    )
    assert evidence_ranks(Question("q", "?", ("x",), "d", pieces, "k"), SHOWN) == [2, None, 1, None]


def test_batches_hold_neighbours_in_length_and_each_line_is_kept_at_once(tmp_path):
    path, batches = tmp_path / "x.jsonl", []

    def work(batch):
        batches.append([q.id for q in batch])
        on_disk.append(len(read_lines(path)))
        return [{"id": q.id} for q in batch]

    on_disk: list[int] = []
    questions = [Question(str(n), "x" * length, (), "d", (), "k") for n, length in enumerate((5, 1, 4, 1, 3))]
    found = resumable_batches(path, questions, 2, lambda q: len(q.question), work, "x")
    assert batches == [["1", "3"], ["4", "2"], ["0"]] and on_disk == [0, 2, 4]
    assert set(found) == {"0", "1", "2", "3", "4"} and [
        json.loads(line)["id"] for line in path.read_text().splitlines()
    ] == ["1", "3", "4", "2", "0"]
