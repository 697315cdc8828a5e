"""The tools for agents in a process of its own, without models, as `rag mcp` serves them: python tools_process.py."""

from pathlib import Path
from unittest import mock

from serving import settings_of, without_models


def main() -> None:
    from rag.server.tools import serve_stdio

    without_models(lambda name, value: mock.patch(name, value).start())
    serve_stdio(settings_of(), Path("index"))


if __name__ == "__main__":
    main()
