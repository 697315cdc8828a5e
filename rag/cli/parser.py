"""The commands of `rag` and their options."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rag.cli.adapters import run_adapters
from rag.cli.ask import run_ask, run_chat
from rag.cli.commands import AddOptions, Commands, set_option
from rag.cli.doctor import run_doctor
from rag.cli.documents import run_compact, run_documents, run_remove, run_status
from rag.cli.index import run_index, run_ingest
from rag.cli.models import run_models
from rag.cli.search import run_search
from rag.cli.serve import run_keys, run_mcp, run_serve
from rag.cli.show import run_show
from rag.models.compose import WAYS
from rag.models.registry import INDEX

DESCRIPTION = "Ask questions of your own documents, on your own machine."
EPILOG = """examples:
  rag index path/to/folder               index a folder; run it again after changes
  rag ask "When was Kestrel Bay built?"  answer a question, with the sentences that support the answer
  rag ask "..." --in 'board/*'           the same from some of the documents alone
  rag search "notice period"             show passages with the scores of each stage of the search
  rag chat                               ask one question after the other; "And for boats?" is understood
  rag ingest letter.pdf reports          add documents, without training
  rag documents 'board/*'                list documents of the index
  rag show minutes-2025-03.md            print a document as it was read, with its chunks and tables
  rag remove board/minutes-2025-03.md    remove documents from the index
  rag serve                              a page and an API for programs, at http://127.0.0.1:8765
  rag adapters --rollback                undo the last promotion of trained weights
  rag doctor                             find out what is wrong here, and how to mend it
  rag COMMAND --help                     options and examples of a command

exit status: 0 done, 1 an error in one line, 2 wrong usage, 3 done, but skipped files are listed, 130 interrupted
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; the function that runs the command is in `work`."""
    parser = argparse.ArgumentParser(
        "rag", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    parser.set_defaults(index=INDEX, quiet=False)
    commands = Commands(parser, _options_of_every_command())
    _add_question_commands(commands)
    _add_index_commands(commands)
    _add_document_commands(commands)
    _add_server_commands(commands)
    _add_other_commands(commands)
    return parser


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"ragtune {version('ragtune')}")
        parser.exit()


def _options_of_every_command() -> AddOptions:
    add_set = set_option()

    def add(parser: argparse._ActionsContainer) -> None:
        group = parser.add_argument_group("options of every command, before it or after it")
        folder = f"folder of the index (default {INDEX})"
        group.add_argument("--index", type=Path, default=argparse.SUPPRESS, metavar="DIR", help=folder)
        add_set(group)
        quiet = "no progress, models or times on standard error; errors and answers are still printed"
        group.add_argument("-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help=quiet)

    return add


def _path(text: str) -> Path:
    """Return a path; "~" is the home folder also where no shell has seen it, as in make index CORPUS=~/docs."""
    return Path(os.path.expanduser(text))


def _examples(*lines: str) -> str:
    return "\n  ".join(("examples:", *lines))


def _add_question_commands(commands: Commands) -> None:
    examples = _examples(
        'rag ask "When was Kestrel Bay built?"',
        "rag ask \"...\" --in annual-leave.md --in 'board/*'   from these documents alone",
        'rag ask "..." --json                                 the same as JSON',
        'rag ask "..." --base                                 the base model, without an adapter',
        'rag ask "..." --log var/asked.jsonl                  keep question, answer and your verdict for training',
        'rag ask "..." --set answer.least=0.5                 refuse what is less sure',
    )
    ask = commands.add("ask", run_ask, "answer a question from the indexed documents", epilog=examples)
    ask.add_argument("question", nargs="+", help="the question; several words are joined, quotes keep your shell away")
    ask.add_argument("--json", action="store_true", help="print answer, citations, passages and conflicts as JSON")
    log = "append question, answer and your verdict to FILE, from which python -m finetune import makes training data"
    ask.add_argument("--log", type=Path, metavar="FILE", help=log)
    about = "answer questions one after the other; a follow-up question may refer to the one before; exit ends it"
    examples = _examples(
        "rag chat", "rag chat --in 'board/*'", "rag chat < questions.txt", "/help    lists what chat knows"
    )
    chat = commands.add("chat", run_chat, about, epilog=examples)
    for command in (ask, chat):
        model = command.add_mutually_exclusive_group()
        model.add_argument("--base", action="store_true", help="answer with the base model, without an adapter")
        adapter = "answer with this adapter (default: the index's live one, else the shipped reader)"
        model.add_argument("--adapter", type=Path, metavar="DIR", help=adapter)
    text = "show the passages that are found for words or a question, with the scores of each stage"
    examples = _examples('rag search "notice period"', 'rag search "notice period" -k 3 --in contracts --json')
    search = commands.add("search", run_search, text, epilog=examples)
    search.add_argument("words", nargs="+", help="words or a question")
    search.add_argument("-k", type=int, default=10, metavar="N", help="passages shown (default %(default)s)")
    search.add_argument("--json", action="store_true", help="print the passages as JSON")
    within = "search this document alone: a name as `rag documents` lists it, a pattern, or a folder; may be repeated"
    for command in (ask, chat, search):
        command.add_argument("--in", dest="within", action="append", metavar="NAME", help=within)


def _add_index_commands(commands: Commands) -> None:
    text = "index folders: add new and changed files, remove files that are gone"
    epilog = f"""{
        _examples(
            "rag index path/to/folder      index a folder; run it again after changes",
            "rag index                     bring the folders that the index was made from up to date",
            "rag index --rebuild           make it anew, after a change of embedder or chunk size",
            "rag --index var/other index path/to/folder    keep a folder in an index of its own",
        )
    }

