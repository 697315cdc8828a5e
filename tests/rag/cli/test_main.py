import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rag.cli.main import main
from rag.cli.shell import exit_status
from rag.core.errors import StoreError

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "TOKENIZERS_PARALLELISM", "TRANSFORMERS_VERBOSITY"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # so that what main() sets is undone


def failed(arguments, capsys):
    """-> the one line of stderr of a command that fails."""
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and err.startswith("error: ")
    return err


def test_ask_without_an_index_says_make_index_and_makes_nothing(capsys, tmp_path):
    assert "make index" in failed(["ask", "x"], capsys)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_setting_names_the_nearest(capsys):
    assert "'hub'" in failed(["--set", "model.hubb=1", "ask", "x"], capsys)
    assert "'retrieval'" in failed(["--set", "retreval.passages=1", "ask", "x"], capsys)


def test_a_folder_that_is_not_there_is_an_error_before_anything_is_made(capsys, tmp_path):
    for command in ("index", "ingest"):
        assert "no file or folder nowhere" in failed([command, "nowhere"], capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_live_file_says_what_to_do(capsys, tmp_path):
    (tmp_path / "var" / "adapters").mkdir(parents=True)
    (tmp_path / "var" / "adapters" / "live.json").write_text("{")
    assert "make train" in failed(["ask", "x"], capsys)


def test_guarded_turns_errors_for_people_into_a_status_and_lets_others_through(capsys):
    def stop(error):
        raise error

    assert exit_status(lambda: None) == 0
    assert exit_status(lambda: stop(StoreError("no index"))) == 1
    assert exit_status(lambda: stop(KeyboardInterrupt())) == 130
    with pytest.raises(ZeroDivisionError):
        exit_status(lambda: 1 / 0)
    assert capsys.readouterr().err.splitlines()[0] == "error: no index"


@pytest.mark.parametrize("arguments", [["ask"], [], ["ask", "x", "--base", "--adapter", "d"], ["dance"]])
def test_wrong_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("program", ["rag", "finetune", "eval"])
def test_help_shows_examples_of_each_program(program):
    shown = subprocess.run(
        [sys.executable, "-m", program, "--help"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0 and shown.stderr == ""
    examples = shown.stdout.split("examples:")[1].strip().splitlines()
    assert len(examples) >= 4 and all(line.strip().startswith(("rag ", f"python -m {program} ")) for line in examples)


@pytest.mark.parametrize("lines", [10**6, 1])
def test_a_pipe_that_is_closed_early_is_no_error(lines):
    script = f"import time; from rag.cli import main as cli; print_all = lambda: time.sleep(0.5) or print('\\n'.join(map(str, range({lines}))))"
    script += "; cli.main = lambda: cli.exit_status(print_all); cli.entry()"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.stderr.read() == b"" and running.wait() == 0


def test_bytes_that_are_no_text_cost_chat_nothing_but_themselves(monkeypatch):
    from rag.cli.chat import typed

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Wh\xffn?\nWho?\n"), encoding="utf-8"))
    assert list(typed()) == ["Wh\ufffdn?", "Who?"]
