"""What the command lines of `rag`, `python -m finetune` and `python -m eval` share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from rag.core.settings import Settings

# What runs a command and returns the exit status, None for 0.
Work = Callable[[argparse.Namespace, Settings], int | None]


# Adds the options of every command to a parser: to the program's, and to those of its commands.
AddOptions = Callable[[argparse._ActionsContainer], None]


class _Collect(argparse.Action):
    """Appends values to one list, so that those before the command and those after it come together."""

    def __init__(self, *args: Any, collected: list[str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._collected = collected

    def __call__(self, parser: object, namespace: argparse.Namespace, value: Any, *_: object) -> None:
        self._collected.append(value)
        setattr(namespace, self.dest, self._collected)


def set_option() -> AddOptions:
    """Return what adds --set to the parsers of one program."""
    collected: list[str] = []
    override = "override a setting of ragtune.toml, such as answer.least=0.5"

    def add(parser: argparse._ActionsContainer) -> None:
        parser.add_argument(
            "--set",
            action=_Collect,
            collected=collected,
            default=argparse.SUPPRESS,
            metavar="SECTION.KEY=VALUE",
            help=override,
        )

    return add


def module_parser(module: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Return the parser of `python -m MODULE`; its commands are added with `Commands`."""
    return argparse.ArgumentParser(
        f"python -m {module}",
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


class Commands:
    """Adds commands to a parser; the function that runs the chosen one is in `work` of what the parser returns."""

    def __init__(self, parser: argparse.ArgumentParser, add_options: AddOptions | None = None) -> None:
        """add_options: adds the options that stand before a command or after it; --set if None.

        Their defaults must be `argparse.SUPPRESS`, or a command's would hide what stands before it.
        """
        self._add_options = add_options or set_option()
        parser.set_defaults(set=[])
        self._add_options(parser)
        self._commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(self, name: str, work: Work, text: str, *aliases: str, epilog: str = "") -> argparse.ArgumentParser:
        """Add a command.

        text: what it does. aliases: earlier names, which go on working. epilog: what its help ends with.
        """
        command: argparse.ArgumentParser = self._commands.add_parser(
            name,
            aliases=aliases,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter if epilog else argparse.HelpFormatter,
        )
        command.set_defaults(work=work)
        self._add_options(command)
        return command
