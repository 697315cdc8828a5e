import json
from types import SimpleNamespace

import pytest
from fakes import passage

from eval.__main__ import generator_names
from eval.dev import choose, read_rows
from eval.predict import evidence_ranks, gold_logprobs, judge, predict, read_lines
from eval.questions import EvaluationError, Evidence, Question, read_questions
from eval.run import _claim, compare, mined_parts, summarize
from finetune.data import Row, write_lines
from rag.generator import Generation
from rag.pipeline import to_answer
from rag.prompt import REFUSAL

GOOD = {"id": 1, "question": "How much?", "answers": ["40 tonnes"], "document": "crane.md", "start": 16}
SHOWN = [
    passage("The crane lifts 40 tonnes.", "crane.md"),
    passage("The mole is 640 metres long.", "mole.md", 100),
    passage("40 tonnes is the limit.", "limit.md"),
]
QUESTION = Question("q", "How much?", ("40 tonnes",), "crane.md", (Evidence("crane.md", 16, 25),), "single")


def questions_from(tmp_path, *rows):
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows))
    return file


def test_a_question_without_evidence_has_its_first_answer_as_evidence(tmp_path):
    (found,) = read_questions(questions_from(tmp_path, GOOD, ""))
    assert found == Question("1", "How much?", ("40 tonnes",), "crane.md", (Evidence("crane.md", 16, 25),), "answerable")


def test_a_question_without_answers_is_unanswerable_and_evidence_may_be_given(tmp_path):
    two = {**GOOD, "id": "b", "kind": "two", "evidence": [{"document": "x.md", "start": 3, "text": "four"}, {"document": "y.md", "start": 0, "text": "z"}]}
    none, found = read_questions(questions_from(tmp_path, {**GOOD, "answers": [], "start": -1}, two))
    assert (none.answerable, none.evidence, none.kind) == (False, (), "unanswerable")
    assert found.evidence == (Evidence("x.md", 3, 7), Evidence("y.md", 0, 1)) and found.kind == "two"


@pytest.mark.parametrize("bad", ["{broken", "[1]", '{"id": 1}', json.dumps({**GOOD, "answers": None}), json.dumps({**GOOD, "start": "x"})])
def test_a_bad_question_is_named_by_its_line(tmp_path, bad):
    with pytest.raises(EvaluationError, match=r"questions.jsonl:3 "):
        read_questions(questions_from(tmp_path, GOOD, "", bad))


def test_no_file_and_no_questions_are_errors(tmp_path):
    with pytest.raises(EvaluationError, match="can't be read"):
        read_questions(tmp_path / "none.jsonl")
    with pytest.raises(EvaluationError, match="no questions"):
        read_questions(questions_from(tmp_path, ""))


def test_a_line_separator_inside_a_question_parts_no_line(tmp_path):
    (found,) = read_questions(questions_from(tmp_path, {**GOOD, "question": "How\u2028much\x85?"}))
    assert found.question == "How\u2028much\x85?"


def test_a_sample_is_the_same_each_time_and_in_the_files_order(tmp_path):
    file = questions_from(tmp_path, *({**GOOD, "id": f"{n:02}"} for n in range(30)))
    ids = [q.id for q in read_questions(file, 10, 1)]
    assert len(ids) == 10 and ids == sorted(ids) == [q.id for q in read_questions(file, 10, 1)]
    assert ids != [q.id for q in read_questions(file, 10, 2)] and len(read_questions(file, 99)) == 30


class Scripted:
    """A generator that says the same to every prompt."""

    def __init__(self, tokenizer, says="40 tonnes [1]", raises=None):
        self.tokenizer, self.says, self.raises, self.asked = tokenizer, says, raises, 0

    def generate(self, prompts, most):
        if self.raises:
            raise self.raises
        self.asked += len(prompts)
        return [Generation(self.says, [-0.1])] * len(prompts)

    def logprobs(self, rows):
        return [[-0.5] * row.supervised for row in rows]


@pytest.fixture
def tokenizer(tiny_generator):
    return tiny_generator.tokenizer


@pytest.fixture
def asked(tmp_path, tokenizer):
    """-> predict() of twelve questions with a generator, always into the same file."""
    questions = [Question(f"q{n}", f"How much {n}?", ("40 tonnes",) if n % 3 else (), "crane.md", QUESTION.evidence if n % 3 else (), "k") for n in range(12)]
    shown = {q.id: SHOWN[: 1 + n % 3] for n, q in enumerate(questions)}

    def ask(generator):
        return predict(generator, questions, shown, 8, tmp_path / "runs" / "base.jsonl", "base")

    ask.path = tmp_path / "runs" / "base.jsonl"
    return ask


def test_predictions_come_in_the_order_of_the_questions(asked, tokenizer):
    assert [row["id"] for row in asked(Scripted(tokenizer))] == [f"q{n}" for n in range(12)]


