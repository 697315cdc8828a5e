"""Parsers run in a child process: what happens to it happens to one file."""

import os
import signal
import threading

import pytest

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents import parser_process
from samples import SAMPLES

SETTINGS = DocumentSettings()


def parsed(name="a.txt", data=b"some words", settings=SETTINGS):
    return parser_process.parse_in_child(name, data, settings)[0]


def child() -> int:
    return parser_process._own.child.pid


def test_one_child_reads_many_files():
    parsed()
    before = child()
    assert parsed("a.pdf", SAMPLES["a.pdf"]).startswith("Crane manual") and parsed() == "some words"
    assert child() == before


def test_a_file_with_an_error_leaves_the_child_alive():
    parsed()
    before = child()
    with pytest.raises(DocumentError) as error:
        parsed("a.docx", b"words")
    assert error.value.reason and error.value.remedy and child() == before


def test_a_parser_that_gets_no_further_is_stopped_and_the_next_file_is_read():
    with pytest.raises(DocumentError, match="no further in 0.2 s.*max_seconds"):
        parsed("a.html", b"<p>" + b"<b>x</b>" * 300_000, DocumentSettings(max_seconds=0.2))
    assert parsed() == "some words"


def test_a_parser_that_takes_too_much_memory_is_stopped_and_the_next_file_is_read():
    with pytest.raises(DocumentError, match="takes more than 300,000,000 bytes of memory.*max_memory"):
        parsed("a.html", b"<p>" + b"<b>x</b>" * 500_000, DocumentSettings(max_memory=300_000_000))
    assert parsed() == "some words"


def test_a_child_that_dies_between_files_is_replaced():
    parsed()
    os.kill(child(), signal.SIGKILL)
    parser_process._own.child.wait()
    assert parsed() == "some words"


def test_a_child_that_dies_at_a_file_costs_that_file():
    parsed()
    os.kill(child(), signal.SIGSTOP)  # it does not take the file before it dies
    threading.Timer(0.05, os.kill, (child(), signal.SIGKILL)).start()
    with pytest.raises(DocumentError, match="crashed"):
        parsed()
    assert parsed() == "some words"


def test_what_lies_in_the_users_folder_is_no_library(tmp_path, monkeypatch):
    (tmp_path / "bs4.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    os.kill(child(), signal.SIGKILL)
    parser_process._own.child.wait()
    assert parsed("a.html", b"<p>words") == "words\n\n"


def test_an_interrupt_leaves_no_reply_behind_for_the_next_file(monkeypatch):
    parsed()

    def interrupted(pipe):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(parser_process.pickle, "load", interrupted)
        with pytest.raises(KeyboardInterrupt):
            parsed("a.txt", b"other words")
    assert parsed() == "some words"


def test_each_thread_has_a_child_of_its_own():
    parsed()
    found = []
    thread = threading.Thread(target=lambda: found.extend((parsed("a.txt", b"in a thread"), child())))
    thread.start()
    thread.join()
    assert found[0] == "in a thread" and found[1] != child()


def test_a_fork_does_not_share_the_pipes_of_the_process_it_came_from():
    parser_process.parse_in_child("a.txt", b"one", SETTINGS)
    before, (end, start) = parser_process._own.child.pid, os.pipe()
    child = os.fork()
    if not child:
        try:
            text, _ = parser_process.parse_in_child("b.txt", b"two", SETTINGS)
            os.write(start, f"{text} {parser_process._own.child.pid != before}".encode())
            parser_process._stop(parser_process._own.child)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(end, 100) == b"two True"
    assert (
        parser_process.parse_in_child("c.txt", b"three", SETTINGS)[0] == "three"
        and parser_process._own.child.pid == before
    )
