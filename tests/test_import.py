"""People's questions and answers: files read, rows labelled through the retriever, joined with the mined ones."""

import json
from types import SimpleNamespace

import pytest
from fakes import HashEmbedder, passage
from rows import write
from triplets import row

from finetune.data import Stage, TrainingError, digest, read_lines, read_rows, write_lines
from finetune.imported import import_file, imports, label_given, literal, to_row
from finetune.row_commands import label_again
from finetune.sources import Item, Refused, read_items
from finetune.split import DEV, TRAIN, UNMINED, part
from finetune.taught import digest_of, joined_rows, settle_rows
from rag import cli
from rag.answer import Answer
from rag.errors import RagtuneError
from rag.prompt import REFUSAL
from rag.retrieval import RetrievalSettings, Retriever

TRAINED, DEVELOPED, KEPT = (next(f"{n}.md" for n in range(100) if part(f"{n}.md") == name) for name in (TRAIN, DEV, UNMINED))
TEXTS = {
    TRAINED: "# Crane\n\nThe north crane lifts 40 tonnes in calm weather.",
    DEVELOPED: "# Ferry\n\nThe ferry sails at 08:30 every morning.",
    KEPT: "# Office\n\nThe harbour office opens on Monday.",
}


@pytest.fixture
def retriever(tiny_index, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Retriever(tiny_index(TEXTS), HashEmbedder(), RetrievalSettings())


def items(path):
    return [entry if isinstance(entry, Item) else entry.reason for _, entry in read_items(path)]


@pytest.mark.parametrize("parted", [",", ";", "\t"])
def test_a_table_is_read_whatever_parts_its_columns_and_whatever_stands_in_its_cells(tmp_path, parted):
    lines = [["Question", "Answer", "Document"], ["What, then?", '40 tonnes; "calm"', "a.md"], ["Two\nlines?", "", ""], ["", "x", ""], ["Why?", REFUSAL, ""]]
    quoted = ['"' + f'"{parted}"'.join(cell.replace('"', '""') for cell in line) + '"' for line in lines]
    (tmp_path / "q.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(quoted).encode())
    asked = [Item("What, then?", ('40 tonnes; "calm"',), "a.md"), Item("Two lines?", ()), "no question", Item("Why?", ())]
    assert items(tmp_path / "q.csv") == asked


def test_json_lines_give_one_answer_or_several_and_what_is_wrong_is_said_with_its_line(tmp_path):
    path = write(tmp_path / "q.jsonl", [
        {"question": "A\u2028b?", "answers": ["1", "one"], "document": "a.md"}, {"question": "B?", "answers": []}, {"question": "C?", "answer": None},
        {"question": "D?", "answer": 40}, "{oh", "[1]", "", {"question": "E?"}, {"answer": "x"},
    ])  # fmt: skip
    found = read_items(path)
    assert [entry for _, entry in found[:4]] == [Item("A b?", ("1", "one"), "a.md"), Item("B?", ()), Item("C?", ()), Item("D?", ("40",))]
    wrong = [(5, "", "not a JSON object"), (6, "", "not a JSON object"), (8, "E?", "neither answer nor answers"), (9, "", "no question")]
    assert [entry for _, entry in found[4:]] == [Refused(*fields) for fields in wrong]


def test_of_a_log_only_what_a_person_judged_is_taken(tmp_path):
    path = write(tmp_path / "log.jsonl", [
        {"question": "A?", "answer": "40 tonnes [1]", "thumb": "up"}, {"question": "B?", "answer": "x", "thumb": "down"},
        {"question": "C?", "answer": "x", "thumb": "down", "correction": "40 tonnes"}, {"question": "D?", "answer": "x"},
        {"question": "E?", "answer": REFUSAL, "refused": True, "thumb": "Up"}, {"question": "F?", "answer": "x", "correction": REFUSAL},
    ])  # fmt: skip
    wrong, unjudged = "judged wrong, without a correction", "nobody has judged the answer"
    assert items(path) == [Item("A?", ("40 tonnes",)), wrong, Item("C?", ("40 tonnes",)), unjudged, Item("E?", ()), Item("F?", ())]


def test_what_is_no_such_file_is_an_error_of_one_line(tmp_path):
    for name, data in (("q.csv", b"id,text\n1,x\n"), ("q.jsonl", b"\0\1\2" * 50), ("q.csv", b"")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(TrainingError, match=name):
            read_items(tmp_path / name)
    with pytest.raises(TrainingError, match="none.csv"):
        read_items(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("answer", "text", "found"),
    [
        ("40 tonnes", "It lifts 40\n  Tonnes.", "40\n  Tonnes"),
        ("4", "It lifts 40 tonnes by 14.", None),
        ("a (big) crane.", "It is a (big) crane now", "a (big) crane"),
        ("£15", "It costs £15.", "£15"),
        (" . ", "It. ", None),
    ],
)
def test_literal_finds_whole_words_whatever_case_and_white_space(answer, text, found):
    place = literal(answer, text)
    assert (place and text[slice(*place)]) == found


def test_an_answer_is_taught_as_it_stands_in_the_passage_that_has_it(retriever):
    made, reason = to_row(Item("How much does the north crane lift?", ("forty tonnes", "40 TONNES"), TRAINED), retriever)
    assert reason is None and (made.answer, made.kind, made.document) == ("40 tonnes", "answerable", TRAINED)
    assert made.target == f"40 tonnes [{made.cited}]" and made.answer in made.passages[made.cited - 1].text
    assert made.passages == tuple(p.chunk for p in retriever.search(made.question))


def test_an_answer_is_looked_for_in_its_own_document_alone(retriever):
    made, reason = to_row(Item("How much does the north crane lift?", ("40 tonnes",), DEVELOPED), retriever)
    assert made is None and "of its document" in reason
    made, reason = to_row(Item("How much does the north crane lift?", ("50 tonnes",)), retriever)
    assert made is None and reason == "its answer stands literally in none of the first 10 passages"


def test_an_answer_further_down_makes_the_refusal_and_one_of_two_lines_becomes_one():
    chunks = [passage(f"Nothing here, {n}.", f"{n}.md").chunk for n in range(3)] + [passage("It lifts 40\ntonnes.", TRAINED).chunk]

    def ranked(order):
        return SimpleNamespace(search=lambda q, k: [SimpleNamespace(chunk=c) for c in order], settings=RetrievalSettings())

    assert to_row(Item("Q?", ("40 tonnes",)), ranked(chunks))[0].kind == "not retrieved"
    assert to_row(Item("Q?", ("40 tonnes",)), ranked(chunks[::-1]))[0].target == "40 tonnes [1]"


def given(tmp_path, *entries, name="q.jsonl"):
    return write(tmp_path / name, list(entries))


CRANE = {"question": "How much does the north crane lift?", "answer": "40 tonnes"}
FERRY = {"question": "When does the ferry sail?", "answer": "08:30", "document": DEVELOPED}


def test_import_keeps_rows_by_part_rejects_with_reasons_and_a_receipt(retriever, tmp_path):
    asked = [CRANE, FERRY, {"question": "Who won the cup?", "answers": []}, {"question": "When does the harbour office open?", "answer": "Monday"},
             {**CRANE, "question": CRANE["question"].upper()}, {"question": "What?", "answer": "x", "document": "gone.md"}, "{oh"]  # fmt: skip
    stage = import_file(given(tmp_path, *asked), "t", retriever)
    rows = {name: read_rows(stage.folder / f"{name}.jsonl") for name in (TRAIN, DEV)}
    assert [r.question for r in rows[TRAIN]] == [CRANE["question"], "Who won the cup?"] and [r.question for r in rows[DEV]] == [FERRY["question"]]
    assert rows[TRAIN][1].target == REFUSAL and rows[TRAIN][1].passages
    rejects = read_lines(stage.folder / "rejects.jsonl")
    reasons = ["its document is kept for measuring", "asked before in this file", "its document is not in the index", "not a JSON object"]
    assert [(r["line"], r["reason"]) for r in rejects] == list(enumerate(reasons, 4))
    assert stage.receipt()["kept"] == {TRAIN: {"answerable": 1, "unanswerable": 1}, DEV: {"answerable": 1}}
    assert sum(stage.receipt()["rejected"].values()) == 4


def test_a_file_of_the_same_name_replaces_its_rows_and_one_without_any_is_an_error(retriever, tmp_path):
    import_file(given(tmp_path, CRANE, FERRY), "t", retriever)
    stage = import_file(given(tmp_path, CRANE), "t", retriever)
    assert len(read_rows(stage.folder / "train.jsonl")) == 1 and not read_rows(stage.folder / "dev.jsonl")
    with pytest.raises(TrainingError, match="no row.*1 not a JSON object.*rejects"):
        import_file(given(tmp_path, "{oh"), "t", retriever)


def test_imported_rows_are_made_anew_when_the_index_has_changed(retriever, tmp_path, tiny_index, capsys):
    stage = import_file(given(tmp_path, CRANE, {**FERRY, "answers": ["08:30"]}), "t", retriever)
    changed = Retriever(tiny_index({**TEXTS, TRAINED: "# Crane\n\nThe crane was sold."}), HashEmbedder(), RetrievalSettings())
    label_again("t", changed)
    assert not read_rows(stage.folder / "train.jsonl") and len(read_rows(stage.folder / "dev.jsonl")) == 1
    assert "q.jsonl: kept" in capsys.readouterr().out
    before = {path.name: path.read_bytes() for path in stage.folder.iterdir()}
    label_given(stage, changed)
    assert {path.name: path.read_bytes() for path in stage.folder.iterdir()} == before


@pytest.fixture
def mined(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage = Stage("t", "mine")
    write_lines(stage.folder / "train.jsonl", [row(n) for n in range(6)])
    write_lines(stage.folder / "dev.jsonl", [row(9)])
    return stage


def test_rows_without_imports_are_the_mined_ones_to_the_byte(mined):
    assert joined_rows(mined) == {name: read_rows(mined.folder / f"{name}.jsonl") for name in (TRAIN, DEV)}
    assert digest_of(joined_rows(mined)[TRAIN]) == digest(mined.folder / "train.jsonl")


def test_imported_rows_join_the_mined_ones_and_change_the_digest(mined, retriever, tmp_path):
    before = digest_of(joined_rows(mined)[TRAIN])
    import_file(given(tmp_path, CRANE, FERRY), "t", retriever)
    train, dev = settle_rows(Stage("t", "sft"), mined, False)
    assert [r.question for r in train] == [row(n).question for n in range(6)] + [CRANE["question"]]
    assert [r.question for r in dev] == [row(9).question, FERRY["question"]]
    assert before != digest_of(train) == digest(Stage("t", "sft").folder / "train.jsonl")


def test_a_training_that_goes_on_keeps_the_rows_that_it_began_with(mined, retriever, tmp_path):
    begun = settle_rows(Stage("t", "sft"), mined, False)
    import_file(given(tmp_path, CRANE), "t", retriever)
    assert settle_rows(Stage("t", "sft"), mined, True) == begun != settle_rows(Stage("t", "sft"), mined, False)


def test_an_import_that_was_killed_halfway_is_said(mined, retriever, tmp_path):
    stage = import_file(given(tmp_path, CRANE), "t", retriever)
    (stage.folder / "run.json").unlink()
    assert imports("t") == [stage]
    with pytest.raises(TrainingError, match="halfway.*finetune import"):
        joined_rows(mined)


def test_asking_with_a_log_appends_what_can_be_judged_and_imported(tmp_path, capsys, monkeypatch):
    shown = [passage("The crane lifts 40 tonnes.")]
    answers = iter([Answer("40 tonnes", False, 0.9, [], shown, "40 tonnes [1]", {}), Answer(REFUSAL, True, 0.9, [], shown, REFUSAL, {})])
    pipeline = SimpleNamespace(ask=lambda question, on_text=None: next(answers))
    monkeypatch.setattr("rag.pipeline.open_pipeline", lambda *a: pipeline)
    log = tmp_path / "logs" / "asked.jsonl"
    for question in ("A?", "B?"):
        assert cli.main(["ask", question, "--json", "--log", str(log)]) == 0
    lines = read_lines(log)
    assert lines[0] == {"question": "A?", "answer": "40 tonnes", "refused": False, "passages": ["doc.md"], "thumb": "", "correction": ""}
    assert items(log) == ["nobody has judged the answer"] * 2
    log.write_text("".join(json.dumps({**line, "thumb": "up"}) + "\n" for line in lines))
    assert items(log) == [Item("A?", ("40 tonnes",)), Item("B?", ())]
    with pytest.raises(RagtuneError, match="--log"):
        cli.log_answer(tmp_path, "A?", Answer("x", False, 0.9, [], shown, "x", {}))
