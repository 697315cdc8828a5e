import pytest

from fakes import passage
from rag.answering.wording.commands import whole_command
from rag.generation.span_tree import SpanPlace

TEXT = "Stop it with:\n\n```console\n$ pumpd halt --wait 20\npumpd fetch \\\n  --all\n```\n\nIt halts."


def said(question: str, words: str, sentence: str) -> str:
    chunk = passage(TEXT, "a.md").chunk
    first, start = TEXT.index(sentence), TEXT.index(words, TEXT.index(sentence))
    place = SpanPlace(1, start, start + len(words), (first, first + len(sentence)))
    return whole_command(question, place, chunk).text(chunk)


@pytest.mark.parametrize("question", ["How do I stop the pump?", "how to stop it", "Which command stops the pump?"])
def test_a_part_of_a_command_becomes_the_command(question):
    assert said(question, "halt", "$ pumpd halt --wait 20") == "pumpd halt --wait 20"


def test_lines_of_one_command_are_joined():
    assert said("How do I fetch it?", "--all", "pumpd fetch \\\n  --all") == "pumpd fetch --all"


def test_other_questions_and_places_keep_their_words():
    assert said("How many seconds does it wait?", "20", "$ pumpd halt --wait 20") == "20"
    assert said("How do I stop the pump?", "halts", "It halts.") == "halts"
