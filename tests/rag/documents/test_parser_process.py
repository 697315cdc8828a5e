"""Parsers run in a child process: what happens to it happens to one file."""

import json
import os
import pickle
import signal
import subprocess
import sys
import threading

import pytest

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.core.table_cell import TableCell
from rag.documents.formats.base.sections import Parsed, Section
from rag.documents.parser_process import ParserProcess, parse_in_child, process_of_thread
from rag.documents.parser_protocol import ProtocolError, decode_reply, encode_parsed
from samples import SAMPLES

SETTINGS = DocumentSettings()


def parsed(name="a.txt", data=b"some words", settings=SETTINGS):
    return parse_in_child(name, data, settings)[0]


def child() -> int:
    return process_of_thread().pid


def kill_child():
    pid = child()
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


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


def test_a_child_larger_than_a_third_of_the_limit_is_replaced():
    process = ParserProcess()
    process.parse("a.txt", b"some words", SETTINGS)
    assert process.pid is not None
    process.parse("a.txt", b"some words", DocumentSettings(max_memory=45_000_000))  # an idle Python has 20 MB
    assert process.pid is None and process.parse("a.txt", b"some words", SETTINGS)[0] == "some words"
    process.stop()


def test_a_child_that_dies_between_files_is_replaced():
    parsed()
    kill_child()
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
    process_of_thread().stop()
    assert parsed("a.html", b"<p>words") == "words\n\n"


@pytest.fixture
def interruptible():
    """Ctrl-C raises KeyboardInterrupt, also where these tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_leaves_no_reply_behind_for_the_next_file(interruptible):
    parsed()
    os.kill(child(), signal.SIGSTOP)  # its reply is outstanding when the interrupt comes
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
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


FORKED = """
import os
from rag.core.sections import DocumentSettings
from rag.documents.formats.base.sections import Section
from rag.documents.parser_process import parse_in_child, process_of_thread

parse_in_child("a.txt", b"one", DocumentSettings())
before = process_of_thread().pid
if os.fork():
    os.wait()
    text, same, *_ = parse_in_child("c.txt", b"three", DocumentSettings())[0], process_of_thread().pid == before
else:
    text, same, *_ = parse_in_child("b.txt", b"two", DocumentSettings())[0], process_of_thread().pid == before
print(text, same, flush=True)
process_of_thread().stop()
"""


def test_a_fork_does_not_share_the_pipes_of_the_process_it_came_from():
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n") == ["two False", "three True", ""], done.stderr


class Opened:
    """What a pickle can do to the one that reads it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def reply_of(payload: bytes, claimed: int | None = None) -> tuple[str, ...]:
    """Return the command of a parser process that answers the first file with these bytes, whatever the file."""
    frame = (len(payload) if claimed is None else claimed).to_bytes(8) + payload
    return (
        sys.executable,
        "-c",
        f"import sys, time; sys.stdout.buffer.write({frame!r}); sys.stdout.flush(); time.sleep(99)",
    )


def test_a_reply_cannot_make_anything_run(tmp_path):
    target = tmp_path / "opened"
    for payload in (pickle.dumps(Opened(target)), pickle.dumps(("parsed", Opened(target), True))):
        for command in (reply_of(payload), reply_of(payload[8:], int.from_bytes(payload[:8]))):
            process = ParserProcess(command)
            with pytest.raises(DocumentError, match="crashed"):
                process.parse("a.txt", b"words", SETTINGS)
            assert process.pid is None and not target.exists()


GOOD = {
    "text": "words",
    "names": ["A"],
    "sections": [[0, 5, [0], 1, "python", [[0, 2, 0, 0, 0]]]],
    "unread": ["page 2"],
}


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"[" * 200_000,
        b'{"text": "\xff"}',
        *(
            json.dumps(bad).encode()
            for bad in (
                [],
                None,
                {},
                {"reason": "x"},
                {"reason": "x", "remedy": 3},
                {**GOOD, "more": 1},
                {**GOOD, "text": 3},
                {**GOOD, "text": "a\0b"},
                {**GOOD, "text": "\ud800"},
                {**GOOD, "names": [3]},
                {**GOOD, "names": ["\udfff"]},
                {**GOOD, "names": []},
                {**GOOD, "sections": {}},
                {**GOOD, "unread": "page 2"},
                {**GOOD, "unread": [2]},
                *(
                    {**GOOD, "sections": [section]}
                    for section in (
                        [],
                        [0, 5, [0], 1, []],
                        [0, 6, [0], 1, None, []],
                        [-1, 5, [0], 1, None, []],
                        [3, 2, [0], 1, None, []],
                        [0.0, 5, [0], 1, None, []],
                        [True, 5, [0], 1, None, []],
                        [0, 5, [1], 1, None, []],
                        [0, 5, [-1], 1, None, []],
                        [0, 5, [0], "1", None, []],
                        [0, 5, [0], 0, None, []],
                        [0, 5, [0], 10**30, None, []],
                        [0, 5, [0], 1, "klingon", []],
                        [0, 5, [0], 1, ["python"], []],
                        [0, 5, "0", 1, None, []],
                        [0, 5, [0], 1, None, 3],
                        [2, 5, [0], 1, None, [[1, 3, 0, 0, 0]]],
                        [0, 4, [0], 1, None, [[1, 5, 0, 0, 0]]],
                        [0, 5, [0], 1, None, [[3, 2, 0, 0, 0]]],
                        [0, 5, [0], 1, None, [[1, 2, -1, 0, 0]]],
                        [0, 5, [0], 1, None, [[1, 2, 10**30, 0, 0]]],
                        [0, 5, [0], 1, None, [[1, 2, 0, 1, 0]]],
                        [0, 5, [0], 1, None, [[1, 2, 0, 0, -1]]],
                        [0, 5, [0], 1, None, [[1, 2, 0, 0]]],
                    )
                ),
            )
        ),
    ],
)
def test_a_reply_of_another_form_is_a_crash(reply):
    with pytest.raises(ProtocolError):
        decode_reply(reply)


def test_a_reply_is_taken_in_the_expected_form():
    assert decode_reply(json.dumps(GOOD).encode()) == Parsed(
        "words", [Section(0, 5, ("A",), 1, "python", (TableCell(0, 2, 0, "A", "A"),))], ("page 2",)
    )


def test_a_reply_that_claims_to_be_huge_or_is_cut_off_is_a_crash():
    for command in (reply_of(b"x", 1 << 60), (sys.executable, "-c", "print('abc')"), (sys.executable, "-c", "")):
        with pytest.raises(DocumentError, match="crashed"):
            ParserProcess(command).parse("a.txt", b"words", SETTINGS)


def test_headings_below_each_other_are_sent_once():
    deep = "# " + "long title " * 1000 + "\n\n" + "".join(f"## part {n}\n\nwords\n\n" for n in range(2000))
    text, sections, *_ = parse_in_child("a.md", deep.encode(), SETTINGS)
    assert text == deep and len(sections) > 2000
    assert len(encode_parsed(Parsed(text, sections))) < 4 * len(deep)