def test_a_finished_run_is_read_and_not_made_again(asked, tokenizer):
    first = asked(Scripted(tokenizer))
    assert asked(Scripted(tokenizer, raises=AssertionError("asked again"))) == first


def test_a_line_cut_short_by_a_kill_is_dropped_and_made_again(asked, tokenizer):
    first = asked(Scripted(tokenizer))
    data = asked.path.read_bytes()
    asked.path.write_bytes(data[:-20])
    again = Scripted(tokenizer)
    rows = asked(again)
    assert again.asked == 1 and len(read_lines(asked.path)) == 12 == len(asked.path.read_text().splitlines())
    assert [{**row, "seconds": 0} for row in rows] == [{**row, "seconds": 0} for row in first]


def test_a_run_that_was_killed_between_batches_goes_on(asked, tokenizer):
    asked(Scripted(tokenizer))
    asked.path.write_text("".join(asked.path.read_text().splitlines(True)[:8]))
    again = Scripted(tokenizer)
    assert len(asked(again)) == 12 and again.asked == 4


def test_a_generator_that_raises_counts_failures_and_no_empty_answers(asked, tokenizer):
    from eval.metrics import answers

    rows = asked(Scripted(tokenizer, raises=RuntimeError("out of memory")))
    assert all(row["error"] == "RuntimeError: out of memory" and "text" not in row for row in rows)
    found = answers(rows)
    assert (found["failures"], found["n_answerable"], found["answered"]) == (12, 0, 0)


def test_gold_logprobs_are_of_the_answers_tokens_without_the_end(tokenizer):
    none = Question("n", "What?", (), "x.md", (), "unanswerable")
    found = gold_logprobs(Scripted(tokenizer), [none, QUESTION, none], [[], [SHOWN[0].chunk], []])
    assert found == [[], [-0.5] * len(tokenizer("40 tonnes")["input_ids"]), []]
    assert gold_logprobs(Scripted(tokenizer), [none], [[]]) == [[]]


def judged(output, question=QUESTION):
    return judge(question, to_answer(Generation(output, [-0.1]), SHOWN), 0.5, [])


def test_judge_a_right_answer():
    row = judged("40 tonnes [1]")
    assert (row["exact_match"], row["f1"], row["citation_precision"], row["citation_recall"]) == (1.0, 1.0, 1.0, 1.0)
    assert row["cited"] == [{"passage": 1, "document": "crane.md", "start": 0, "end": 26, "quote": "The crane lifts 40 tonnes."}]


def test_judge_counts_each_citation_and_each_piece_of_evidence():
    two = Question("q", "?", ("40 tonnes",), "crane.md", (Evidence("crane.md", 16, 25), Evidence("mole.md", 112, 122)), "two")
    both = judged("40 tonnes [3] [1]", two)  # one of two citations is right, one of two pieces is cited
    assert (both["citation_precision"], both["citation_recall"]) == (0.5, 0.5)
    wrong = judged("40 tonnes [3]", two)
    assert (wrong["f1"], wrong["citation_precision"], wrong["citation_recall"]) == (1.0, 0.0, 0.0)


def test_judge_a_refusal_scores_nothing():
    for output in (REFUSAL, "a blue elephant [1]"):
        row = judged(output)
        assert row["refused"] and (row["f1"], row["exact_match"], row["citation_precision"], row["cited"]) == (0.0, 0.0, 0.0, [])


def test_evidence_ranks_are_of_the_first_passage_that_holds_it():
    pieces = (Evidence("mole.md", 90, 101), Evidence("mole.md", 90, 100), Evidence("crane.md", 0, 1), Evidence("none.md", 0, 1))
    assert evidence_ranks(Question("q", "?", ("x",), "d", pieces, "k"), SHOWN) == [2, None, 1, None]


def claimed(folder, tokenizer, longest=8, shown=SHOWN, question=QUESTION, precision="float32"):
    """-> whether earlier predictions in the folder were kept."""
    generator = SimpleNamespace(digest="d1", precision=precision, tokenizer=tokenizer)
    _claim(folder, generator, [question], {"q": shown}, longest, None)
    kept = (folder / "base.jsonl").exists()
    (folder / "base.jsonl").write_text("")
    return kept


@pytest.mark.parametrize(
    "change",
    [
        {"longest": 9},
        {"shown": SHOWN[:2]},
        {"shown": [passage("The crane lifts 41 tonnes.", "crane.md"), *SHOWN[1:]]},
        {"question": Question("q", "How much now?", ("40 tonnes",), "crane.md", QUESTION.evidence, "single")},
        {"question": Question("q", "How much?", ("40 tonnes",), "crane.md", (Evidence("mole.md", 0, 9),), "single")},
        {"precision": "bfloat16"},
    ],
    ids=str,
)
def test_predictions_made_of_something_else_are_thrown_away(tmp_path, tokenizer, change):
    assert not claimed(tmp_path / "run", tokenizer)
    assert claimed(tmp_path / "run", tokenizer)
    assert not claimed(tmp_path / "run", tokenizer, **change)
    assert claimed(tmp_path / "run", tokenizer, **change)


