"""Progress bars: with the time left on a terminal, and nothing in a pipe."""

import io
import sys

import pytest

from rag.core import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def work(monkeypatch):
    """Return a function that works for longer than a bar waits, and returns what was shown."""
    monkeypatch.setattr(progress, "_wanted", True)
    clock = iter(range(0, 10_000, 2))
    monkeypatch.setattr("tqdm.std.time", lambda: next(clock))

    def run(stream) -> str:
        monkeypatch.setattr(sys, "stderr", stream)
        with progress.progress_bar(4, "reading", " files", ncols=80, file=stream) as bar:
            for _ in range(4):
                bar.update()
        with progress.library_progress():
            print("a library's bar", file=sys.stderr)
        return stream.getvalue()

    return run


def test_a_terminal_shows_what_is_done_and_the_time_left(work):
    shown = work(Terminal())
    assert "reading:  50%" in shown and "<00:0" in shown and "a library's bar" in shown


def test_a_pipe_shows_nothing(work):
    assert work(io.StringIO()) == ""


def test_nothing_is_shown_where_that_is_wanted(work, monkeypatch):
    progress.want_progress(False)
    assert work(Terminal()) == ""


def test_a_listener_is_told_every_step_of_its_own_thread(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    told = []
    with progress.telling_progress(lambda *step: told.append(step)), progress.progress_bar(4, "reading", "B") as bar:
        for size in (1, 2.5, 3):  # more than there was, as of a file that has grown
            bar.update(size)
    assert told == [("reading", 1, 4), ("reading", 3.5, 4), ("reading", 4, 4)]
    with progress.progress_bar(4, "reading", "B") as bar:
        bar.update(1)
    assert len(told) == 3
