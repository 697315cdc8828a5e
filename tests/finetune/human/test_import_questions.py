"""People's question-answer files and the log of real questions become rows as the mined ones do."""

import json
from types import SimpleNamespace

import pytest

from fakes import passage
from finetune.data.rows import read_rows
from finetune.data.split import DEV, GATE, TRAIN, UNMINED, Split
from finetune.data.training_set import collect_rows, data_digest
from finetune.human.find_answer import find_answer
from finetune.human.import_questions import import_file
from finetune.human.import_report import import_report
from rag.answering.answer import Answer
from rag.cli.question_log import log_answer
from rag.core.jsonl import read_lines, write_lines
from rag.core.run_folder import Stage
from rag.core.sections import RetrievalSettings
from rag.generation.prompt import REFUSAL
from rag.labels.label_file import read_label_file
from rag.retrieval.retriever import Retriever

TEXTS = {
    "a.md": "The crane on the north quay lifts 40 tonnes.\n",
    "h.md": "The office opens at 08:30 on Mondays.\n",
    "e.md": "The ferry leaves the east pier at 07:15.\n",
    "o.md": "The museum was founded in 1902.\n",
    "it/runbook.md": "Backups run at 02:15 every night.\n",
}


@pytest.fixture
def retriever(tiny_index, tiny_embedder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = {"a.md": TRAIN, "h.md": DEV, "e.md": GATE, "o.md": UNMINED, "it/runbook.md": TRAIN}
    assert {name: Split().part_of(name, 0) for name in TEXTS} == parts
    return Retriever(tiny_index(TEXTS), tiny_embedder, RetrievalSettings(passages=2))


def imported(tmp_path, retriever, lines, name="asked.jsonl"):
    """Import the lines and return train rows, dev rows, and the reasons of the rejects."""
    path = tmp_path / name
    path.write_text(
        lines if isinstance(lines, str) else "".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8"
    )
    stage = import_file(read_label_file(path), "r", retriever, 10).stage
    return *(read_rows(stage.folder / f"{part}.jsonl") for part in ("train", "dev")), [
        line["reason"] for line in read_lines(stage.folder / "rejects.jsonl")
    ]


def rows_of(part):
    """Return the run's mined and imported rows of a part."""
    return [row for name, row in collect_rows("r") if name == part]


CRANE = {"question": "How much does the crane on the north quay lift?", "answer": "40  TONNES"}


def test_an_answer_that_stands_in_a_passage_shown_is_cited_as_it_stands(tmp_path, retriever):
    train, dev, rejects = imported(
        tmp_path,
        retriever,
        [CRANE, {"question": "When does the office open?", "answers": ["half past eight", "08:30"]}],
    )
    assert [(r.answer, r.document, r.kind) for r in train] == [("40 tonnes", "a.md", "answerable")]
    assert train[0].passages[train[0].cited - 1].document == "a.md" and len(train[0].passages) == 2
    assert [(r.answer, r.document) for r in dev] == [("08:30", "h.md")] and rejects == []


def test_held_out_questions_are_dealt_by_their_passage_as_mined_ones_are(tmp_path, retriever):
    ferry = {"question": "When does the ferry leave the east pier?", "answer": "07:15"}
    vain = {"question": "Who steers the ferry from the east pier?", "answers": [], "document": "e.md"}
    train, dev, rejects = imported(tmp_path, retriever, [ferry, vain])
    assert (train, dev, rejects) == ([], [], [])
    gate = read_rows(Stage("r", "import/asked.jsonl").folder / "gate.jsonl")
    assert [(row.document, row.kind) for row in gate] == [("e.md", "answerable"), ("e.md", "unanswerable")]


def test_csv_of_spreadsheets_is_read(tmp_path, retriever):
    train, _, rejects = imported(
        tmp_path,
        retriever,
        '\ufeffQuestion;Answer;Document\n"How much does the crane lift?";"40 tonnes";a.md\n;x;\n',
        "q.csv",
    )
    assert [(r.question, r.answer) for r in train] == [("How much does the crane lift?", "40 tonnes")] and rejects == [
        "has no question"
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"question": " ", "answer": "x"}, "has no question"),
        ({"question": "How much does the crane lift?"}, "has no answer"),
        ({"question": "How much does the crane lift?", "answers": [True]}, "has an answer that can't be read"),
        (
            {"question": "How much does the crane lift?", "answer": "forty tonnes"},
            "no passage found has the answer word for word",
        ),
        (
            {"question": "How much does the crane lift?", "answer": "0 tonnes"},
            "no passage found has the answer word for word",
        ),
        ({**CRANE, "document": "h.md"}, "its document does not have the answer word for word"),
        ({**CRANE, "document": "gone.md"}, "its document is not in the index"),
        (
            {"question": "When was the museum founded?", "answer": "1902"},
            "its document is kept out of training, for testing",
        ),
        (
            {"question": "Who founded the museum?", "answers": [], "document": "o.md"},
            "its document is kept out of training, for testing",
        ),
        ({**CRANE, "text": "40 tonnes", "thumb": None}, "no thumb and no correction"),
        ({**CRANE, "text": "40 tonnes", "thumb": "down"}, "thumb down without a correction"),
        ({**CRANE, "thumb": "down"}, "thumb down without a correction"),
        ({**CRANE, "thumb": "down", "correction": ""}, "thumb down without a correction"),
        ({**CRANE, "thumb": None, "correction": None}, "no thumb and no correction"),
    ],
)
def test_what_can_not_be_used_is_kept_with_its_reason(tmp_path, retriever, line, reason):
    train, dev, rejects = imported(tmp_path, retriever, [CRANE | {"question": "What does the crane lift?"}, line])
    assert (len(train), dev, rejects) == (1, [], [reason])


