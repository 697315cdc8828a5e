import json

import pytest

from eval.runs.leakage import document_parts, find_leaks, read_training_record, without_leaks
from eval.runs.questions import Question
from rag.core.errors import EvaluationError
from rag.core.near_duplicates import NEAR_DUPLICATE


def ask(*texts):
    return [Question(f"q{n}", text, ("x",), "d.md", (), "k") for n, text in enumerate(texts)]


def trained(*texts):
    return [{"id": f"row{n}", "part": "train", "question": text} for n, text in enumerate(texts)]


def adapter(folder, *texts):
    folder.mkdir()
    record = {"documents": {"train": ["a.md"], "dev": ["b.md"], "unmined": ["c.md"]}, "questions": trained(*texts)}
    (folder / "record.json").write_text(json.dumps(record))
    return folder


@pytest.mark.parametrize(
    ("asked", "learned"),
    [
        ("How much does the crane lift?", "How much does the crane lift?"),
        ("how much does a crane lift", "How much does the CRANE lift?!"),  # case, articles and punctuation aside
        ("How much can the crane on quay 4 lift today?", "How much can the crane on quay 4 lift?"),  # 6 of 7 words
        ("What fee is due in 2024?", "In 2024, what fee is due?"),
        (
            "What does a berth for yachts cost?",
            "What is the cost of a berth for a yacht?",
        ),  # words without meaning and a plural aside
    ],
)
def test_a_question_that_was_trained_on_is_found(asked, learned):
    (leak,) = find_leaks(ask(asked), trained("Who built the mole?", learned))
    assert (leak.id, leak.question, leak.trained, leak.row) == (
        "q0",
        asked,
        learned,
        "row1",
    ) and NEAR_DUPLICATE <= leak.resemblance <= 1
    assert asked in str(leak) and learned in str(leak) and "row1" in str(leak)


@pytest.mark.parametrize(
    ("asked", "learned"),
    [
        ("How much does the crane lift?", "Who built the mole?"),
        ("How much does the crane lift?", "How much does the hoist lift?"),  # 3 of 5 words
        ("When was the long mole on the north side built?", "Where was the long mole on the north side built?"),
        (
            "What is the berthing fee for yachts in the inner harbour in 2024?",
            "What is the berthing fee for yachts in the inner harbour in 2025?",
        ),
        (
            "What is the berthing fee for yachts in the inner harbour in 2024?",
            "What is the berthing fee for yachts in the inner harbour?",
        ),
        ("May the bridge open when the swell is at 1.5 metres?", "May the bridge open when the swell is at 15 metres?"),
    ],
)
def test_another_question_is_no_leak_above_all_not_one_with_another_number(asked, learned):
    assert find_leaks(ask(asked), trained(learned)) == []
    assert find_leaks(ask(learned), trained(asked)) == []


def test_resemblance_is_the_share_of_words_in_common_by_hand():
    (leak,) = find_leaks(ask("one two three four five"), trained("one two three four"))
    assert leak.resemblance == 0.8  # 4 / 5: just enough
    assert find_leaks(ask("one two three four"), trained("one two three four five six")) == []  # 4 / 6
    assert (
        find_leaks(ask("one two three four x"), trained("one two three four y")) == []
    )  # 4 / 6, though each has 4 of the other's 5


def test_the_nearest_training_question_is_named():
    near, nearest = (
        "what does one berth in the inner harbour cost",
        "what does one berth in the inner harbour cost today",
    )
    (leak,) = find_leaks(ask(nearest), trained(near, nearest, near))
    assert (leak.row, leak.resemblance) == ("row1", 1.0)


def test_no_questions_and_no_training_have_no_leaks():
    assert find_leaks([], trained("a b")) == find_leaks(ask("a b"), []) == find_leaks(ask("?"), trained("!")) == []


def test_every_leak_among_ten_thousand_questions_is_found():
    """All share "what", "harbour", "when" and "quay", so that comparing all that share a word would take minutes."""
    letters = str.maketrans("0123456789", "abcdefghij")  # a word of its own for each number

    def question(n, mark):
        name = [f"{mark}{number}".translate(letters) for number in (n, n * 7 % 3001, n * 11 % 4001)]
        return f"What is the {name[0]} of the {name[1]} in the harbour when the {name[2]} is at the quay?"

    questions = ask(*(question(n, "v") for n in range(9900)), *(question(n, "w") for n in range(100)))
    found = find_leaks(questions, trained(*(question(n, "w") for n in range(2000))))
    assert [(leak.id, leak.row) for leak in found] == [(f"q{9900 + n}", f"row{n}") for n in range(100)]


