"""A teacher behind an OpenAI-compatible endpoint: a small HTTP server on this machine stands for it."""

import re

import pytest

from fakes import passage, says
from finetune.data.rows import read_rows
from finetune.data.split import UNMINED, document_part
from finetune.mining.candidates import Candidate
from finetune.mining.mine import mine
from finetune.mining.teacher import Teacher, parse_reply, with_answer
from finetune.settings import MineSettings
from rag.core.errors import EndpointError
from rag.core.run_folder import Stage
from rag.core.sections import EndpointSettings, RetrievalSettings
from rag.core.settings import Settings
from rag.generation.chat_endpoint import Endpoint
from rag.retrieval.retriever import Retriever

SENTENCE = "The crane on the north quay lifts about 40 tonnes in calm weather."
CHUNK = passage(f"It was built in 1987. {SENTENCE}", headings=("Crane manual", "Limits")).chunk
AT = CHUNK.text.index(SENTENCE)
SPAN = "about 40 tonnes"
CANDIDATE = Candidate(CHUNK, (AT, AT + len(SENTENCE)), CHUNK.text.index(SPAN), SPAN, "amount")


@pytest.fixture
def endpoint(server, tmp_path):
    def make(**settings):
        settings = EndpointSettings(**{"model": "big", "per_minute": 0, **settings})
        return Endpoint(server.url, settings, tmp_path / "answers.jsonl")

    return make


def test_the_teacher_sees_the_passage_and_the_marked_span(server, endpoint):
    server.plan = [(200, {}, says("Question: How much can the north quay's crane lift?"))]
    [(candidate, question)] = Teacher(endpoint(), None).write([CANDIDATE])
    assert (candidate, question) == (CANDIDATE, "How much can the north quay's crane lift?")
    sent = [message["content"] for message in server.requests[0].body["messages"]]
    assert "1987" in sent[-1] and "<<about 40 tonnes>>" in sent[-1] and "Limits" in sent[-1]
    assert not any("1987" in content for content in sent[:-1])


def test_the_teacher_may_mend_the_span(server, endpoint):
    server.plan = [(200, {}, says("How much can it lift?\nAnswer: 40 tonnes"))]
    [(candidate, question)] = Teacher(endpoint(), None, answers=True).write([CANDIDATE])
    assert (candidate.span, question) == ("40 tonnes", "How much can it lift?")
    assert candidate.marked == "The crane on the north quay lifts about <<40 tonnes>> in calm weather."


@pytest.mark.parametrize("answer", ["", "40 tons", "calm weather", "north"])
def test_an_answer_that_stands_elsewhere_or_nowhere_leaves_the_span(answer):
    assert with_answer(CANDIDATE, answer) == CANDIDATE


@pytest.mark.parametrize(
    ("reply", "read"),
    [
        ("Who built it?", ("Who built it?", "")),
        ('\n"Who built it?"\nBecause.', ("Who built it?", "")),
        ("**Question:** Who built it?\n**Answer:** “Tomas Arlen”", ("Who built it?", "Tomas Arlen")),
        ("Question: At what time: 8:30 or 9?\nAnswer: 8:30", ("At what time: 8:30 or 9?", "8:30")),
        ("", ("", "")),
    ],
)
def test_replies_are_read_as_models_write_them(reply, read):
    assert parse_reply(reply) == read


def test_mining_with_a_teacher_and_again_from_what_is_kept(
    server, endpoint, tiny_index, tiny_embedder, tmp_path, monkeypatch, tiny_generator
):
    monkeypatch.chdir(tmp_path)
    names = (
        "north",
        "south",
        "upper",
        "lower",
        "inner",
        "outer",
        "eastern",
        "western",
        "floating",
        "railway",
        "old",
        "new",
    )
    store = tiny_index(
        {f"{name}.md": f"The {name} crane lifts {n + 11} tonnes in calm weather.\n" for n, name in enumerate(names)}
    )
    asked = re.compile(r"The (\w+) crane lifts <<")
    server.reply = lambda body: says(f"How much can the {asked.search(body['messages'][-1]['content'])[1]} crane lift?")
    files = []
    for _ in range(2):
        teacher = Teacher(endpoint(), tiny_generator.tokenizer)
        mine(
            Stage("r", "mine"),
            Retriever(store, tiny_embedder, RetrievalSettings()),
            teacher,
            None,
            "base",
            MineSettings(),
        )
        files.append(
            [(Stage("r", "mine").folder / f"{part}.jsonl").read_bytes() for part in ("train", "dev", "gate", "rejects")]
        )
    assert files[0] == files[1] and len(server.requests) == teacher.endpoint.reused == sum(
        document_part(f"{name}.md") != UNMINED for name in names
    )
    assert Stage("r", "mine").result()["writer"] == f"big at {server.url}"
    rows = read_rows(Stage("r", "mine").folder / "train.jsonl")
    assert {(row.question, row.answer) for row in rows} <= {
        (f"How much can the {name} crane lift?", f"{n + 11} tonnes") for n, name in enumerate(names)
    }


def test_no_teacher_is_asked_unless_one_is_set():
    assert MineSettings().teacher == "" and EndpointSettings().key == ""
    set_ = Settings(["mine.teacher=http://127.0.0.1:1/v1", "endpoint.model=m"])
    assert set_.section(MineSettings).teacher and set_.section(EndpointSettings).model == "m"
    with pytest.raises(EndpointError, match="endpoint.model"):
        Endpoint("http://127.0.0.1:1/v1", EndpointSettings())
