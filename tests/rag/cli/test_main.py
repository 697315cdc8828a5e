"""The `rag` command as a whole: errors, exit status, help, and what it does not import."""

import errno
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rag.cli.main import main
from rag.cli.parser import build_parser
from rag.cli.shell import exit_status
from rag.core.errors import StoreError
from rag.models.libraries import SILENCED, TRACING

ROOT = Path(__file__).parents[3]
HEAVY = ("torch", "transformers", "tokenizers", "peft", "faiss", "scipy", "sentence_transformers", "datasets", "bs4")
HEAVY += ("fastapi", "uvicorn", "mcp", "langchain_core")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("HF_HUB_OFFLINE", *SILENCED, *TRACING, "TOKENIZERS_PARALLELISM", "TRANSFORMERS_VERBOSITY"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # so that what main() sets is undone


def run_python(*arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True)


def error_of(arguments, capsys) -> str:
    """Return the one line of stderr of a command that fails."""
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and err.startswith("error: ")
    return err


def test_ask_without_an_index_names_make_index_and_makes_nothing(capsys, tmp_path):
    assert "make index" in error_of(["ask", "x"], capsys)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_setting_names_the_nearest(capsys):
    assert "'hub'" in error_of(["--set", "model.hubb=1", "ask", "x"], capsys)
    assert "'retrieval'" in error_of(["--set", "retreval.passages=1", "ask", "x"], capsys)


def test_a_folder_that_does_not_exist_is_an_error_before_anything_is_made(capsys, tmp_path):
    for command in ("index", "ingest"):
        assert "no file or folder nowhere" in error_of([command, "nowhere"], capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_live_file_names_the_remedy(capsys, tmp_path):
    (tmp_path / "notes" / "adapters").mkdir(parents=True)
    (tmp_path / "notes" / "adapters" / "live.json").write_text("{")
    assert "make train" in error_of(["--index", "notes", "adapters", "--rollback"], capsys)


def test_every_error_becomes_a_status_and_one_line_and_the_details_of_a_fault_a_file(capsys):
    def stop(error):
        raise error

    assert exit_status(lambda: None) == 0
    assert exit_status(lambda: stop(StoreError("no index"))) == 1
    assert exit_status(lambda: stop(KeyboardInterrupt())) == 130
    assert exit_status(lambda: 1 / 0) == 1
    first, _, fault = capsys.readouterr().err.splitlines()
    assert first == "error: no index" and fault.startswith("error: a fault of the program (ZeroDivisionError)")
    details = Path(re.search(r"details are in (\S+):", fault)[1])
    assert "1 / 0" in details.read_text() and details.stat().st_mode & 0o77 == 0
    details.unlink()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "var/x"), "no space is left to write var/x"),
        (OSError(errno.EFBIG, "File too large"), "free some space"),
        (RuntimeError("[enforce fail] PytorchStreamWriter failed writing file data/0: file write failed"), "no space"),
        (PermissionError(errno.EACCES, "Permission denied", "var/x"), "check the permissions"),
        (MemoryError(), "not enough memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory"),
            "not enough memory",
        ),
    ],
)
def test_what_the_machine_lacks_is_named_with_what_mends_it(capsys, error, told):
    def stop():
        raise error

    assert exit_status(stop) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line and "a fault of the program" not in line


def test_an_error_in_the_middle_of_a_progress_bar_is_a_line_of_its_own(capsys):
    from tqdm import tqdm

    def stop():
        bar = tqdm(total=9, desc="sft")
        bar.update(1)
        raise StoreError("no index")

    assert exit_status(stop) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "error: no index"


@pytest.mark.parametrize("arguments", [["ask"], [], ["ask", "x", "--base", "--adapter", "d"], ["dance"]])
def test_wrong_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and "usage:" in capsys.readouterr().err


def parsed(*arguments: str):
    args = build_parser().parse_args(arguments)
    return args.set, str(args.index), args.quiet


def test_options_of_every_command_stand_before_it_or_after_it():
    one, two = "answer.least=0.5", "chunk.size=400"
    expected = ([one, two], "d", True)
    assert parsed("--set", one, "--index", "d", "-q", "ask", "x", "--set", two) == expected
    assert parsed("ask", "--set", one, "x", "--set", two, "--index=d", "--quiet") == expected
    assert parsed("--index", "a", "status", "--index", "d") == ([], "d", False)
    assert parsed("documents") == ([], "var/index", False)


@pytest.mark.parametrize(("program", "command"), [("finetune", "dpo"), ("eval", "gold")])
def test_settings_after_the_command_reach_the_other_programs_too(program, command):
    shown = run_python("-m", program, command, "--set", "model.hubb=1")
    assert shown.returncode == 1 and "'hub'" in shown.stderr


