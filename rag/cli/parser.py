"""The commands of `rag` and their options."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from rag.cli.adapters import run_adapters
from rag.cli.ask import run_ask, run_chat
from rag.cli.commands import Commands
from rag.cli.doctor import run_doctor
from rag.cli.index import run_compact, run_documents, run_index, run_ingest, run_remove, run_status
from rag.cli.models import run_models
from rag.models.registry import INDEX

DESCRIPTION = "Ask questions of your own documents, on your own machine."
EPILOG = """examples:
  rag index corpus                       index a folder; run it again after changes
  rag ask "When was Kestrel Bay built?"  answer a question, with the sentences that support the answer
  rag ask "..." --json                   the same as JSON
  rag ask "..." --base                   answer with the base model, without an adapter
  rag ask "..." --log var/asked.jsonl    keep question, answer and your verdict for training
  rag chat                               ask one question after the other; "And for boats?" is understood
  rag ingest corpus/incoming letter.pdf  add documents, without training
  rag documents 'board/*'                list documents of the index
  rag remove board/minutes-2025-03.md    remove documents from the index
  rag adapters --rollback                undo the last promotion of trained weights
  rag doctor                             find out what is wrong here, and how to mend it
  rag --set model.generator=HuggingFaceTB/SmolLM2-360M-Instruct --set model.hub=true ask "..."

exit status: 0 done, 1 an error in one line, 2 wrong usage, 3 done, but skipped files are listed, 130 interrupted
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; the function that runs the command is in `work`."""
    parser = _Parser(
        "rag", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    overrides = "override a setting of ragtune.toml, such as answer.least=0.5; before COMMAND"
    parser.add_argument("--set", action="append", metavar="SECTION.KEY=VALUE", help=overrides)
    folder = "folder of the index (default %(default)s); before COMMAND"
    parser.add_argument("--index", type=Path, default=INDEX, metavar="DIR", help=folder)
    commands = Commands(parser)
    _add_question_commands(commands)
    _add_index_commands(commands)
    _add_other_commands(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """Says where --set and --index belong when they stand after the command."""

    def error(self, message: str) -> NoReturn:
        if message.startswith(("unrecognized arguments: --set", "unrecognized arguments: --index")):
            message += " (--set and --index stand before the command: rag --index DIR ask ...)"
        super().error(message)


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"ragtune {version('ragtune')}")
        parser.exit()


def _add_question_commands(commands: Commands) -> None:
    ask = commands.add("ask", run_ask, "answer a question from the indexed documents")
    ask.add_argument("question")
    ask.add_argument("--json", action="store_true", help="print answer, citations, passages and conflicts as JSON")
    log = "append question, answer and your verdict to FILE, from which python -m finetune import makes training data"
    ask.add_argument("--log", type=Path, metavar="FILE", help=log)
    about = "answer questions one after the other; a follow-up question may refer to the one before; exit ends it"
    chat = commands.add("chat", run_chat, about)
    for command in (ask, chat):
        model = command.add_mutually_exclusive_group()
        model.add_argument("--base", action="store_true", help="answer with the base model, without an adapter")
        adapter = "answer with this adapter (default: the index's live one, else the shipped reader)"
        model.add_argument("--adapter", type=Path, metavar="DIR", help=adapter)


def _add_index_commands(commands: Commands) -> None:
    index = commands.add("index", run_index, "index a folder: add new and changed files, remove files that are gone")
    index.add_argument("folder", type=Path)
    rebuild = "delete the index first, as needed after a change of embedder or chunk size; promoted weights stay"
    index.add_argument("--rebuild", action="store_true", help=rebuild)
    ingest = commands.add("ingest", run_ingest, "add files, folders or patterns to the index, without training")
    ingest.add_argument("paths", type=Path, nargs="+")
    documents = commands.add("documents", run_documents, "list the documents of the index and their chunks")
    documents.add_argument("patterns", nargs="*", help="names, or patterns such as 'board/*' (default all)")
    remove = commands.add("remove", run_remove, "remove documents from the index; their files stay")
    remove.add_argument("patterns", nargs="+", help="names as `rag documents` lists them, or patterns like 'board/*'")
    commands.add("status", run_status, "show what the index holds and whether its search files are up to date")
    commands.add("compact", run_compact, "rebuild the search files and free the space of removed documents")


def _add_other_commands(commands: Commands) -> None:
    adapters = commands.add("adapters", run_adapters, "show which trained weights are live, and why")
    rollback = "go back to what was live before the last promotion"
    adapters.add_argument("--rollback", action="store_true", help=rollback)
    commands.add("models", run_models, "find, check and convert the configured models, and show where they run")
    commands.add("doctor", run_doctor, "check packages, models, device and index, with a remedy for each fault")
