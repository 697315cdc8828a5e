"""`rag ask` and `rag chat` use a server that runs for the index, and only a server that is the right one."""

import json
import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest

from rag.answering.answer_facts import answer_facts, answer_from_facts
from rag.cli.main import main
from rag.cli.served import running_server
from rag.core.errors import RagtuneError
from rag.generation.prompt import REFUSAL
from rag.server.state.running import RunningServer, announced
from serving import ANSWER, QUESTION, UNKNOWN, settings_of


@pytest.fixture
def running(served, monkeypatch):
    """Return a served index that is announced, with its announcement; nothing may open a pipeline."""
    made = served()
    place = urlsplit(made.url)
    made.server = RunningServer(place.hostname, place.port, "token-of-this-user", 0, [])

    def refuse(*arguments):
        raise RagtuneError("a pipeline was opened")

    monkeypatch.setattr("rag.factory.open_pipeline", refuse)
    return made


def rag(made, *words):
    return main(["--index", str(made.index), *words])


def test_ask_is_answered_by_the_running_server(running, capsys):
    with announced(running.index, running.server):
        assert rag(running, "ask", QUESTION) == 0
        out, err = capsys.readouterr()
        assert out.startswith(f"{ANSWER}\n  [1] board/minutes.md") and "passages read:" in out
        assert f"answered by the server at {running.url}" in err and "confidence in the answer: 0.90" in err
        assert rag(running, "ask", QUESTION, "--json", "--in", "board") == 0
        facts = json.loads(capsys.readouterr().out)
        assert facts["text"] == ANSWER and facts["timings"]["load"] < 5
        assert {each["chunk"]["document"] for each in facts["passages"]} == {"board/minutes.md"}
        assert rag(running, "ask", "--base", UNKNOWN) == 0 and capsys.readouterr().out.startswith(REFUSAL)
    assert [answerer.adapter for answerer in [each.generator for each in running.answerers.values()]][-1] is None


def test_chat_is_answered_by_the_running_server(running, capsys, monkeypatch):
    questions = iter([QUESTION, "Who built it?", "exit"])
    monkeypatch.setattr("rag.cli.chat.read_questions", lambda: questions)
    with announced(running.index, running.server):
        assert rag(running, "chat") == 0
    out = capsys.readouterr().out
    assert out.startswith(ANSWER) and "asked as: Who built it (Kestrel Bay" in out


def test_an_error_of_the_server_is_told_in_its_words(running, capsys):
    with announced(running.index, running.server):
        assert rag(running, "ask", "a " * 1500) == 1
    assert "shorten it" in capsys.readouterr().err


@pytest.mark.parametrize("change", [{"port": None}, {"token": "another"}, {"settings": ["answer.least=0.9"]}])
def test_a_server_that_is_gone_or_another_one_is_not_asked(running, capsys, change):
    """A killed server leaves its file; something else may listen at its port by then."""
    if change == {"port": None}:
        with socket.create_server(("127.0.0.1", 0)) as free:
            change = {"port": free.getsockname()[1]}
    with announced(running.index, replace(running.server, **change)):
        assert rag(running, "ask", QUESTION) == 1
    assert "a pipeline was opened" in capsys.readouterr().err
    assert all(not answerer.asked for answerer in running.answerers.values())


def test_another_program_at_the_port_is_not_asked_whatever_it_answers(tmp_path):
    class Other(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[]")

    with HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.handle_request, daemon=True).start()
        with announced(tmp_path, RunningServer("127.0.0.1", other.server_port, "t", 0, [])):
            assert running_server(settings_of(), tmp_path, "ragtune") is None


def test_an_adapter_that_is_named_is_not_asked_of_the_server(running, capsys):
    with announced(running.index, running.server):
        assert rag(running, "ask", "--adapter", "somewhere", QUESTION) == 1
    assert "a pipeline was opened" in capsys.readouterr().err


def test_an_answer_is_the_same_after_it_went_through_json(running):
    given = running.client.post("/ask", json={"question": QUESTION}).json()["id"]
    answer = running.service.recent.get(given).answer
    assert answer_from_facts(json.loads(json.dumps(answer_facts(answer)))) == answer
