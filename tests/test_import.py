"""People's questions from files, as rows to train on."""

import json
from types import SimpleNamespace

import pytest
from fakes import passage
from rows import write

from finetune.asked import Asked, read_asked
from finetune.data import Stage, TrainingError, read_lines
from finetune.importing import STAGE, import_file, imported, label_asked
from finetune.learned import gather
from finetune.split import DEV, TRAIN, UNMINED, part
from rag.prompt import REFUSAL
from rag.retrieval import RetrievalSettings


def read(tmp_path, text, name="asked.csv"):
    (tmp_path / name).write_bytes(text.encode())
    return read_asked(tmp_path / name)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_csv_as_spreadsheets_write_it(tmp_path, mark):
    lines = [["question", "answer", "document"], ["Who, or what?", "the mole", "a.md"], ["Why?", "", ""]]
    text = "\ufeff" + "\r\n".join(mark.join(f'"{cell}"' for cell in line) for line in lines)
    assert read(tmp_path, text) == [Asked("Who, or what?", ("the mole",), "a.md"), Asked("Why?", (), "")]


def test_csv_takes_several_answers_and_tells_no_answer_from_none_given(tmp_path):
    assert read(tmp_path, "question,answers\nHow much?,40 t | forty tonnes\nWhy?,\nWhen?\n")[:2] == [Asked("How much?", ("40 t", "forty tonnes"), ""),
                                                                                                   Asked("Why?", (), "")]  # fmt: skip
    assert read(tmp_path, "question,answer\nWhen?\n")[0].fault == "no answer, nor that there is none"


@pytest.mark.parametrize(
    ("line", "answers", "fault"),
    [
        ({"answer": "40"}, ("40",), ""),
        ({"answer": 40}, ("40",), ""),
        ({"answers": ["40", " 40 ", "forty"]}, ("40", "forty"), ""),
        ({"answers": []}, (), ""),
        ({"answer": REFUSAL}, (), ""),
        ({"answer": None}, (), "no answer, nor that there is none"),
        ({"answer": "40", "thumb": "up"}, ("40",), ""),
        ({"answer": "40", "thumb": "up", "correction": ""}, ("40",), ""),
        ({"answer": REFUSAL, "thumb": "up"}, (), ""),
        ({"answer": "40", "thumb": "down", "correction": "50"}, ("50",), ""),
        ({"answer": "40", "thumb": "down", "correction": REFUSAL}, (), ""),
        ({"answer": "40", "correction": "50"}, ("50",), ""),
        ({"answer": "40", "thumb": "down"}, (), "thumb down, and no correction"),
        ({"answer": "40", "thumb": "", "correction": ""}, (), "neither thumb nor correction"),
        ({"answer": "40", "thumb": None}, (), "neither thumb nor correction"),
        ({"answer": "40", "thumb": "sideways"}, (), "its thumb is neither up nor down"),
    ],
)
def test_what_a_json_line_says(tmp_path, line, answers, fault):
    [found] = read_asked(write(tmp_path / "asked.jsonl", [{"question": " Q\u2028? ", **line}]))
    assert found == Asked("Q\u2028?", answers, "", fault)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"question": "Q?", "answer": "a"}\n{"question', "a.jsonl:2 is not JSON"),
        ("a.jsonl", '{"answer": "a"}', "a.jsonl:1 has no question"),
        ("a.jsonl", '["a"]', "a.jsonl:1 has no question"),
        ("a.jsonl", "\n", "holds no question"),
        ("a.csv", "Frage,answer\nWas?,das", "none is called question"),
        ("a.csv", "question,answer\n", "holds no question"),
    ],
)
def test_a_file_that_is_no_such_file_is_named_with_its_line(tmp_path, name, text, message):
    with pytest.raises(TrainingError, match=message):
        read(tmp_path, text, name)


