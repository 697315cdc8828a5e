"""The entry point of `python -m eval`."""

from __future__ import annotations

import sys

from eval.cli.parser import parser
from rag.cli.shell import exit_status, load_settings

if __name__ == "__main__":
    args = parser().parse_args()
    sys.exit(exit_status(lambda: args.work(args, load_settings(args.set))))
