"""Source code: the language tells the splitter where to cut, and Python's own parser names classes and functions."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from itertools import accumulate

from rag.core.sections import DocumentSettings
from rag.documents.formats.encoding import decode
from rag.documents.formats.sections import Mark, Parsed, Section, sections_between

SYNTAX = {
    ".py": "python", ".js": "js", ".mjs": "js", ".jsx": "js", ".ts": "ts", ".tsx": "ts", ".java": "java", ".kt": "kotlin", ".scala": "scala", ".go": "go",
    ".rs": "rust", ".c": "c", ".h": "c", ".cpp": "cpp", ".cc": "cpp", ".hpp": "cpp", ".cs": "csharp", ".swift": "swift", ".rb": "ruby", ".php": "php",
    ".lua": "lua", ".hs": "haskell", ".ex": "elixir", ".exs": "elixir", ".r": "r", ".ps1": "powershell", ".sol": "sol", ".proto": "proto", ".cob": "cobol",
    ".tex": "latex",
}  # fmt: skip
SCOPES = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def parse_code(data: bytes, settings: DocumentSettings, syntax: str) -> Parsed:
    """-> the file's own text; Python's classes, methods and functions are headings (`class A`, `def b`)."""
    text = decode(data)
    if syntax == "python":
        return text, python_sections(text)
    return text, [Section(0, len(text), syntax=syntax)]


def python_sections(text: str) -> list[Section]:
    """-> one section a class, method or function; the whole when this Python can't parse it (another version's, or broken)."""
    try:
        with warnings.catch_warnings(action="ignore"):  # invalid escapes in other people's code
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [Section(0, len(text), syntax="python")]
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    found = sections_between(text, _merged([mark for mark in _marks(tree, starts, 1) if mark[0] < len(text)]))
    return [Section(s.start, s.end, tuple(filter(None, s.headings)), syntax="python") for s in found]


def _marks(node: ast.AST, starts: list[int], level: int) -> Iterator[Mark]:
    """-> where each class and function starts, decorators included, and, nameless, where the code around it goes on."""
    for child in getattr(node, "body", []):
        if not isinstance(child, SCOPES):
            continue
        line = min([child.lineno, *(d.lineno for d in child.decorator_list)])
        yield starts[line - 1], level, f"{'class' if isinstance(child, ast.ClassDef) else 'def'} {child.name}"
        if isinstance(child, ast.ClassDef):
            yield from _marks(child, starts, level + 1)
        yield starts[min(child.end_lineno or line, len(starts) - 1)], level, ""


def _merged(marks: list[Mark]) -> list[Mark]:
    """Of marks at one place the last opens the section; the outer one's end is also the inner one's."""
    return [mark for n, mark in enumerate(marks) if n + 1 == len(marks) or mark[0] != marks[n + 1][0]]