def test_a_file_that_is_not_there_or_not_utf8_is_an_error(tmp_path):
    with pytest.raises(TrainingError, match="can't be read"):
        read_asked(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("question,answer\nWo?,Köln".encode("latin-1"))
    with pytest.raises(TrainingError, match="UTF-8"):
        read_asked(tmp_path / "latin.csv")


CRANE = passage("The crane lifts 40\ntonnes in calm weather, and 2012 people saw it.", "a.md").chunk
MOLE = passage("The mole was built in 1987 by the Trust.", "e.md").chunk
FERRY = passage("The ferry leaves at 08:30 with 40 tonnes of sand.", "it/runbook.md").chunk
KEPT_OUT = passage("The lamp is lit at dusk.", "o.md").chunk
CHUNKS = [CRANE, MOLE, FERRY, KEPT_OUT]


def serving(*found, chunks=CHUNKS, passages=2):
    """-> a retriever that finds these, in this order, for every question."""
    return SimpleNamespace(chunks=chunks, search=lambda q, k=None: [SimpleNamespace(chunk=c) for c in found][:k], settings=RetrievalSettings(passages=passages))


def test_an_answer_is_the_text_of_the_first_passage_that_holds_it():
    row, _ = label_asked(Asked("How much does it lift?", ("THE crane", "40  TONNES"), ""), serving(MOLE, CRANE, FERRY), 3)
    assert (row.answer, row.cited, row.kind, row.target) == ("The crane", 2, "answerable", "The crane [2]")
    row, _ = label_asked(Asked("How much does it lift?", ("40  TONNES",), ""), serving(MOLE, CRANE, FERRY), 3)
    assert (row.answer, row.document, row.gold, row.passages) == ("40 tonnes", "a.md", (CRANE.start, CRANE.end), (MOLE, CRANE))


def test_a_named_document_is_where_the_answer_is_looked_for():
    row, _ = label_asked(Asked("How much sand?", ("40 tonnes",), "it/runbook.md"), serving(CRANE, FERRY), 3)
    assert (row.document, row.cited) == ("it/runbook.md", 2)


def test_what_is_found_but_not_shown_earns_what_mining_gives_it():
    row, _ = label_asked(Asked("When was it built?", ("1987",), ""), serving(CRANE, FERRY, MOLE), 3)
    assert (row.kind, row.target) == ("not retrieved", REFUSAL)
    found = label_asked(Asked("How much sand?", ("40 tonnes",), "it/runbook.md"), serving(MOLE, CRANE, FERRY), 3)
    assert found == (None, "answered by another passage as well")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("201", "its answer stands word for word in none of 3 passages found"),
        ("forty tonnes", "its answer stands word for word in none of 3 passages found"),
        ("lit at dusk", "its document is one that nothing is trained on"),
        ("word " * 17, "its answer is longer than 16 words"),
    ],
)
def test_an_answer_that_teaches_nothing_is_rejected_with_its_reason(answer, reason):
    assert label_asked(Asked("Really?", (answer,), ""), serving(CRANE, MOLE, KEPT_OUT), 3) == (None, reason)


def test_no_answer_is_the_refusal_on_what_serving_would_show():
    row, reason = label_asked(Asked("Who won the cup?", (), ""), serving(CRANE, MOLE, FERRY), 3)
    assert reason is None and (row.kind, row.target, row.cited, row.passages) == ("unanswerable", REFUSAL, 0, (CRANE, MOLE))


@pytest.fixture
def stage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Stage("t", STAGE)


LINES = [
    {"question": "How much does it lift?", "answer": "40 tonnes", "document": "a.md"},
    {"question": "how much does it LIFT", "answer": "40 tonnes"},
    {"question": "When was it built?", "answer": "1987", "document": "e.md"},
    {"question": "When is it lit?", "answer": "dusk", "document": "o.md"},
    {"question": "Who?", "answer": "x", "document": "gone.md"},
    {"question": "Why?"},
]


