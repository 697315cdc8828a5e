"""Questions: what /ask and /search give, many clients at once, those who leave, and adapters that are switched."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from rag.server.state.recent import RecentAnswers
from rag.server.work.worker import BusyError, ModelWorker
from serving import ANSWER, QUESTION, UNKNOWN, until


def the(made):
    """The answerer of the default generator."""
    (answerer,) = made.answerers.values()
    return answerer


def test_the_search_is_loaded_before_anybody_asks_also_where_few_may_wait(served):
    made = served("serve.queue=1")
    until(lambda: made.service.library._retriever)


def test_an_answer_has_its_evidence_and_the_scores_of_each_stage(served):
    made = served()
    found = made.client.post("/ask", json={"question": QUESTION}).json()
    assert (found["text"], found["refused"], found["model"], found["kind"]) == (ANSWER, False, "reader", "span")
    (citation,) = found["citations"]
    assert citation["document"] == "board/minutes.md" and citation["quote"] == ANSWER
    first = found["passages"][citation["passage"] - 1]
    assert first["dense"] > 0 and first["bm25"] > 0 and first["fused"] > 0 and first["reranked"] is None
    assert found["timings"].keys() >= {"embed", "search", "answer"}
    refused = made.client.post("/ask", json={"question": UNKNOWN}).json()
    assert refused["refused"] and refused["citations"] == [] and refused["passages"]


def test_a_streamed_answer_shows_the_passages_first(served):
    made = served()
    with made.client.stream("POST", "/ask", json={"question": QUESTION, "stream": True}) as stream:
        lines = [line for line in stream.iter_lines() if line]
    events = [line.removeprefix("event: ") for line in lines if line.startswith("event:")]
    data = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data:")]
    assert events == ["passages", "text", "answer"]
    assert [each["document"] for each in data[0]][0] == "board/minutes.md" and data[2]["text"] == ANSWER


def test_documents_and_history_are_heeded(served):
    made = served()
    body = {"question": QUESTION, "documents": ["leave.md"]}
    assert {each["document"] for each in made.client.post("/ask", json=body).json()["passages"]} == {"leave.md"}
    history = [{"question": "How much does the crane lift?", "answer": "40 tonnes"}]
    found = made.client.post("/ask", json={"question": "And when was it built?", "history": history}).json()
    assert "crane" in found["asked_as"]


def test_search_gives_passages_in_order_with_scores(served):
    found = served().client.post("/search", json={"words": "crane tonnes", "k": 2}).json()["passages"]
    assert len(found) == 2 and found[0]["document"] == "harbour.md" and found[0]["fused"] >= found[1]["fused"]


def test_fifty_clients_at_once_are_all_answered(served):
    made = served()

    def ask(number: int) -> tuple[int, str]:
        with httpx.Client(base_url=made.url, timeout=60) as client:
            if number % 2:
                response = client.post("/ask", json={"question": QUESTION})
                return response.status_code, response.json()["text"]
            body = {"messages": [{"role": "user", "content": QUESTION}]}
            response = client.post("/v1/chat/completions", json=body)
            return response.status_code, response.json()["choices"][0]["message"]["content"]

    with ThreadPoolExecutor(50) as clients:
        found = list(clients.map(ask, range(100)))
    assert found == [(200, ANSWER)] * 100 and len(the(made).finished) == 100


def test_a_full_queue_says_when_to_come_again_and_drains(served):
    made = served("serve.queue=2")
    the(made).free.clear()
    with ThreadPoolExecutor(8) as clients:
        waiting = [clients.submit(made.client.post, "/ask", json={"question": QUESTION})]
        until(lambda: the(made).asked)  # else the queue may be full before the worker takes the first
        waiting += [clients.submit(made.client.post, "/ask", json={"question": QUESTION}) for _ in range(2)]
        until(lambda: made.service.worker.waiting == 2)
        for path, body in (
            ("/ask", {"question": QUESTION}),
            ("/ask", {"question": QUESTION, "stream": True}),
            ("/search", {"words": "crane"}),
            ("/v1/responses", {"input": QUESTION, "stream": True}),
        ):
            refused = made.client.post(path, json=body)
            assert refused.status_code == 503 and int(refused.headers["Retry-After"]) >= 1, path
            assert refused.json()["error"]["message"].startswith("busy, again in ")
        assert made.client.get("/health").json()["waiting"] == 2
        the(made).free.set()
        assert [each.result().status_code for each in waiting] == [200] * 3
    assert made.client.post("/ask", json={"question": QUESTION}).status_code == 200


@pytest.mark.parametrize("body", [{"question": QUESTION}, {"question": QUESTION, "stream": True}])
def test_a_client_that_leaves_ends_its_work(served, body):
    made = served()
    the(made).free.clear()
    with ThreadPoolExecutor(1) as other:
        first = other.submit(made.client.post, "/ask", json={"question": "Is the crane strong?"})
        until(lambda: the(made).asked)
        with httpx.Client(base_url=made.url) as leaving, pytest.raises(httpx.TimeoutException):
            leaving.post("/ask", json=body, timeout=0.5)
        until(lambda: made.service.worker.waiting == 0)  # it waited, and does not any more
        the(made).free.set()
        assert first.result().status_code == 200
    assert made.client.post("/search", json={"words": "crane"}).status_code == 200
    assert the(made).asked == ["Is the crane strong?"]


def test_a_question_that_is_being_answered_ends_between_its_parts(served, monkeypatch):
    """Whoever leaves while passages are searched gets no answer made."""
    made = served()
    begun, go_on = threading.Event(), threading.Event()
    search = made.service.library.retriever

    def slow():
        begun.set()
        go_on.wait(10)
        return search()

    monkeypatch.setattr(made.service.library, "retriever", slow)
    with httpx.Client(base_url=made.url) as leaving, pytest.raises(httpx.TimeoutException):
        leaving.post("/ask", json={"question": QUESTION}, timeout=0.5)
    assert begun.is_set()
    time.sleep(0.6)  # longer than the server takes to see it
    go_on.set()
    monkeypatch.setattr(made.service.library, "retriever", search)
    assert made.client.post("/search", json={"words": "crane"}).status_code == 200  # after it, in the same thread
    assert the(made).asked == []


def test_adapters_are_loaded_switched_and_dropped_under_load_without_a_failed_request(served, weights):
    folders = weights("one", "two")
    made = served(adapters=folders)
    failed, stop, models = [], threading.Event(), set()

    def load() -> None:
        with httpx.Client(base_url=made.url, timeout=60) as client:
            while not stop.is_set():
                response = client.post("/ask", json={"question": QUESTION})
                models.add(response.json().get("model"))
                failed.extend([response.text] if response.status_code != 200 else [])

    with ThreadPoolExecutor(4) as clients:
        running = [clients.submit(load) for _ in range(4)]
        for name in ("one", "two", "base", "ragtune"):
            assert made.client.post(f"/models/{name}").status_code == 200
            shown = made.client.put("/models/default", json={"model": name}).json()
            assert shown["answers_as"] == ("reader" if name == "ragtune" else name)
            time.sleep(0.3)
            if name != "ragtune":
                assert made.client.put("/models/default", json={"model": "reader"}).status_code == 200
                assert made.client.delete(f"/models/{name}").status_code == 204
        stop.set()
        assert [each.result() for each in running] == [None] * 4
    assert failed == [] and models == {"one", "two", "base", "reader"}
    assert made.client.put("/models/default", json={"model": "three"}).status_code == 404


def test_a_question_in_flight_finishes_on_what_it_began_with(served, weights):
    made = served(adapters=weights("one"))
    made.client.post("/models/one")
    answerer = made.answerers[made.service.generators.resolve("one").adapter]
    answerer.free.clear()
    with ThreadPoolExecutor(2) as clients:
        running = clients.submit(made.client.post, "/ask", json={"question": QUESTION, "model": "one"})
        until(lambda: answerer.asked)
        queued = clients.submit(made.client.post, "/ask", json={"question": QUESTION})
        until(lambda: made.service.worker.waiting)
        made.client.put("/models/default", json={"model": "base"})
        assert made.client.delete("/models/one").status_code == 204
        answerer.free.set()
        assert (running.result().json()["model"], queued.result().json()["model"]) == ("one", "reader")
    assert made.client.post("/ask", json={"question": QUESTION}).json()["model"] == "base"


def test_a_promotion_answers_from_the_next_question_on(served, weights):
    from rag.models.registry import Promotion, keep_weights, set_live

    made = served()
    folder = keep_weights(made.index, weights("tuned")["tuned"], "1-generator-tuned")
    set_live(made.index, {"generator": Promotion(folder, "it is better")})
    assert made.client.post("/ask", json={"question": QUESTION}).json()["model"] == "live"
    listed = [each["id"] for each in made.client.get("/v1/models").json()["data"]]
    assert listed == ["ragtune", "base", "reader", "live", "1-generator-tuned"]


def test_no_more_generators_are_kept_than_the_settings_say(served):
    made = served("serve.models=1")
    made.client.post("/models/base")
    assert made.service.generators.loaded() == ["base"]
    assert made.client.post("/ask", json={"question": QUESTION, "model": "reader"}).json()["text"] == ANSWER
    assert made.service.generators.loaded() == ["reader"]


def test_a_task_that_was_left_does_not_start():
    worker, hold, done = ModelWorker(2), threading.Event(), []
    first = worker.submit(lambda task: hold.wait(10))
    left = worker.submit(lambda task: done.append("left"))
    kept = worker.submit(lambda task: done.append("kept"))
    with pytest.raises(BusyError, match="again in"):
        worker.submit(lambda task: None)
    left.leave()
    assert worker.waiting == 1
    hold.set()
    kept.future.result(10)
    assert done == ["kept"] and first.future.result() is True
    worker.close()


def test_only_the_last_answers_are_remembered(served):
    from dataclasses import replace

    made = served()
    id = made.client.post("/ask", json={"question": QUESTION}).json()["id"]
    given, recent = made.service.recent.get(id), RecentAnswers(2)
    for name in "abc":
        recent.put(replace(given, id=name))
    assert recent.get("a") is None and recent.get("c")
    recent.forget({"leave.md"})
    assert recent.get("c") is None
