"""python -m rag"""

from rag.cli.main import entry

entry()
