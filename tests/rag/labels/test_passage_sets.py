"""Passages with questions are asked about as documents, and dealt as training deals them."""

import json

import pytest

from eval.runs.benches import open_bench
from rag.core.errors import DataError
from rag.core.settings import Settings
from rag.labels.held_out import documents_of, held_out


@pytest.fixture
def passages(tmp_path, monkeypatch):
    """Return a folder of thirty documents with two passages each, and a question about each second passage."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "cranes"
    folder.mkdir()
    texts, rows = [], []
    for n in range(30):
        title = f"Crane No. {n}: the “Big” one v1.{n}"
        texts += [{"id": f"{n}-0", "title": title, "text": f"It lifts {n} tonnes, not {n + 1}."}]
        texts += [{"id": f"{n}-1", "title": title, "text": f"It lifts {n + 1} tonnes in spring."}]
        start = texts[-1]["text"].index(str(n + 1))
        rows += [{"id": f"q{n}", "question": f"What does crane {n} lift in spring?", "answers": [str(n + 1)]}]
        rows[-1] |= {"passage": f"{n}-1", "start": start}
        rows += [{"id": f"u{n}", "question": f"Who paints crane {n}?", "answers": [], "passage": f"{n}-0", "start": -1}]
    for name, lines in (("passages", texts), ("questions", rows)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_answers_are_found_again_in_the_documents(passages):
    bench = open_bench(passages, Settings([]))
    assert len(bench.questions) == 60 and len({question.document for question in bench.questions}) == 30
    for question in bench.questions:
        text = (bench.documents[0] / question.document).read_text()
        assert [text[piece.start : piece.end] for piece in question.evidence] == list(question.answers)
        if question.answers:
            assert text[: question.evidence[0].start].endswith("It lifts ") and "not" in text


def test_held_out_documents_are_those_that_training_leaves_out(passages):
    titles = documents_of([json.loads(line) for line in (passages / "passages.jsonl").read_text().splitlines()])
    left_out = {id.partition("-")[0] for id, title in titles.items() if held_out(title)}
    bench = open_bench(passages, Settings([]), only_held_out=True)
    assert left_out and {question.id[1:] for question in bench.questions} == left_out
    assert {path.name for path in bench.documents[0].iterdir()} == {question.document for question in bench.questions}


def test_passages_whose_title_nearly_all_share_are_documents_by_themselves():
    rows = [{"id": f"p{n}", "title": "Manual" if n % 2 else f"Part {n}"} for n in range(10)]
    assert documents_of(rows) == {f"p{n}": f"p{n}" if n % 2 else f"Part {n}" for n in range(10)}


def test_a_question_about_a_passage_that_is_not_there_is_an_error(passages):
    with (passages / "questions.jsonl").open("a") as file:
        file.write(json.dumps({"id": "x", "question": "?", "answers": [], "passage": "99-0", "start": -1}) + "\n")
    with pytest.raises(DataError, match="'99-0' is missing"):
        open_bench(passages, Settings([]))


def test_a_set_without_held_out_documents_says_so(passages):
    first = [json.dumps({"id": "0-0", "title": "crane", "text": "It is red."})]
    assert not held_out("crane")
    (passages / "passages.jsonl").write_text("\n".join(first))
    row = {"id": "q", "question": "What colour?", "answers": ["red"], "passage": "0-0", "start": 6}
    (passages / "questions.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(DataError, match="no question about a held-out document"):
        open_bench(passages, Settings([]), only_held_out=True)
