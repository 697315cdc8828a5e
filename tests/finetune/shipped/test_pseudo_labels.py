"""Question pairs without answers, made a bench: with the answers that what ships finds in their paragraphs."""

import json

import pytest

from fakes import HashEmbedder
from finetune.retriever.question_folders import read_labelled_questions
from finetune.shipped import pseudo_labels
from finetune.shipped.pseudo_labels import make_bench
from rag.answering.answer import Answer
from rag.answering.grounding import Citation
from rag.core.errors import TrainingError
from rag.core.jsonl import read_lines
from rag.core.settings import Settings
from rag.generation.prompt import REFUSAL

PARAGRAPHS = ["The crane lifts 40 tonnes.", "A tower. The lamp was lit in 1902, and in 1902 again."]
ASKED = {
    0: ["What does the crane lift?", "Who lifts it?", "What does the boat lift?"],
    1: ["When again?", "Who?", "When was it sold?", "When not?"],
}
SURE = {"What does the crane lift?": ("40 tonnes", 0.9), "When again?": ("1902", 0.6)}


class Knowing:
    """Finds what SURE says of a question in the passage's last sentence."""

    def answer(self, question, passages):
        (shown,) = passages
        text, sure = SURE.get(question, ("", 0.0))
        first = shown.chunk.text.rindex(text)
        quote = Citation(
            1, shown.chunk.document, shown.chunk.start + first, shown.chunk.end, shown.chunk.text[first:], (), None
        )
        return Answer(text or REFUSAL, not text, sure, [quote] if text else [], passages, "", {})


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    rows = [{"title": "Old/harbour", "paragraph": n, "text": text} for n, text in enumerate(PARAGRAPHS)]
    asked = [
        {"question": q, "title": "Old/harbour", "paragraph": n} for n, questions in ASKED.items() for q in questions
    ]
    (tmp_path / "paragraphs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    for name, stand_in in {
        "open_embedder": HashEmbedder(),
        "shipped_reader": tmp_path,
        "open_generator": None,
        "open_answerer": Knowing(),
    }.items():
        monkeypatch.setattr(pseudo_labels, name, lambda *_, told=stand_in: told)
    monkeypatch.chdir(tmp_path)  # what is found is kept in var/
    return tmp_path


def test_answers_stand_in_the_documents_where_they_were_found(pairs, capsys):
    make_bench(Settings(), pairs, pairs / "out")
    rows, text = (
        read_lines(pairs / "out" / "questions.jsonl"),
        (pairs / "out" / "documents" / "Old-harbour.md").read_text(),
    )
    answered = {row["question"]: (row["answers"], row["start"]) for row in rows if row["answers"]}
    assert answered == {
        "What does the crane lift?": (["40 tonnes"], text.index("40 tonnes")),
        "When again?": (["1902"], text.rindex("1902")),
    }
    assert [row["question"] for row in rows if not row["answers"]] == [
        "What does the boat lift?",
        "When was it sold?",
        "When not?",
    ]
    assert (
        len({row["id"] for row in rows}) == len(rows) and "'answered': 2, 'not answered': 3" in capsys.readouterr().out
    )


def test_what_is_made_is_read_as_any_bench(pairs):
    make_bench(Settings(), pairs, pairs / "out")
    labelled = read_labelled_questions([pairs / "out"], HashEmbedder())
    answered = [(labelled.chunks[q.chunk].text[q.answer_start :], q.answer) for q in labelled.questions if q.answerable]
    assert [text[: len(answer)] for text, answer in answered] == [
        "40 tonnes",
        "1902",
    ]


def test_a_killed_run_goes_on_where_it_was(pairs, monkeypatch):
    make_bench(Settings(), pairs, pairs / "whole")
    (kept,) = pseudo_labels.STAGE.folder.iterdir()
    lines = kept.read_bytes().splitlines(keepends=True)
    kept.write_bytes(b"".join(lines[:1]) + lines[1][:4])
    asked, answer = [], Knowing.answer
    monkeypatch.setattr(
        Knowing, "answer", lambda self, question, passages: asked.append(question) or answer(self, question, passages)
    )
    make_bench(Settings(), pairs, pairs / "out")
    assert len(asked) == len(lines) - 1 > 0 and kept.read_bytes() == b"".join(lines)
    assert (pairs / "out" / "questions.jsonl").read_bytes() == (pairs / "whole" / "questions.jsonl").read_bytes()


@pytest.mark.parametrize("sure", [0.49, 0.0])
def test_what_is_not_likely_enough_is_left_out(pairs, monkeypatch, sure):
    monkeypatch.setitem(SURE, "When again?", ("1902" if sure else "", sure))
    make_bench(Settings(), pairs, pairs / "out")
    assert "When again?" not in [row["question"] for row in read_lines(pairs / "out" / "questions.jsonl")]


def test_without_pairs_or_reader_it_says_so(pairs, monkeypatch):
    with pytest.raises(TrainingError, match=r"has no pairs\.jsonl"):
        make_bench(Settings(), pairs / "documents", pairs / "out")
    monkeypatch.setattr(pseudo_labels, "shipped_reader", lambda settings: None)
    with pytest.raises(TrainingError, match="leave model.generator"):
        make_bench(Settings(), pairs, pairs / "out")