Documents of other folders stay, and a line says so; those of the sample corpus leave as soon as another folder is
indexed. Files with the same name in two folders are told apart by the folder's name before it.

Where all documents of a folder would be removed, or more than half (if they are five or more), or five or more of a
subfolder that is empty now, its disk may not be there: nothing is removed, new files are still added, and the exit
status is 1. At a terminal you are asked; otherwise --yes removes them."""
    index = commands.add("index", run_index, text, epilog=epilog)
    named = "default: those that the index was made from; for a new index the sample corpus"
    index.add_argument("folders", type=_path, nargs="*", metavar="FOLDER", help=named)
    rebuild = "make the index anew, with its documents of other folders; promoted weights stay"
    index.add_argument("--rebuild", action="store_true", help=rebuild)
    index.add_argument("--yes", action="store_true", help="remove documents whose files are gone, however many")
    examples = _examples("rag ingest letter.pdf", "rag ingest reports 'minutes/*.docx' letter.pdf")
    text = "add files, folders or patterns to the index, without training"
    ingest = commands.add("ingest", run_ingest, text, epilog=examples)
    ingest.add_argument("paths", type=_path, nargs="+", metavar="PATH")


def _add_document_commands(commands: Commands) -> None:
    examples = _examples("rag documents", "rag documents 'board/*'")
    text = "list the documents of the index and their chunks"
    documents = commands.add("documents", run_documents, text, epilog=examples)
    documents.add_argument("patterns", nargs="*", metavar="NAME", help="names, patterns or folders (default all)")
    text = "print a document as it was read: its chunks, its tables, and what could not be read"
    examples = _examples(
        "rag show board/minutes-2025-03.md",
        "rag show minutes-2025-03.md --chunk 4    one chunk, with the cells of its tables",
        "rag show ~/new/report.docx               a file that is not in the index, as it would be read",
        "rag show fees.xlsx --json",
    )
    show = commands.add("show", run_show, text, epilog=examples)
    show.add_argument("document", metavar="DOCUMENT", help="a name or the end of one, a pattern, or a file")
    show.add_argument("--chunk", type=int, metavar="N", help="print this chunk alone, counted from 1")
    show.add_argument("--json", action="store_true", help="print the document as JSON")
    examples = _examples("rag remove board/minutes-2025-03.md", "rag remove 'board/*'", "rag remove path/to/folder")
    text = "remove documents from the index; their files stay"
    remove = commands.add("remove", run_remove, text, epilog=examples)
    names = "names as `rag documents` lists them, patterns, or folders"
    remove.add_argument("patterns", nargs="+", metavar="NAME", help=names)
    text = "show what the index holds and whether its search files are up to date"
    commands.add("status", run_status, text, epilog=_examples("rag status", "rag --index var/other status"))
    text = "rebuild the search files and free the space of removed documents"
    commands.add("compact", run_compact, text, epilog=_examples("rag compact"))


def _add_server_commands(commands: Commands) -> None:
    examples = _examples(
        "rag serve                          page and API at http://127.0.0.1:8765, for this machine alone",
        "rag serve --host 0.0.0.0           for other machines too; first rag keys add NAME",
        "rag serve --watch ~/Documents      read what is new or changed there, as it comes",
        "rag serve --adapter trial=var/runs/default/sft    an adapter that requests can name",
    )
    text = "serve a page, an API for programs and one that clients of OpenAI's understand"
    serve = commands.add("serve", run_serve, text, epilog=examples)
    serve.add_argument("--host", metavar="HOST", help="where to listen (default serve.host, 127.0.0.1)")
    serve.add_argument("--port", metavar="N", help="its port (default serve.port, 8765; 0 for any that is free)")
    adapter = "an adapter that requests can name, beside those of the index; may be repeated"
    serve.add_argument("--adapter", action="append", metavar="NAME=DIR", help=adapter)
    watch = "a folder whose new and changed files are read as they come; may be repeated"
    serve.add_argument("--watch", action="append", type=Path, metavar="FOLDER", help=watch)
    examples = _examples(
        "rag keys add laptop    prints the key, once; clients send it as Authorization: Bearer KEY",
        "rag keys list",
        "rag keys remove laptop",
    )
    keys = commands.add("keys", run_keys, "make, list or remove keys of clients of the server", epilog=examples)
    keys.add_argument("action", choices=("add", "list", "remove"))
    keys.add_argument("name", nargs="?", metavar="NAME", help="whose key it is")
    examples = _examples("rag mcp", "rag --index notes/index mcp    the documents of another index")
    text = "serve tools for agents on standard input and output; rag serve has them at /mcp"
    commands.add("mcp", run_mcp, text, epilog=examples)


def _add_adapters(commands: Commands) -> None:
    examples = _examples(
        "rag adapters",
        "rag adapters --rollback",
        "rag adapters --split var/runs/default/sft/adapter --share 0.2    try an adapter on a fifth of what is asked",
        "rag adapters --end-split",
        "rag adapters --compose var/runs/a/sft/adapter var/runs/b/sft/adapter --out var/both    one adapter of two",
    )
    text = "show which trained weights are live, and why, and how a split stands"
    adapters = commands.add("adapters", run_adapters, text, epilog=examples)
    action = adapters.add_mutually_exclusive_group()
    rollback = "go back to what was live before the last promotion"
    action.add_argument("--rollback", action="store_true", help=rollback)
    split = (
        "let this one answer some of the server's conversations: base, reader, an adapter of the index, or its folder"
    )
    action.add_argument("--split", metavar="NAME", help=split)
    end = "end the split; an adapter that people's thumbs show to be better goes live"
    action.add_argument("--end-split", action="store_true", help=end)
    composed = "write one adapter to --out that does what these LoRA adapters do together"
    action.add_argument("--compose", type=Path, nargs="+", metavar="DIR", help=composed)
    how = "exact sum (cat), or one of equal ranks (default %(default)s)"
    adapters.add_argument("--how", choices=WAYS, default="cat", help=how)
    each = "of each adapter of --compose (default: 1 with cat, else their mean)"
    adapters.add_argument("--weights", type=float, nargs="+", metavar="W", help=each)
    density = "share of entries that ties and dare keep (default %(default)s)"
    adapters.add_argument("--density", type=float, default=0.5, metavar="D", help=density)
    adapters.add_argument("--out", type=Path, metavar="DIR", help="the folder that --compose writes")
    share = "of the conversations that --split gives it (default %(default)s)"
    adapters.add_argument("--share", type=float, default=0.5, metavar="S", help=share)


def _add_other_commands(commands: Commands) -> None:
    _add_adapters(commands)
    examples = _examples(
        "rag models", "rag models --set model.generator=HuggingFaceTB/SmolLM2-360M-Instruct --set model.hub=true"
    )
    text = "find, check and convert the configured models, and show where they run"
    commands.add("models", run_models, text, epilog=examples)
    text = "check packages, models, device and index, with a remedy for each fault"
    commands.add("doctor", run_doctor, text, epilog=_examples("rag doctor"))
