"""A model behind an OpenAI-compatible endpoint: a small HTTP server on this machine stands for it."""

import email.utils
import subprocess
import sys
import time

import httpx
import pytest

from fakes import says
from rag.core.errors import EndpointError
from rag.core.sections import EndpointSettings
from rag.generation import http_retry
from rag.generation.chat_endpoint import Endpoint
from rag.generation.http_retry import RateLimiter, requested_delay

KEY = "sk-secret-123"


@pytest.fixture
def naps(monkeypatch):
    """Collect the seconds that would have been waited."""
    waited = []

    def wait_for(cancelled, seconds):
        waited.extend([seconds] if seconds > 0 else [])
        return cancelled.is_set()

    monkeypatch.setattr(http_retry, "wait_for", wait_for)
    return waited


def turn(text):
    return [{"role": "user", "content": text}]


@pytest.fixture
def endpoint(server, tmp_path):
    def make(**settings):
        settings = EndpointSettings(**{"model": "big", "per_minute": 0, **settings})
        return Endpoint(server.url, settings, tmp_path / "answers.jsonl")

    return make


def test_what_was_answered_is_never_asked_again(server, endpoint):
    server.plan = [(200, {}, says("One?")), (200, {}, says("Two?"))]
    first = endpoint(at_once=1, price_in=2.0, price_out=30.0)
    assert first.complete([turn("a"), turn("b"), turn("a")]) == ["One?", "Two?", "One?"]
    assert first.usage() == "2 requests, 1 answers reused, 200 prompt tokens, 20 completion tokens, cost 0.0010"
    again = endpoint()
    assert again.complete([turn("b"), turn("a")]) == ["Two?", "One?"] and len(server.requests) == 2
    assert again.usage() == "0 requests, 2 answers reused, 0 prompt tokens, 0 completion tokens"
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
    assert before < 5  # one more may be in progress; those behind it are not begun
    assert endpoint(at_once=1).complete([turn("a"), turn("b")]) == ["One?", "Why?"]
    assert len(server.requests) == before + 1


def test_a_refusal_ends_the_waiting_of_other_requests(server, endpoint):
    server.plan = [(429, {"Retry-After": "100"}, {}), (400, {}, {})]
    asked = endpoint(at_once=2)
    with pytest.raises(EndpointError, match="HTTP 400"):
        asked.complete([turn("a"), turn("b")])
    assert len(server.requests) == 2  # the busy one was not asked again
    assert asked.complete([turn("a"), turn("b")]) == ["Why?", "Why?"]


def test_an_interrupt_is_not_tried_again(server, endpoint, monkeypatch):
    calls = []

    def interrupted(*args, **options):
        calls.append(args)
        raise KeyboardInterrupt

    monkeypatch.setattr(httpx.Client, "post", interrupted)
    with pytest.raises(KeyboardInterrupt):
        endpoint(at_once=1).complete([turn("a")])
    assert len(calls) == 1


@pytest.mark.parametrize("status", [408, 429, 503])
def test_a_busy_server_is_asked_again_when_it_says(server, endpoint, naps, status):
    server.plan = [(status, {"Retry-After": "7"}, {}), (503, {}, b"down"), (500, {}, {}), (200, {}, says("Now?"))]
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


@pytest.mark.parametrize(("value", "seconds"), [("5", 5.0), ("", None), (None, None), ("soon", None), ("date", 29.0)])
def test_retry_after_may_be_seconds_or_a_date(value, seconds):
    if value == "date":
        value = email.utils.formatdate(time.time() + 30, usegmt=True)
    request = httpx.Request("POST", "http://localhost")
    response = httpx.Response(429, headers={"Retry-After": value} if value is not None else {}, request=request)
    error = httpx.HTTPStatusError("busy", request=request, response=response)
    assert requested_delay(error) == (seconds if seconds is None else pytest.approx(seconds, abs=1))


def test_a_server_that_is_not_there_is_named(naps):
    gone = Endpoint("http://127.0.0.1:9", EndpointSettings(model="big", tries=2, per_minute=0))
    with pytest.raises(EndpointError, match=r"127.0.0.1:9/chat/completions can't be used .*refused"):
        gone.complete([turn("a")])
    assert len(naps) == 1


def test_a_server_that_hangs_is_given_up_after_the_timeout(server, endpoint, naps):
    server.reply = lambda body: time.sleep(0.5)
    with pytest.raises(EndpointError, match=r"can't be used \(timed out\)"):
        endpoint(tries=2, timeout=0.05).complete([turn("a")])
    assert len(server.requests) == 2 and len(naps) == 1


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


def test_requests_are_spaced_evenly(monkeypatch):
    monkeypatch.setattr(http_retry.time, "monotonic", lambda: 1000.0)
    limiter = RateLimiter(30)
    assert [limiter.reserve() for _ in range(4)] == [0.0, 2.0, 4.0, 6.0]
    assert [RateLimiter(0).reserve() for _ in range(2)] == [0.0, 0.0]


def test_the_http_library_is_imported_only_when_an_endpoint_is_used():
    code = "import sys, rag.generation.chat_endpoint; assert not {'httpx', 'tenacity'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", code], check=True)
