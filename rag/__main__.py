"""python -m rag: the same as the command `rag`."""

from rag.cli.main import entry

if __name__ == "__main__":
    entry()
