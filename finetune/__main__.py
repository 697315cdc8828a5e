"""The entry point of `python -m finetune`."""

from __future__ import annotations

import sys

from finetune.cli.parser import parser
from finetune.settings import SECTIONS
from rag.cli.shell import exit_status, load_settings

if __name__ == "__main__":
    args = parser().parse_args()
    sys.exit(exit_status(lambda: args.work(args, load_settings(args.set, SECTIONS))))
