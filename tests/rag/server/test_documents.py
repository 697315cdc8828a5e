"""Documents over HTTP: list, read, upload, delete, and jobs that can be followed, resumed and killed."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from rag.factory import open_writer
from rag.index.writer_lock import writer_lock
from rag.server.state.feedback import Feedback, now
from rag.server.state.folder import uploads_folder
from rag.server.state.running import find_server
from serving import ANSWER, HARBOUR, QUESTION, until

SUPPORT = Path(__file__).parents[2] / "support"
BERTHS = b"# Berths\n\nBerth nine is 240 metres long.\n"


def listed(client) -> list[str]:
    return [each["id"] for each in client.get("/documents").json()["documents"]]


def events_of(client, job, after=None):
    """Follow a job to its end: numbers and facts of its events."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    found, number = [], 0
    with client.stream("GET", f"/jobs/{job['id']}/events", headers=headers) as stream:
        for line in stream.iter_lines():
            if line.startswith("id:"):
                number = int(line[3:])
            if line.startswith("data:"):
                found.append((number, json.loads(line[5:])))
    return found


def test_documents_are_listed_and_read_with_the_span_that_is_asked_for(served):
    made = served()
    assert listed(made.client) == ["board/minutes.md", "harbour.md", "leave.md"]
    text = HARBOUR["leave.md"]
    at = text.index("Leave must")
    found = made.client.get("/documents/leave.md", params={"start": at, "end": at + 10}).json()
    assert found["text"] == text and found["text"][found["start"] : found["end"]] == "Leave must"
    assert found["chunks"] and found["title"] == "Leave"
    beyond = made.client.get("/documents/leave.md", params={"start": 5, "end": 10**6}).json()
    assert (beyond["start"], beyond["end"]) == (0, 0)


def test_a_long_document_is_read_in_parts_around_the_span(served, ended):
    made = served()
    long = "".join(f"Line {n} is here.\n\n" for n in range(20_000))
    ended(made.client, made.client.put("/documents/long.txt", content=long.encode()).json())
    at = long.index("Line 15000 is here.")
    found = made.client.get("/documents/long.txt", params={"start": at, "end": at + 19}).json()
    assert found["length"] == len(long) and len(found["text"]) <= 200_000
    assert found["text"][at - found["offset"] :].startswith("Line 15000 is here.")
    rest = made.client.get("/documents/long.txt", params={"offset": found["offset"] + len(found["text"])}).json()
    assert found["text"] + rest["text"] == long[found["offset"] :][: len(found["text"] + rest["text"])]


def test_an_upload_is_indexed_answered_from_replaced_and_deleted(served, ended):
    made = served()
    job = made.client.put("/documents/berths.md", content=BERTHS).json()
    assert job["kind"] == "ingest" and job["documents"] == ["berths.md"]
    assert ended(made.client, job)["last"]["report"]["added"] == ["berths.md"]
    answer = made.client.post("/ask", json={"question": "How long is berth nine?"}).json()
    assert answer["text"] == "Berth nine is 240 metres long."
    said = made.client.post("/feedback", json={"answer": answer["id"], "thumb": "up"})
    assert said.status_code == 201 and len(made.client.get("/feedback").json()["feedback"]) == 1

    again = made.client.put("/documents/berths.md", content=BERTHS.replace(b"240", b"250")).json()
    assert ended(made.client, again)["last"]["report"]["changed"] == ["berths.md"]
    assert "250" in made.client.post("/ask", json={"question": "How long is berth nine?"}).json()["text"]

    uploaded = uploads_folder(made.index) / "berths.md"
    assert uploaded.exists() and uploaded.parent.stat().st_mode & 0o077 == 0
    deleted = ended(made.client, made.client.delete("/documents/berths.md").json())
    assert deleted["last"]["report"] == {"removed": ["berths.md"]} and not uploaded.exists()
    assert "berths.md" not in listed(made.client) and made.client.get("/documents/berths.md").status_code == 404
    assert made.client.get("/feedback").json() == {"feedback": []}  # and what was shown of it
    assert made.client.post("/feedback", json={"answer": answer["id"], "thumb": "up"}).status_code == 404