def test_the_same_question_twice_is_one_row(tmp_path, retriever):
    train, _, rejects = imported(tmp_path, retriever, [CRANE, CRANE])
    assert len(train) == 1 and rejects == ["asked before in this file"]


@pytest.mark.parametrize(
    "more",
    [
        {"answers": []},
        {"answer": REFUSAL},
        {"answer": "unanswerable"},
        {"answers": {"text": [], "answer_start": []}},
        {"answers": [], "is_impossible": True},
        {"text": REFUSAL, "refused": True, "thumb": "up"},
        {"text": "1987", "correction": REFUSAL},
    ],
)
def test_what_people_mark_as_not_answered_has_the_refusal_as_its_label(tmp_path, retriever, more):
    [row], _, _ = imported(tmp_path, retriever, [{"question": "Who painted the crane on the north quay?", **more}])
    assert (row.target, row.cited, row.kind, row.document) == (REFUSAL, 0, "unanswerable", "a.md")


def test_the_log_of_real_questions_is_learned_from(tmp_path, retriever):
    def answer(text, refused=False):
        return Answer(text, refused, 0.5, [], [passage("x")], text, {})

    log, question = tmp_path / "log" / "asked.jsonl", CRANE["question"]
    log_answer(log, question, answer("40 tonnes"), "y")
    log_answer(log, "What does the crane on the quay lift?", answer("1902"), "40 tonnes")
    log_answer(log, "When do backups run?", answer("1902"), "n")
    log_answer(log, "When does the office open?", answer(REFUSAL, True))
    stage = import_file(read_label_file(log), "r", retriever, 10).stage
    assert [r.answer for r in read_rows(stage.folder / "train.jsonl")] == ["40 tonnes", "40 tonnes"]
    assert stage.result()["rejected"] == {"thumb down without a correction": 1, "no thumb and no correction": 1}
    assert [(line["thumb"], line["correction"]) for line in read_lines(log)] == [
        ("up", None),
        ("down", "40 tonnes"),
        ("down", None),
        (None, None),
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"answer": "40 tonnes", "thumb": "up"},
        {"answer": "1902", "thumb": "down", "correction": "40 tonnes"},
        {"answer": "1902", "correction": "40 tonnes"},
    ],
)
def test_a_log_may_have_another_name_for_the_answer_that_was_given(tmp_path, retriever, more):
    [row], _, rejects = imported(tmp_path, retriever, [{"question": CRANE["question"], **more}])
    assert row.answer == "40 tonnes" and rejects == []


def test_an_answer_across_lines_is_kept_on_one_as_the_prompt_shows_it():
    chunk = passage("The crane lifts 40\ntonnes.").chunk
    assert find_answer(("40 tonnes",), [chunk]) == (chunk, "40 tonnes")


def test_what_two_sources_ask_is_learned_from_the_last_alone_whatever_part_it_falls_to(tmp_path, retriever):
    mined = Stage("r", "mine")
    for name in ("train", "dev"):
        write_lines(mined.folder / f"{name}.jsonl", [])
    imported(tmp_path, retriever, [CRANE], "1.jsonl")
    write_lines(mined.folder / "train.jsonl", rows_of("train"))
    imported(
        tmp_path,
        retriever,
        [{"question": "How much does the crane on the north quay LIFT", "answer": "08:30", "document": "h.md"}],
        "2.jsonl",
    )
    assert rows_of("train") == [] and [(row.answer, row.document) for row in rows_of("dev")] == [("08:30", "h.md")]


def test_imported_rows_join_the_mined_ones_and_people_have_the_last_word(tmp_path, retriever):
    mined = Stage("r", "mine")
    for name in ("train", "dev"):
        write_lines(mined.folder / f"{name}.jsonl", [])
    before = data_digest("r")
    train, *_ = imported(tmp_path, retriever, [CRANE])
    assert rows_of("train") == train and data_digest("r") != before
    write_lines(
        mined.folder / "train.jsonl",
        [SimpleNamespace(**{**vars(train[0]), "answer": "tonnes"}).__dict__ | {"passages": []}],
    )
    assert rows_of("train") == train
    Stage("r", "import/asked.jsonl").clear()
    assert [row.answer for row in rows_of("train")] == ["tonnes"]


