"""A teacher behind an OpenAI-compatible endpoint: a small HTTP server on this machine stands for it."""

import re
import time

import pytest

from fakes import passage, says
from finetune.data.rows import read_rows
from finetune.data.split import UNMINED, document_part
from finetune.mining.mine import mine
from finetune.mining.question_prompt import candidate
from finetune.mining.teacher import Teacher, parse_reply, respan
from finetune.settings import MineSettings
from rag.core.errors import EndpointError
from rag.core.run_folder import Stage
from rag.core.sections import EndpointSettings, RetrievalSettings
from rag.core.settings import Settings
from rag.generation import http_retry
from rag.generation.chat_endpoint import Endpoint
from rag.generation.http_retry import RateLimiter
from rag.retrieval.retriever import Retriever

SENTENCE = "The crane on the north quay lifts about 40 tonnes in calm weather."
CHUNK = passage(f"It was built in 1987. {SENTENCE}", headings=("Crane manual", "Limits")).chunk
AT = CHUNK.text.index(SENTENCE)
SPOT = candidate(0, CHUNK, (AT, AT + len(SENTENCE)), CHUNK.text.index("about 40"), "about 40 tonnes", "amount")
KEY = "sk-secret-123"


@pytest.fixture
def naps(monkeypatch):
    """-> the seconds slept, none of which is."""
    slept = []
    monkeypatch.setattr(http_retry.time, "sleep", lambda seconds: slept.append(seconds) if seconds > 0 else None)
    return slept


def turn(text):
    return [{"role": "user", "content": text}]


@pytest.fixture
def endpoint(server, tmp_path):
    def make(**settings):
        return Endpoint(
            server.url, EndpointSettings(**{"model": "big", "per_minute": 0, **settings}), tmp_path / "answers.jsonl"
        )

    return make


def test_what_was_answered_is_never_asked_again(server, endpoint):
    server.plan = [(200, {}, says("One?")), (200, {}, says("Two?"))]
    first = endpoint(at_once=1, price_in=2.0, price_out=30.0)
    assert first.complete([turn("a"), turn("b"), turn("a")]) == ["One?", "Two?", "One?"]
    assert first.spent() == "2 asked, 1 kept from before, 200 tokens read, 20 written, cost 0.0010"
    again = endpoint()
    assert again.complete([turn("b"), turn("a")]) == ["Two?", "One?"] and len(server.requests) == 2
    assert again.spent() == "0 asked, 2 kept from before, 0 tokens read, 0 written"
    assert endpoint(model="other").complete([turn("a")]) == ["Why?"] and len(server.requests) == 3
    assert [r.path for r in server.requests] == ["/v1/chat/completions"] * 3
    assert server.requests[0].body == {"model": "big", "messages": turn("a"), "temperature": 0, "max_tokens": 100}


def test_a_line_that_a_kill_has_cut_off_is_asked_again_and_harms_no_other(server, endpoint, tmp_path):
    kept = tmp_path / "answers.jsonl"
    endpoint(at_once=1).complete([turn("a"), turn("b")])
    kept.write_bytes(kept.read_bytes()[:-20])
    endpoint().complete([turn("a"), turn("b")])
    assert len(server.requests) == 3
    endpoint().complete([turn("a"), turn("b")])
    assert len(server.requests) == 3


def test_answers_before_a_refusal_are_kept(server, endpoint):
    server.plan = [(200, {}, says("One?")), (400, {}, {"error": {"message": "no such model"}})]
    with pytest.raises(EndpointError, match=r"HTTP 400 \(no such model\)"):
        endpoint(at_once=1).complete([turn(name) for name in "abcdefgh"])
    before = len(server.requests)
    assert before < 5  # one more may be under way; those behind it are not begun
    assert (
        endpoint(at_once=1).complete([turn("a"), turn("b")]) == ["One?", "Why?"] and len(server.requests) == before + 1
    )


def test_a_busy_server_is_asked_again_when_it_says(server, endpoint, naps):
    server.plan = [(429, {"Retry-After": "7"}, {}), (503, {}, b"down"), (500, {}, {}), (200, {}, says("Now?"))]
    assert endpoint().complete([turn("a")]) == ["Now?"]
    assert naps[0] == 7 and 1.5 <= naps[1] <= 2.5 and 3 <= naps[2] <= 5


def test_a_server_that_stays_busy_or_asks_for_an_hour_ends_it(server, endpoint, naps):
    server.plan = [(503, {}, {})] * 3
    with pytest.raises(EndpointError, match="HTTP 503.*kept"):
        endpoint(tries=3).complete([turn("a")])
    assert len(server.requests) == 3
    server.plan = [(429, {"Retry-After": "3600"}, {})]
    with pytest.raises(EndpointError, match="HTTP 429"):
        endpoint().complete([turn("a")])
    assert len(server.requests) == 4 and len(naps) == 2