def test_import_deals_rows_by_document_and_keeps_every_reject_with_its_reason(stage, tmp_path):
    assert [part(c.document) for c in CHUNKS] == [TRAIN, DEV, TRAIN, UNMINED]
    kinds, reasons = import_file(stage, write(tmp_path / "faq.jsonl", LINES), serving(*CHUNKS, passages=4), 4)
    assert [(r.document, r.answer) for r in imported(stage, "train")] == [("a.md", "40 tonnes")]
    assert [(r.document, r.answer) for r in imported(stage, "dev")] == [("e.md", "1987")]
    assert kinds == {"answerable": 2} and sum(reasons.values()) == 4
    wanted = ["duplicate", "its document is one that nothing is trained on", "its document is not in the index", "no answer, nor that there is none"]
    assert [line["reason"] for line in read_lines(stage.folder / "rejects.jsonl")] == wanted
    assert stage.receipt()["kept"] == {"train": 1, "dev": 1} and set(stage.receipt()["files"]) == {"faq.jsonl"}


def test_a_second_file_adds_and_an_unjudged_line_takes_nothing_back(stage, tmp_path):
    retriever = serving(*CHUNKS, passages=4)
    import_file(stage, write(tmp_path / "faq.jsonl", LINES), retriever, 4)
    more = [{"question": "What lifts?", "answer": "The crane", "thumb": "up"}, {"question": "How much does it lift?", "answer": "9", "thumb": "down"},
            {"question": "When was it built?", "answer": "9", "thumb": "down", "correction": REFUSAL}]  # fmt: skip
    import_file(stage, write(tmp_path / "log.jsonl", more), retriever, 4)
    import_file(stage, tmp_path / "log.jsonl", retriever, 4)
    rows = imported(stage, "train") + imported(stage, "dev")
    assert sorted((r.question, r.target) for r in rows) == [
        ("How much does it lift?", "40 tonnes [1]"), ("What lifts?", "The crane [1]"), ("When was it built?", REFUSAL)]  # fmt: skip
    reasons = [line["reason"] for line in read_lines(stage.folder / "rejects.jsonl")]
    assert reasons.count("thumb down, and no correction") == 1 and set(stage.receipt()["files"]) == {"faq.jsonl", "log.jsonl"}


def test_imported_rows_join_the_mined_ones(stage, tmp_path):
    from triplets import row

    from finetune.data import write_lines

    mined = Stage("t", "mine")
    write_lines(mined.folder / "train.jsonl", [row(1), row(2)])
    with pytest.raises(TrainingError, match="finetune mine"):
        gather(mined, "train")
    mined.finish({})
    assert gather(mined, "train") == [row(1), row(2)]
    import_file(stage, write(tmp_path / "faq.jsonl", LINES), serving(*CHUNKS, passages=4), 4)
    assert gather(mined, "train") == [row(1), row(2), *imported(stage, "train")] and len(imported(stage, "train")) == 1
    write_lines(stage.folder / "train.jsonl", [row(2, 0)])
    assert gather(mined, "train") == [row(1), row(2, 0)]


def test_what_ask_logs_can_be_imported_once_a_person_has_judged_it(stage, tmp_path):
    from rag.answer import written_answer
    from rag.cli import log_answer
    from rag.generator import Generation
    from rag.retrieval import Passage

    log, shown = tmp_path / "logs" / "asked.jsonl", [Passage(CRANE, 0.0, None)]
    log_answer(None, "Not noted", written_answer(Generation(REFUSAL, []), shown))
    log_answer(log, "How much does it lift?", written_answer(Generation("40 tonnes [1]", []), shown))
    log_answer(log, "Who won the cup?", written_answer(Generation(REFUSAL, []), shown))
    assert {one.fault for one in read_asked(log)} == {"neither thumb nor correction"}
    lines = read_lines(log)
    assert lines[0]["passages"] == [{"document": "a.md", "start": 0, "end": CRANE.end, "text": CRANE.text}]
    kinds, _ = import_file(stage, write(log, [{**line, "thumb": "up"} for line in lines]), serving(*CHUNKS), 4)
    assert kinds == {"answerable": 1, "unanswerable": 1} and json.loads(log.read_text().split("\n")[0])["thumb"] == "up"


def test_a_log_that_cannot_be_written_is_an_error_in_one_line(tmp_path):
    from rag.answer import written_answer
    from rag.cli import log_answer
    from rag.errors import RagtuneError
    from rag.generator import Generation

    with pytest.raises(RagtuneError, match="--log"):
        log_answer(tmp_path, "Q?", written_answer(Generation(REFUSAL, []), []))
