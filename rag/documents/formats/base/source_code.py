"""Source code: the language tells the splitter where to cut; Python's own parser names classes and functions."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from itertools import accumulate, pairwise

from rag.core.sections import DocumentSettings
from rag.documents.formats.base.encoding import decode
from rag.documents.formats.base.sections import Heading, Parsed, Section, sections_between

# Suffix of a file, and the language as langchain_text_splitters calls it.
SYNTAX = {
    ".py": "python", ".js": "js", ".mjs": "js", ".jsx": "js", ".ts": "ts", ".tsx": "ts", ".java": "java",
    ".kt": "kotlin", ".scala": "scala", ".go": "go", ".rs": "rust", ".c": "c", ".h": "c", ".cpp": "cpp", ".cc": "cpp",
    ".hpp": "cpp", ".cs": "csharp", ".swift": "swift", ".rb": "ruby", ".php": "php", ".lua": "lua", ".hs": "haskell",
    ".ex": "elixir", ".exs": "elixir", ".r": "r", ".ps1": "powershell", ".sol": "sol", ".proto": "proto",
    ".cob": "cobol", ".tex": "latex",
}  # fmt: skip
SCOPES = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def parse_code(data: bytes, settings: DocumentSettings, syntax: str) -> Parsed:
    """Return the file's own text; Python's classes, methods and functions are headings (`class A`, `def b`)."""
    text = decode(data)
    if syntax == "python":
        return Parsed(text, python_sections(text))
    return Parsed(text, [Section(0, len(text), syntax=syntax)])


def python_sections(text: str) -> list[Section]:
    """Return a section for each class, method and function.

    Code that this Python can't parse, being broken or for another version, is one section.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # invalid escapes in other people's code
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [Section(0, len(text), syntax="python")]
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    headings = [heading for heading in _scopes(tree, starts, 1) if heading.start < len(text)]
    found = sections_between(text, _last_of_each_place(headings))
    return [Section(s.start, s.end, tuple(filter(None, s.headings)), syntax="python") for s in found]


def _scopes(node: ast.AST, starts: list[int], level: int) -> Iterator[Heading]:
    """Yield where each class and function starts, with its decorators, and, nameless, where the code around it goes on.

    starts: where each line starts.
    """
    for child in getattr(node, "body", []):
        if not isinstance(child, SCOPES):
            continue
        line = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
        kind = "class" if isinstance(child, ast.ClassDef) else "def"
        yield Heading(starts[line - 1], level, f"{kind} {child.name}")
        if isinstance(child, ast.ClassDef):
            yield from _scopes(child, starts, level + 1)
        yield Heading(starts[min(child.end_lineno or line, len(starts) - 1)], level, "")


def _last_of_each_place(headings: list[Heading]) -> list[Heading]:
    """Keep the last of several headings at one place: where an inner scope ends with an outer one, the outer counts."""
    pairs = pairwise([*headings, None])
    return [heading for heading, after in pairs if heading and (after is None or after.start != heading.start)]