def test_retry_after_may_be_a_date():
    soon = http_retry.email.utils.formatdate(time.time() + 30, usegmt=True)
    assert 28 <= http_retry._retry_after(soon) <= 30
    assert [http_retry._retry_after(v) for v in ("5", "", None, "soon")] == [5.0, None, None, None]


def test_a_server_that_is_not_there_is_named(naps):
    gone = Endpoint("http://127.0.0.1:9", EndpointSettings(model="big", tries=2, per_minute=0))
    with pytest.raises(EndpointError, match=r"127.0.0.1:9/chat/completions can't be used .*refused"):
        gone.complete([turn("a")])
    assert len(naps) == 1


@pytest.mark.parametrize(
    "reply", [{}, [], {"choices": []}, {"choices": [{"message": {"content": None}}]}, {"choices": [{"message": "x"}]}]
)
def test_no_text_is_a_failure_and_not_an_empty_answer(server, endpoint, reply, tmp_path):
    server.plan = [(200, {}, reply)]
    with pytest.raises(EndpointError, match="gave no text"):
        endpoint().complete([turn("a")])
    assert not (tmp_path / "answers.jsonl").exists()


def test_the_key_is_sent_and_never_shown(server, endpoint, monkeypatch, naps, capsys, tmp_path):
    monkeypatch.setenv("MY_KEY", KEY)
    server.plan = [
        (429, {}, {"error": {"message": f"slow down, {KEY}"}}),
        (200, {}, says("One?")),
        (401, {}, {"error": {"message": f"bad key\n{KEY}"}}),
    ]
    endpoint(key="MY_KEY").complete([turn("a")])
    with pytest.raises(EndpointError, match=r"bad key \[key\]") as error:
        endpoint(key="MY_KEY").complete([turn("b")])
    assert server.requests[0].key == f"Bearer {KEY}"
    out = capsys.readouterr()
    assert "slow down, [key]" in out.out + out.err
    assert KEY not in out.out + out.err + str(error.value) + (tmp_path / "answers.jsonl").read_text()


def test_a_redirect_is_not_followed(server, endpoint):
    server.plan = [(302, {"Location": server.url.replace("/v1", "/elsewhere")}, {})]
    with pytest.raises(EndpointError, match="HTTP 302"):
        endpoint().complete([turn("a")])
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("url", "value", "says"),
    [
        ("http://example.org/v1", KEY, "unencrypted"),
        ("https://example.org/v1", "", "export MY_KEY"),
        ("https://example.org/v1", "sk-\nsecret", "holds no key"),
        ("https://sk-secret@example.org/v1", KEY, "no base URL"),
        ("example.org/v1", KEY, "no base URL"),
        ("http://[::1/v1", KEY, "no base URL"),
    ],
)
def test_a_key_goes_nowhere_unsafe(url, value, says, monkeypatch):
    monkeypatch.setenv("MY_KEY", value)
    with pytest.raises(EndpointError, match=says) as error:
        Endpoint(url, EndpointSettings(model="big", key="MY_KEY"))
    assert "secret" not in str(error.value)


def test_no_key_is_sent_unless_one_is_named(server, endpoint, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    endpoint().complete([turn("a")])
    assert server.requests[0].key is None


def test_turns_are_dealt_evenly(naps, monkeypatch):
    monkeypatch.setattr(http_retry.time, "monotonic", lambda: 1000.0)
    pace = RateLimiter(30)
    for _ in range(4):
        pace.wait()
    assert naps == [2.0, 4.0, 6.0]
    RateLimiter(0).wait()
    assert len(naps) == 3


def test_the_teacher_sees_the_passage_and_the_marked_span(server, endpoint):
    server.plan = [(200, {}, says("Question: How much can the north quay's crane lift?"))]
    [(spot, question)] = Teacher(endpoint(), None).write([SPOT], [CHUNK])
    assert (spot, question) == (SPOT, "How much can the north quay's crane lift?")
    sent = [message["content"] for message in server.requests[0].body["messages"]]
    assert "1987" in sent[-1] and "<<about 40 tonnes>>" in sent[-1] and "Limits" in sent[-1]
    assert not any("1987" in content for content in sent[:-1])


def test_the_teacher_may_mend_the_span(server, endpoint):
    server.plan = [(200, {}, says("How much can it lift?\nAnswer: 40 tonnes"))]
    [(spot, question)] = Teacher(endpoint(), None, answers=True).write([SPOT], [CHUNK])
    assert (spot.span, question) == ("40 tonnes", "How much can it lift?")
    assert spot.text == "The crane on the north quay lifts about <<40 tonnes>> in calm weather."


@pytest.mark.parametrize("answer", ["", "40 tons", "calm weather", "north"])
def test_an_answer_that_stands_elsewhere_or_nowhere_leaves_the_span(answer):
    assert respan(SPOT, answer) == SPOT


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
            [(Stage("r", "mine").folder / f"{part}.jsonl").read_bytes() for part in ("train", "dev", "rejects")]
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