def test_a_deleted_document_of_a_folder_leaves_its_file(served, ended, tmp_path):
    made = served()
    ended(made.client, made.client.delete("/documents/leave.md").json())
    assert "leave.md" not in listed(made.client) and (tmp_path / "documents" / "leave.md").exists()
    report = ended(made.client, made.client.post("/jobs", json={"kind": "sync"}).json())["last"]["report"]
    assert report["added"] == ["leave.md"] and "leave.md" in listed(made.client)


def test_the_first_upload_makes_the_index(served, ended):
    made = served(indexed=False)
    assert ended(made.client, made.client.put("/documents/berths.md", content=BERTHS).json())["state"] == "done"
    answer = made.client.post("/ask", json={"question": "How long is berth nine?"}).json()
    assert answer["text"] == "Berth nine is 240 metres long."


NAMES = [
    "..%2Fevil.md",
    "%2E%2E%2F%2E%2E%2Fevil.md",
    "a%2F..%2F..%2Fevil.md",
    "%2Fetc%2Fevil.md",
    "%2Ftmp%2Fevil.md",
    "sub%2Fevil.md",
    "..%5Cevil.md",
    "C%3A%5Cevil.md",
    "evil.md%00.txt",
    "%00",
    "evil%0A.md",
    ".hidden.md",
    ".ragignore",
    "..",
    ".",
    "%20evil.md",
    "evil.md%20",
    "%E2%80%AEdm.live.md",
    "x" * 250 + ".md",
    "evil.exe",
    "evil",
]


@pytest.mark.parametrize("name", NAMES)
def test_an_upload_cannot_leave_its_folder_or_hide_in_it(served, tmp_path, name):
    made = served()
    before = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    request = made.client.build_request("PUT", "/documents/x", content=b"evil")
    request.url = request.url.copy_with(raw_path=f"/documents/{name}".encode())
    response = made.client.send(request)
    assert response.status_code in (400, 404, 405) and response.json()["error"]["message"]
    after = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert {each for each in after - before if "server/uploads" not in each} == set()
    assert not [each for each in after if "evil" in each or ".ragignore" in each]
    assert made.client.get("/jobs").json()["jobs"] == []


def test_an_upload_that_is_too_large_leaves_nothing(served):
    made = served("documents.max_bytes=10000")
    assert made.client.put("/documents/large.md", content=b"x" * 10_001).status_code == 413
    pieces = (b"y" * 1000 for _ in range(20))
    unsaid = made.client.put("/documents/large.md", content=pieces)
    assert unsaid.status_code == 413 and "documents.max_bytes" in unsaid.json()["error"]["message"]
    assert not list(uploads_folder(made.index).glob("*")) and made.client.get("/jobs").json() == {"jobs": []}


def test_an_upload_whose_client_leaves_leaves_nothing(served):
    import socket
    from urllib.parse import urlsplit

    made = served()
    place = urlsplit(made.url)
    with socket.create_connection((place.hostname, place.port)) as leaving:
        leaving.sendall(
            f"PUT /documents/half.md HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 900\r\n\r\nhalf".encode()
        )
        until(lambda: list(uploads_folder(made.index).glob(".part-*")))
    until(lambda: not list(uploads_folder(made.index).glob(".part-*")))
    assert not (uploads_folder(made.index) / "half.md").exists() and made.client.get("/jobs").json() == {"jobs": []}


def test_a_file_that_cannot_be_read_is_told_with_its_reason(served, ended):
    made = served()
    job = ended(made.client, made.client.put("/documents/broken.pdf", content=b"%PDF-1.7 nonsense").json())
    (skipped,) = job["last"]["report"]["skipped"]
    assert job["state"] == "done" and skipped["file"] == "broken.pdf" and skipped["reason"]


