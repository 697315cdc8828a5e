"""`rag chat`: follow-up questions, its commands, and what it does after an error."""

import io

import pytest

from fakes import passage
from rag.answering.answer import generated_answer
from rag.cli.chat import Chat, read_questions
from rag.core.errors import PromptError, StoreError
from rag.generation.generator import Generation

MOLE = passage("The Long Mole is 640 metres long.", "mole.md")


class Scene:
    """A chat with an index of one passage. asked: each question with the documents that were searched."""

    def __init__(self):
        self.asked, self.shown = [], []

    def ask(self, question, documents):
        self.asked.append((question, documents))
        if "trouble" in question:
            raise PromptError("ask in other words")
        return generated_answer(Generation("640 metres [1]" if "long" in question else "a blue elephant", []), [MOLE])

    def find(self, names):
        if names == ["mole.md"]:
            return names
        raise StoreError(f"no document is called {names[0]!r}")

    def run(self, *lines, documents=None):
        Chat(self.ask, self.shown.append, self.find, documents).run(lines)
        return [question for question, _ in self.asked]


@pytest.fixture
def scene():
    return Scene()


def test_a_follow_up_is_asked_in_full_and_an_error_ends_only_its_turn(scene, capsys):
    wrong = "trouble, please, with the Mole wall"
    asked = scene.run("How long is the Long Mole?", "", wrong, "When was it built?", "exit", "never asked")
    assert asked == ["How long is the Long Mole?", wrong, "When was it (Long Mole) built?"]
    out, err = capsys.readouterr()
    assert out == "asked as: When was it (Long Mole) built?\n" and err == "error: ask in other words\n"
    assert [answer.text for answer in scene.shown][0] == "640 metres" and len(scene.shown) == 2


def test_a_change_of_subject_is_asked_as_it_is(scene, capsys):
    subject = "What about sickness: when is a doctor's note needed?"
    assert scene.run("How long is the Long Mole?", subject)[1] == subject and capsys.readouterr().out == ""


@pytest.mark.parametrize("line", ["/hepl", "/remove mole.md", "/"])
def test_an_unknown_command_is_told_and_not_asked(scene, capsys, line):
    assert scene.run(line) == []
    assert "there is no command" in (told := capsys.readouterr().out) and "/help" in told


def test_a_path_at_the_beginning_makes_a_question_no_command(scene):
    assert scene.run("/etc/mole.conf is how long?") == ["/etc/mole.conf is how long?"]


def test_help_names_every_command_that_is_obeyed(scene, capsys):
    scene.run("/help")
    named = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("/")]
    assert set(named) == {"/in", "/sources", "/help", "/exit"}
    scene.run("/in", "/sources", "/help", "/exit", "never asked")
    assert "no command" not in capsys.readouterr().out and scene.asked == []


def test_in_restricts_the_search_until_it_is_given_alone(scene, capsys):
    scene.run("How long is it?", "/in mole.md", "How long is it?", "/in", "How long is it?")
    assert [documents for _, documents in scene.asked] == [None, ["mole.md"], None]
    assert capsys.readouterr().out.splitlines()[0] == "searching mole.md"


def test_in_with_an_unknown_name_is_an_error_and_changes_nothing(scene, capsys):
    scene.run("/in mloe.md", "How long is it?", documents=["mole.md"])
    assert "no document is called 'mloe.md'" in capsys.readouterr().err
    assert scene.asked == [("How long is it?", ["mole.md"])]


def test_sources_shows_in_full_what_was_read(scene, capsys):
    scene.run("/sources", "How long is the Long Mole?", "/sources")
    out = capsys.readouterr().out
    assert out.startswith("nothing was asked yet") and "[1] mole.md\nThe Long Mole is 640 metres long." in out


def test_bytes_that_are_not_text_are_replaced(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Wh\xffn?\nWho?\n"), encoding="utf-8"))
    assert list(read_questions()) == ["Wh\ufffdn?", "Who?"]