QUESTIONS = ask("How much does the crane lift?", "Who built the mole?")


def test_leaks_stop_the_evaluation_with_the_rows_and_what_to_do(tmp_path):
    tuned = adapter(tmp_path / "tuned", "How much does the crane lift?")
    with pytest.raises(
        EvaluationError,
        match=r"1 of 2 questions(.|\n)*tuned: q0 'How much does the crane lift\?'.*row0(.|\n)*--leaks drop",
    ) as stopped:
        without_leaks(QUESTIONS, {"tuned": tuned}, "stop")
    assert "q1" not in str(stopped.value)


def test_leaks_can_be_dropped_or_kept_and_the_report_says_so(tmp_path):
    adapters = {"tuned": adapter(tmp_path / "tuned", "How much does the crane lift?")}
    left, notes = without_leaks(QUESTIONS, adapters, "drop")
    assert (
        left == QUESTIONS[1:]
        and len(notes) == 1
        and "1 of 2 questions" in notes[0]
        and notes[0].endswith("left out: q0")
    )
    kept, notes = without_leaks(QUESTIONS, adapters, "keep")
    assert kept == QUESTIONS and len(notes) == 1 and notes[0].startswith("LEAKED: 1 of 2") and notes[0].endswith(": q0")


@pytest.mark.parametrize("mode", ["stop", "drop", "keep"])
def test_without_leaks_there_is_nothing_to_say(tmp_path, mode):
    assert without_leaks(QUESTIONS, {"tuned": adapter(tmp_path / "tuned", "Something else?")}, mode) == (QUESTIONS, [])
    assert without_leaks(QUESTIONS, {}, mode) == (QUESTIONS, [])


def test_what_any_adapter_was_trained_on_is_a_leak(tmp_path):
    adapters = {
        "sft": adapter(tmp_path / "sft", "Who built the mole?"),
        "dpo": adapter(tmp_path / "dpo", "How much does the crane lift?"),
    }
    assert without_leaks(QUESTIONS, adapters, "drop")[0] == []


def test_an_adapter_without_a_record_is_refused_unless_leaks_are_kept(tmp_path):
    (tmp_path / "bare").mkdir()
    for mode in ("stop", "drop"):
        with pytest.raises(EvaluationError, match="bare has no readable record.*train it again, or --leaks keep"):
            without_leaks(QUESTIONS, {"tuned": tmp_path / "bare"}, mode)
    kept, notes = without_leaks(QUESTIONS, {"tuned": tmp_path / "bare"}, "keep")
    assert kept == QUESTIONS and len(notes) == 1 and notes[0].startswith("LEAKS NOT CHECKED")
    (tmp_path / "bare" / "record.json").write_text("{")
    with pytest.raises(EvaluationError, match="no readable record"):
        read_training_record(tmp_path / "bare")


def test_an_adapter_without_a_record_hides_no_leak_of_another(tmp_path):
    (tmp_path / "bare").mkdir()
    leaky = adapter(tmp_path / "leaky", "How much does the crane lift?")
    for adapters in ({"a": leaky, "b": tmp_path / "bare"}, {"a": tmp_path / "bare", "b": leaky}):
        kept, notes = without_leaks(QUESTIONS, adapters, "keep")
        assert kept == QUESTIONS
        assert any("LEAKS NOT CHECKED" in note for note in notes) and any(
            "LEAKED" in note and "q0" in note for note in notes
        )


def test_documents_are_dealt_into_parts_by_the_record_of_the_adapter(tmp_path):
    documents = ["a.md", "b.md", "c.md", "new.md"]
    assert document_parts(documents, adapter(tmp_path / "tuned")) == {
        "a.md": "mined",
        "b.md": "mined",
        "c.md": "unmined",
        "new.md": "incoming",
    }
    assert document_parts(documents, None) == {}
    assert set(document_parts(documents, tmp_path / "gone").values()) == {"mining record lost"}