def test_progress_comes_as_events_and_goes_on_after_the_last_one_seen(served):
    made = served()
    job = made.client.put("/documents/berths.md", content=BERTHS * 50).json()
    whole = events_of(made.client, job)
    assert [number for number, _ in whole] == list(range(1, len(whole) + 1))
    assert whole[0][1]["state"] == "queued" and whole[-1][1]["state"] == "done"
    steps = [facts["done"] for _, facts in whole if facts["state"] == "running" and "done" in facts]
    assert steps == sorted(steps) and steps[-1] == len(BERTHS) * 50
    assert events_of(made.client, job, after=2) == whole[2:]
    over = made.client.get(f"/jobs/{job['id']}/events", headers={"Last-Event-ID": str(len(whole))})
    assert over.status_code == 204  # a browser does not connect again
    assert made.client.get(f"/jobs/{job['id']}/events", headers={"Last-Event-ID": "x"}).status_code == 422


def test_a_file_sent_while_its_forerunner_waits_to_be_removed_stays(served, ended):
    made = served()
    ended(made.client, made.client.put("/documents/berths.md", content=BERTHS).json())
    with writer_lock(made.index):  # so that both jobs wait
        removal = made.client.delete("/documents/berths.md").json()
        again = made.client.put("/documents/berths.md", content=BERTHS.replace(b"240", b"250")).json()
    assert ended(made.client, removal)["last"]["report"] == {"removed": ["berths.md"]}
    assert ended(made.client, again)["last"]["report"]["added"] == ["berths.md"]
    assert b"250" in (uploads_folder(made.index) / "berths.md").read_bytes()


def test_an_upload_that_cannot_be_read_is_not_kept_and_an_earlier_one_can_be_removed(served, ended):
    """Nobody could delete it, and every start would try it again."""
    made, uploads = served(), uploads_folder
    ended(made.client, made.client.put("/documents/broken.pdf", content=b"%PDF-1.7 nonsense").json())
    assert not list(uploads(made.index).iterdir())
    ended(made.client, made.client.put("/documents/berths.md", content=BERTHS).json())
    ended(made.client, made.client.put("/documents/berths.md", content=b"").json())
    assert "berths.md" in listed(made.client)
    ended(made.client, made.client.delete("/documents/berths.md").json())
    assert not list(uploads(made.index).iterdir()) and "berths.md" not in listed(made.client)


def test_what_the_command_line_removes_is_forgotten_and_no_more_judged(served, monkeypatch):
    from rag.cli.main import main

    made = served()
    answer = made.client.post("/ask", json={"question": QUESTION}).json()
    verdict = {"answer": answer["id"], "thumb": "up"}
    assert made.client.post("/feedback", json=verdict).status_code == 201
    assert main(["--index", str(made.index), "remove", "board/minutes.md"]) == 0
    assert made.client.get("/feedback").json() == {"feedback": []}
    late = made.client.post("/feedback", json=verdict)
    assert late.status_code == 404 and "removed" in late.json()["error"]["message"]


@pytest.mark.parametrize("renamed", [False, True])
def test_what_a_folder_has_lost_is_forgotten_when_it_is_brought_up_to_date(served, ended, tmp_path, renamed):
    made = served()
    answer = made.client.post("/ask", json={"question": QUESTION}).json()
    made.client.post("/feedback", json={"answer": answer["id"], "thumb": "up"})
    file = tmp_path / "documents" / "leave.md"  # shown, though not cited
    file.rename(file.with_name("holidays.md")) if renamed else file.unlink()
    ended(made.client, made.client.post("/jobs", json={"kind": "sync"}).json())
    assert made.client.get("/feedback").json() == {"feedback": []} and "leave.md" not in listed(made.client)


def test_a_file_deleted_while_a_job_begins_does_not_fail_the_others_of_the_job(served, ended, tmp_path, monkeypatch):
    from rag.index import indexing

    made, files = served(), [tmp_path / "berths.md", tmp_path / "gone.md"]
    for file in files:
        file.write_bytes(BERTHS)
    ingest = indexing.ingest

    def delete_first(store, embedder, targets, settings):
        files[1].unlink(missing_ok=True)
        return ingest(store, embedder, targets, settings)

    monkeypatch.setattr(indexing, "ingest", delete_first)
    job = made.service.documents.add("ingest", list(map(str, files)))
    assert ended(made.client, {"id": job.id})["last"]["report"]["added"] == ["berths.md"]


