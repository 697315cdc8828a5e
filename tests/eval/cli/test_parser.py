import subprocess
import sys

import pytest

from eval.cli.parser import parser

HEAVY = ("faiss", "matplotlib", "numpy", "peft", "scipy", "sklearn", "torch", "transformers")


def test_leaks_stop_an_evaluation_by_default():
    assert parser().parse_args(["gold"]).leaks == parser().parse_args(["bench", "b"]).leaks == "stop"


def test_numbers_of_chunks_are_checked_before_anything_is_made():
    assert parser().parse_args(["scale"]).chunks == [100_000]
    assert parser().parse_args(["scale", "--chunks", "10,200"]).chunks == [10, 200]
    for wrong in ("ten", "10,", "0"):
        with pytest.raises(SystemExit):
            parser().parse_args(["scale", "--chunks", wrong])


def test_help_imports_no_large_library():
    code = "import sys; import eval.__main__ as entry; entry.parser().format_help(); print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in found.stdout.split() if name in HEAVY] == []


COMMANDS = (
    "gold bench compare score peer dev attribution retrieval agreement followup attacks lookups kinds manuals "
    "scale speed reproduce"
).split()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_in_plain_sentences(command, capsys):
    with pytest.raises(SystemExit):
        parser().parse_args([command, "--help"])
    text = capsys.readouterr().out
    assert command in parser().format_help() and "-> " not in text and len(text) > 200
