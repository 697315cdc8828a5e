"""python -m rag"""

from rag.cli import entry

entry()