def test_every_command_has_examples_that_its_own_parser_takes(capsys):
    commands = re.findall(r"^    (\w+) ", build_parser().format_help(), re.M)
    assert len(commands) >= 11
    for command in commands:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        examples = capsys.readouterr().out.split("examples:\n")[1].split("\n\n")[0].splitlines()
        for line in examples:
            words = shlex.split(re.sub(r"\s{2,}[^\s'\"].*$|[<|].*$", "", line.strip()))
            if words[0] == "rag":
                assert build_parser().parse_args(words[1:]).work


@pytest.mark.parametrize("program", ["rag", "finetune", "eval"])
def test_help_shows_examples_of_each_program(program):
    shown = run_python("-m", program, "--help")
    assert shown.returncode == 0 and shown.stderr == ""
    examples = shown.stdout.split("examples:\n")[1].split("\n\n")[0].strip().splitlines()
    assert len(examples) >= 4 and all(line.strip().startswith(("rag ", f"python -m {program} ")) for line in examples)


def test_version_is_printed(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0 and capsys.readouterr().out.startswith("ragtune ")


def imported_by(*arguments: str) -> tuple[int, str, set[str]]:
    """Return exit status, output and heavy libraries of a `rag` command that runs in a process of its own."""
    script = (
        "import json, sys\n"
        "from rag.cli.main import main\n"
        "try:\n"
        f"    status = main({list(arguments)!r})\n"
        "except SystemExit as stop:\n"
        "    status = stop.code\n"
        f"print(json.dumps([status, [name for name in {HEAVY!r} if name in sys.modules]]))\n"
    )
    run = run_python("-c", script)
    assert run.returncode == 0, run.stderr
    *output, last = run.stdout.splitlines()
    status, heavy = json.loads(last)
    return status, "\n".join(output) + run.stderr, set(heavy)


@pytest.mark.parametrize(
    ("arguments", "status", "output"),
    [
        (["--help"], 0, "usage: rag"),
        (["ask", "--help"], 0, "usage: rag ask"),
        (["--version"], 0, "ragtune"),
        (["dance"], 2, "invalid choice: 'dance'"),
        (["--set", "model.hubb=1", "ask", "x"], 1, "'hub'"),
        (["ask", "x"], 1, "there is no index"),
        (["status"], 1, "there is no index"),
        (["adapters", "--rollback"], 1, "nothing was promoted"),
    ],
)
def test_help_and_errors_import_no_model_library(arguments, status, output):
    found, printed, heavy = imported_by(*arguments)
    assert (found, heavy) == (status, set()) and output in printed


@pytest.mark.parametrize("command", ["status", "documents"])
def test_commands_without_a_model_import_no_model_library(command, tmp_path):
    script = (
        "from pathlib import Path; from fakes import put\n"
        "from rag import factory; from rag.core.settings import Settings\n"
        "from rag.index.writer import StoreWriter; from rag.index.snapshot import refresh_files\n"
        "store = StoreWriter(Path('var/index'), factory._identity(Settings()), create=True)\n"
        "put(store, 'crane.md', 'The crane lifts 40 tonnes.'); refresh_files(store); store.close()\n"
    )
    made = run_python("-c", f"import sys; sys.path.insert(0, {str(ROOT / 'tests' / 'support')!r})\n{script}")
    assert made.returncode == 0, made.stderr
    status, printed, heavy = imported_by(command)
    assert (status, heavy) == (0, set()) and ("documents: 1" in printed or "crane.md" in printed)


def test_the_package_imports_at_once_and_knows_its_public_names():
    script = f"import rag, sys; print([name for name in {HEAVY!r} if name in sys.modules], dir(rag) != [])"
    assert run_python("-c", script).stdout == "[] True\n"
    import rag

    assert all(getattr(rag, name) for name in rag.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        rag.nothing  # noqa: B018


@pytest.mark.parametrize("lines", [10**6, 1])
def test_a_pipe_that_is_closed_early_is_no_error(lines):
    script = (
        "import time\n"
        "from rag.cli import main as cli\n"
        "def print_all():\n"
        "    time.sleep(0.5)\n"
        f"    print('\\n'.join(map(str, range({lines}))))\n"
        "cli.main = lambda: cli.exit_status(print_all)\n"
        "cli.entry()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.stderr.read() == b"" and running.wait() == 0


def test_the_python_api_prepares_the_libraries_too(tmp_path):
    code = (
        "import os\nfrom rag import RagtuneError, open_pipeline\n"
        "try:\n    open_pipeline(index='none')\nexcept RagtuneError as error:\n    print(error)\n"
        "print(os.environ['HF_HUB_OFFLINE'], os.environ['GOMP_SPINCOUNT'])"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "1 3000", done.stderr