def test_an_answer_is_found_whole_and_in_order():
    chunks = [passage("It costs £150.").chunk, passage("It costs £15.\nA\nnight.").chunk]
    assert find_answer(("£15",), chunks) == (chunks[1], "£15")
    assert find_answer(("night", "a night"), chunks) == (chunks[1], "night")
    assert find_answer(("a (night)",), chunks) == (None, "")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("40 tonnes.", "40 tonnes"),
        ("40tonnes", "40 tonnes"),
        ("“40 tonnes”", "40 tonnes"),
        ("40\u00a0tonnes!", "40 tonnes"),
        ("The Crane on the north quay", "The crane on the north quay"),
    ],
)
def test_an_answer_is_kept_as_its_passage_has_it_and_the_change_is_listed(tmp_path, retriever, written, kept):
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(CRANE | {"answer": written}))
    labels = read_label_file(path)
    done = import_file(labels, "r", retriever, 10)
    [row] = read_rows(done.stage.folder / "train.jsonl")
    assert row.answer == kept and kept in row.passages[row.cited - 1].text
    [line] = read_lines(done.stage.folder / "respelled.jsonl")
    assert (line["row"], line["kept"]) == (1, kept)
    assert f"{kept!r}" in import_report(labels, done)


def test_an_empty_answer_counts_as_not_answered_and_the_report_names_its_row(tmp_path, retriever):
    path = tmp_path / "own.csv"
    path.write_text(f"question,answer\n{CRANE['question']},40 tonnes\nWho painted the crane on the north quay?,\n")
    labels = read_label_file(path)
    done = import_file(labels, "r", retriever, 10)
    assert [row.target for row in done.rows][1] == REFUSAL
    assert "taken as not answered by the documents: 1 questions, rows 3" in import_report(labels, done)


def test_of_several_answers_the_one_that_was_found_is_listed_with_its_spelling(tmp_path, retriever):
    imported(tmp_path, retriever, [CRANE | {"answer": None, "answers": ["very much", "“40tonnes”."]}])
    [line] = read_lines(Stage("r", "import/asked.jsonl").folder / "respelled.jsonl")
    assert line == {"row": 1, "written": "“40tonnes”.", "kept": "40 tonnes"}


def test_the_report_names_each_rejected_row_and_counts_them(tmp_path, retriever):
    (tmp_path / "own.csv").write_text(
        "question,answer\nHow much does the crane on the north quay lift?,40 tonnes\n"
        "When do backups run?,at 02:15, every night\nWho sings?,nobody there\n"
    )
    labels = read_label_file(tmp_path / "own.csv")
    report = import_report(labels, import_file(labels, "r", retriever, 10)).splitlines()
    assert report[0].startswith(f"{tmp_path / 'own.csv'}: 1 kept (train 1, dev 0, gate 0), 2 rejected")
    assert [line.split(":")[0] for line in report[-2:]] == ["  row 3", "  row 4"]
    assert "has more cells than the head" in report[-2] and "'nobody there'" in report[-1]
    rejects = read_lines(Stage("r", "import/own.csv").folder / "rejects.jsonl")
    assert rejects[0]["cells"] == {"cells": ["When do backups run?", "at 02:15", "every night"]}


def test_a_question_asked_again_with_another_answer_is_rejected_with_the_row_of_the_first(tmp_path, retriever):
    imported(tmp_path, retriever, [CRANE, CRANE | {"answer": "the crane"}])
    [reject] = read_lines(Stage("r", "import/asked.jsonl").folder / "rejects.jsonl")
    assert (reject["row"], reject["detail"]) == (2, "in row 1, with another answer")


def test_a_document_is_found_by_its_path_elsewhere_and_the_nearest_is_named_where_there_is_none(tmp_path, retriever):
    backups = {"question": "When do backups run?", "answer": "02:15"}
    train, _, rejects = imported(
        tmp_path,
        retriever,
        [backups | {"source": "C:\\docs\\IT\\Runbook.md"}, backups | {"question": "When?", "source": "runbok.md"}],
    )
    assert [row.document for row in train] == ["it/runbook.md"] and rejects == ["its document is not in the index"]
    [reject] = read_lines(Stage("r", "import/asked.jsonl").folder / "rejects.jsonl")
    assert reject["detail"] == "'runbok.md'; the nearest is 'it/runbook.md'"


def test_of_passages_with_the_answer_the_one_in_the_given_context_is_taken():
    chunks = [passage(text).chunk for text in ("The pump runs on 24 V.", "The fan runs on 24 V. It is loud.")]
    assert find_answer(("24V",), chunks) == (chunks[0], "24 V")
    assert find_answer(("24V",), chunks, ("Some fan.\nThe fan  runs on 24 V. Loud.",)) == (chunks[1], "24 V")
    assert find_answer(("24V",), chunks, ("Nothing of it.",)) == (chunks[0], "24 V")