def scored(f1s):
    return [{"answerable": True, "refused": False, "f1": f1} for f1 in f1s]


def test_compare_leaves_out_what_either_failed_on():
    failed = {"error": "x", "answerable": True}
    found = compare([*scored([0.0, 0.5]), failed, *scored([1.0])], [*scored([0.5, 0.5]), *scored([1.0]), failed])
    assert found["utility"]["n"] == 2 and found["f1"]["difference"] == 0.25


@pytest.mark.parametrize(("tuned", "word"), [(0.9, "tuned is better"), (0.1, "base is better"), (0.5, "no difference shown")])
def test_the_verdict_follows_the_interval(tuned, word):
    assert compare(scored([0.5] * 20), scored([tuned] * 20))["verdict"].startswith(word)


def test_summary_counts_kinds_parts_and_failures_apart():
    rows = [judged("40 tonnes [1]"), {"id": "f", "answerable": True, "error": "x"}]
    failed = Question("f", "?", ("x",), "crane.md", (Evidence("crane.md", 0, 1),), "single")
    found = summarize([QUESTION, failed], {"q": [1], "f": [None]}, {"base": rows}, {"crane.md": "unmined"})
    assert found["retrieval"]["recall@1"] == 0.5 and "comparison" not in found
    base = found["generators"]["base"]
    assert base["failures"] == 1 and base["by_kind"]["single"]["f1"] == 1.0 and base["by_part"]["unmined"]["n_answerable"] == 1


def weights(tmp_path):
    for stage in ("sft", "dpo"):
        (tmp_path / stage).mkdir()
        (tmp_path / stage / "adapter_model.safetensors").write_bytes(stage.encode())
    return {stage: tmp_path / stage for stage in ("sft", "dpo")}


def full(f1):
    more = {"exact_match": 0.0, "citation_precision": 0.0, "citation_recall": 0.0, "gold_logprobs": [], "seconds": 0.1}
    return [{**row, **more} for row in scored([f1] * 20)]


def test_the_better_stage_wins_only_when_it_is_shown_to_beat_base(tmp_path):
    adapters = weights(tmp_path)
    assert choose({"base": full(0.2), "sft": full(0.6), "dpo": full(0.5)}, adapters)["winner"] == "sft"
    assert choose({"base": full(0.6), "sft": full(0.6), "dpo": full(0.5)}, adapters)["winner"] == "base"


def test_nothing_wins_on_questions_that_failed(tmp_path):
    with pytest.raises(EvaluationError, match="failed"):
        choose({"base": [{"error": "x"}], "sft": full(1.0)[:1], "dpo": full(1.0)[:1]}, weights(tmp_path))


def test_mined_rows_are_read_as_questions_with_their_passages(tmp_path):
    chunks = tuple(p.chunk for p in SHOWN)
    write_lines(tmp_path / "dev.jsonl", [Row("a", "Q\u2028?", "40 tonnes", "answerable", "crane.md", (0, 26), chunks, 1),
                                         Row("b", "R?", "x", "left out", "crane.md", (0, 26), chunks, 0)])  # fmt: skip
    questions, shown = read_rows(tmp_path / "dev.jsonl")
    assert [(q.id, q.answers, q.evidence) for q in questions] == [("a", ("40 tonnes",), (Evidence("crane.md", 0, 26),)), ("b", (), ())]
    assert [p.chunk for p in shown["a"]] == list(chunks)
    with pytest.raises(EvaluationError, match="finetune mine"):
        read_rows(tmp_path / "none.jsonl")


def test_generator_names():
    assert generator_names("base, tuned") == ["base", "tuned"]
    for bad in ("", "best", "base,best"):
        with pytest.raises(EvaluationError, match="base,tuned"):
            generator_names(bad)


def test_documents_are_told_apart_by_what_the_adapters_own_rows_were_mined_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    adapter, mined = tmp_path / "adapter", tmp_path / "var/runs/r/mine"
    adapter.mkdir()
    mined.mkdir(parents=True)
    (adapter / "identity.json").write_text('{"run": "r", "data": "abc"}')
    receipt = {"data": "abc", "documents": {"train": ["a.md"], "dev": ["b.md"], "unmined": ["c.md"]}}
    (mined / "run.json").write_text(json.dumps(receipt))
    documents = ["a.md", "b.md", "c.md", "new.md"]
    assert mined_parts(documents, adapter) == {"a.md": "mined", "b.md": "mined", "c.md": "unmined", "new.md": "incoming"}
    (mined / "run.json").write_text(json.dumps({**receipt, "data": "of a later run"}))
    assert set(mined_parts(documents, adapter).values()) == {"mining record lost"}