def test_the_thread_of_the_documents_outlives_a_full_disk(served, ended, monkeypatch):
    made, failed = served(), []
    jobs = made.service.documents.jobs
    tell = jobs.tell

    def fail_once(*args, **facts):
        if not failed:
            failed.append(args)
            raise sqlite3.OperationalError("database or disk is full")
        tell(*args, **facts)

    monkeypatch.setattr("rag.server.work.documents_worker.AGAIN", 0.01)
    monkeypatch.setattr(jobs, "tell", fail_once)
    assert ended(made.client, made.client.put("/documents/berths.md", content=BERTHS).json())["state"] == "done"


class Process:
    """A server in a process of its own."""

    def __init__(self, folder: Path, seconds: float):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SUPPORT), str(SUPPORT.parents[1])])}
        command = [sys.executable, str(SUPPORT / "serving_process.py"), str(seconds)]
        self.folder = folder
        self.running = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
        found = until(self._address, 60)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{found.port}", timeout=30)

    def _address(self):
        found = find_server(self.folder / "index")
        return found if found and found.pid == self.running.pid else None

    def kill(self):
        self.running.kill()
        self.running.wait()
        self.client.close()

    def stop(self):
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(20)


def test_a_kill_while_indexing_costs_nothing_and_the_next_server_goes_on(tmp_path, ended):
    first = Process(tmp_path, 1.0)
    jobs = [
        first.client.put(f"/documents/d{n}.md", content=BERTHS.replace(b"nine", b"n%d" % n)).json() for n in range(4)
    ]
    until(lambda: first.client.get(f"/jobs/{jobs[1]['id']}").json()["state"] == "running", 60)
    (uploads_folder(tmp_path / "index") / "orphan.md").write_bytes(BERTHS)  # came whole, but its job was not kept
    (uploads_folder(tmp_path / "index") / ".part-0").write_bytes(b"half")
    first.kill()

    second = Process(tmp_path, 0.0)
    try:
        assert [ended(second.client, job)["state"] for job in jobs] == ["done"] * 4
        told = [facts for _, facts in events_of(second.client, jobs[1])]
        assert any(facts.get("resumed") for facts in told)
        until(lambda: "orphan.md" in listed(second.client))
        assert listed(second.client) == ["d0.md", "d1.md", "d2.md", "d3.md", "orphan.md"]
        assert not (uploads_folder(tmp_path / "index") / ".part-0").exists()
        assert second.client.post("/ask", json={"question": QUESTION}).status_code == 200
    finally:
        status = second.stop()
    assert status == 0 and find_server(tmp_path / "index") is None  # its file went with it


def test_feedback_keeps_the_passages_shown_and_the_last_verdict(served):
    made = served()
    answer = made.client.post("/ask", json={"question": QUESTION}).json()
    wrong = made.client.post("/feedback", json={"answer": answer["id"], "correction": "  in 1998 "})
    assert wrong.status_code == 201 and wrong.json()["thumb"] == "down"
    made.client.post("/feedback", json={"answer": answer["id"], "thumb": "up"})
    (kept,) = made.client.get("/feedback").json()["feedback"]
    assert (kept["thumb"], kept["correction"], kept["question"], kept["text"]) == ("up", None, QUESTION, ANSWER)
    assert kept["passages"] == answer["passages"] and kept["citations"][0]["quote"] == ANSWER
    assert made.client.post("/feedback", json={"answer": answer["id"], "correction": "  "}).status_code == 400


def test_feedback_that_comes_while_its_document_leaves_is_not_kept(served, monkeypatch):
    made = served()
    answer = made.client.post("/ask", json={"question": QUESTION}).json()
    there = iter([made.service.given(answer["id"]), None])
    monkeypatch.setattr(made.service, "given", lambda id: next(there))
    assert made.client.post("/feedback", json={"answer": answer["id"], "thumb": "up"}).status_code == 404
    assert made.service.feedback.all() == []


