"""Another model behind an endpoint, on what a run's generators were asked."""

import pytest

from eval.runs.peer import ask_peer
from eval.runs.scored_files import read_scored
from fakes import Scripted, says
from rag.core.errors import EvaluationError
from rag.core.jsonl import read_lines
from rag.core.sections import EndpointSettings
from rag.generation.chat_endpoint import Endpoint
from rag.generation.prompt import REFUSAL, SYSTEM


@pytest.fixture
def ask(server, tmp_path, monkeypatch):
    from rag.core.settings import Settings

    monkeypatch.chdir(tmp_path)
    settings = EndpointSettings(model="org/big", per_minute=0, at_once=1)
    return lambda run: ask_peer(Settings([]), run, Endpoint(server.url, settings, tmp_path / "kept.jsonl"))


def test_a_peer_sees_the_same_passages_and_is_held_to_the_same_contract(
    ask, server, evaluated, tiny_generator, tmp_path
):
    run = tmp_path / "run"
    evaluated(run, {"base": None}, Scripted(tiny_generator.tokenizer))
    (own,) = read_scored(run).values()
    texts = {row["id"]: row["passages"][0]["text"] for row in read_lines(run / "passages.jsonl")}

    def reply(body):
        system, user = body["messages"]
        assert system["content"] == SYSTEM
        row = next(row for row in own if user["content"].endswith(f"Question: {row['question']}"))
        assert " ".join(texts[row["id"]].split()) in user["content"]
        return says(f"{row['answers'][0]} [1]" if row["answers"] else "made up entirely [9]")

    server.reply = reply
    found = ask(run)
    rows = read_scored(run / "peer.org-big.scored.jsonl")["peer.org-big"]
    assert [row["id"] for row in rows] == [row["id"] for row in own] and [row["passages"] for row in rows] == [
        row["passages"] for row in own
    ]
    assert all(row["refused"] and row["text"] == REFUSAL for row in rows if not row["answers"])
    assert any(row["measures"]["f1"] == 1.0 and row["cited"] for row in rows)
    assert (
        found["comparisons"][0]["a"] == "org-big" and found["comparisons"][0]["b"] == "base" and found["n"] == len(own)
    )
    before = len(server.requests)
    assert ask(run)["generators"] == found["generators"] and len(server.requests) == before


def test_what_is_no_finished_run_is_an_error(ask, tmp_path):
    with pytest.raises(EvaluationError, match="no finished run"):
        ask(tmp_path)
