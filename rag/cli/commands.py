"""What the command lines of `rag`, `python -m finetune` and `python -m eval` share."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from rag.core.settings import Settings

# What runs a command and returns the exit status, None for 0.
Work = Callable[[argparse.Namespace, Settings], int | None]


def module_parser(module: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Return the parser of `python -m MODULE`, with --set; its commands are added with `Commands`."""
    parser = argparse.ArgumentParser(
        f"python -m {module}",
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    override = "override a setting of ragtune.toml"
    parser.add_argument("--set", action="append", metavar="SECTION.KEY=VALUE", help=override)
    return parser


class Commands:
    """Adds commands to a parser; the function that runs the chosen one is in `work` of what the parser returns."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(self, name: str, work: Work, text: str, *aliases: str) -> argparse.ArgumentParser:
        """Add a command. text: what it does. aliases: earlier names, which go on working."""
        description = f"{text[0].upper()}{text[1:]}."
        command: argparse.ArgumentParser = self._commands.add_parser(
            name, aliases=aliases, help=text, description=description
        )
        command.set_defaults(work=work)
        return command