def test_feedback_says_what_kind_of_answer_it_is_about_and_whether_anything_answers(served):
    made = served()
    answer = made.client.post("/ask", json={"question": QUESTION}).json()
    made.client.post("/feedback", json={"answer": answer["id"], "unanswerable": True})
    (kept,) = made.client.get("/feedback").json()["feedback"]
    assert (kept["thumb"], kept["kind"], kept["unanswerable"]) == ("down", answer["kind"], True)
    both = {"answer": answer["id"], "unanswerable": True, "correction": "1998"}
    assert made.client.post("/feedback", json=both).status_code == 400


def test_feedback_of_a_removal_that_was_stopped_before_it_went_goes_with_the_next_job(served, ended):
    from rag.index.left_documents import left_documents

    made = served()
    shown = [{"document": "leave.md", "start": 0, "end": 4, "text": "Gone"}]
    said = Feedback(now(), "a", "What?", "reader", "Gone", False, 0.5, "up", None, [], shown)
    made.service.feedback.put(said)
    store = open_writer(made.service.settings, made.index)
    store.remove(["leave.md"])
    store.close()
    job = made.service.documents.add("remove", ["leave.md"])
    assert ended(made.client, {"id": job.id})["last"]["report"] == {"removed": []}
    assert made.service.feedback.all() == left_documents(made.index) == []


def test_feedback_kept_by_an_older_server_is_read(tmp_path):
    from rag.server.state import feedback, folder

    older = folder.StateFile(folder.state_folder(tmp_path) / feedback.FILE, feedback._SCHEMA)
    older.rows("INSERT INTO feedback VALUES (1, '', 'a', 'q', 'm', 't', 'false', 0.5, 'up', NULL, '[]', '[]')")
    older.close()
    (kept,) = feedback.read_feedback(tmp_path)
    assert (kept.answer, kept.kind, kept.unanswerable, kept.refused) == ("a", "", False, False)


CANARY = "zorblatt"


def test_nothing_of_a_removed_document_is_left_in_any_file(served, ended):
    """Text, vectors' keys, postings, feedback, jobs: no file of the index has a word of it after rag compact."""
    from rag.factory import open_writer
    from rag.index.indexing import compact

    made = served()
    text = f"# Secret\n\nThe {CANARY} of Kestrel Bay was built in 1998 by the {CANARY}s.\n"
    ended(made.client, made.client.put("/documents/secret.md", content=text.encode()).json())
    answer = made.client.post("/ask", json={"question": f"When was the {CANARY} of Kestrel Bay built?"}).json()
    assert made.client.post("/feedback", json={"answer": answer["id"], "thumb": "up"}).status_code == 201
    assert files_with(made.index, CANARY.encode())
    ended(made.client, made.client.delete("/documents/secret.md").json())
    store = open_writer(made.service.settings, made.index)
    compact(store)
    store.close()
    assert CANARY not in made.client.get("/metrics").text
    assert files_with(made.index, CANARY.encode()) == []


def files_with(folder, word):
    return [path.name for path in folder.rglob("*") if path.is_file() and word in path.read_bytes()]


OUTSIDE = ["../x.md", "/etc/x.md", "..%2f..%2fx.md", "a%00b.md", "a%5c..%5cx.md", ".hidden.md", "a" * 300 + ".md"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_an_upload_is_written_nowhere_but_in_its_folder(served, tmp_path, name):
    made = served()
    before = {path for path in tmp_path.rglob("*.md")}
    assert made.client.put(f"/documents/{name}", content=b"words").status_code in (400, 404, 405)
    assert {path for path in tmp_path.rglob("*.md")} == before


@pytest.mark.parametrize("name", ["CON.md", "nul.txt", "a:b.md", "what?.md", "trailing..md"])
def test_names_that_another_system_reserves_are_names_here(served, ended, name):
    from urllib.parse import quote

    made = served()
    ended(made.client, made.client.put(f"/documents/{quote(name)}", content=b"The crane lifts 41 tonnes.").json())
    assert (uploads_folder(made.index) / name).read_bytes() == b"The crane lifts 41 tonnes."
