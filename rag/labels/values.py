"""What a cell says: a question, one or several right answers, or that the documents do not answer."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from dataclasses import dataclass
from typing import Any

from rag.generation.prompt import REFUSAL
from rag.labels.columns import ANSWER, QUESTION, columns_of, plain_name

# What people and programs write where the documents do not answer.
UNANSWERABLE = frozenset(
    """unanswerable notanswerable notanswered impossible cannotbeanswered cantbeanswered cannotanswer noanswer
    noanswerpresent noanswerfound notinthedocuments notinthedocument notindocument notinthetext""".split()
)
# What spreadsheets and programs write into a cell without a value.
_EMPTY = re.compile(r"[-–—_.?/\s]*|n/a|#?N/A|NaN|nan|null|NULL")
_REFUSAL = plain_name(REFUSAL)
TEXT_KEYS = ("text", "value", "content", "choices", "aliases")  # where objects keep an answer
YES, NO = frozenset({"true", "1", "10", "yes", "y"}), frozenset({"false", "0", "00", "no", "n", ""})
LONGEST_REFUSAL = 60  # characters of a text that may say that nothing answers
DEEPEST = 5  # levels of lists and objects in which an answer is looked for


@dataclass(frozen=True)
class Answers:
    """The right answers of a cell.

    refused: whether it says, by an empty list or a word, that nothing answers. readable: whether it could be read.
    """

    texts: tuple[str, ...] = ()
    refused: bool = False
    readable: bool = True


def read_answers(value: Any) -> Answers:
    """Return the answers that a cell holds: text, a number, a list of these in JSON or Python, or SQuAD's object."""
    texts = _texts(_unpacked(value))
    if texts is None:
        return Answers(readable=False)
    given = tuple(dict.fromkeys(text for text in texts if not _EMPTY.fullmatch(text) and not _refuses(text)))
    return Answers(given, not given and (not texts or any(map(_refuses, texts))))


def _refuses(text: str) -> bool:
    return len(text) <= LONGEST_REFUSAL and (plain_name(text) in UNANSWERABLE or plain_name(text) == _REFUSAL)


def read_question(value: Any) -> str:
    """Return the question that a cell holds, on one line, "" where it holds none."""
    value = _unpacked(value)
    if isinstance(value, list):
        asked = [turn for turn in value if not isinstance(turn, dict) or turn.get("role") == "user"]
        value = asked[0] if len(asked) == 1 else None
    if isinstance(value, dict):
        names = [*columns_of(QUESTION, value), *(key for key in ("content", "text") if key in value)]
        value = value[names[0]] if names else None
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text if re.search(r"\w", text) else ""


def read_flag(value: Any) -> bool | None:
    """Return whether a cell says yes or no, None where it says neither."""
    word = plain_name("" if value is None else str(value))
    return True if word in YES else False if word in NO else None


def read_texts(value: Any) -> list[str]:
    """Return the texts of a cell, such as those of a list of passages."""
    return [text for text in _texts(_unpacked(value)) or [] if text]


def _texts(value: Any, depth: int = 0) -> list[str] | None:
    """Return the texts in a value, "" for each that is missing, None where there is something else in it."""
    if value is None or value != value:  # NaN is not equal to itself
        return [""]
    if isinstance(value, bool) or depth > DEEPEST:
        return None
    if isinstance(value, str | int | float):
        return [str(value).strip()]
    if isinstance(value, dict):
        names = [key for key in TEXT_KEYS if key in value] or columns_of(ANSWER, value)[:1]
        return _all_texts([value[name] for name in names], depth) if names else None
    return _all_texts(list(value), depth) if isinstance(value, list | tuple | set) else None


def _all_texts(values: list[Any], depth: int) -> list[str] | None:
    found: list[str] = []
    for value in values:
        texts = _texts(value, depth + 1)
        if texts is None:
            return None
        found += texts
    return found


def _unpacked(value: Any) -> Any:
    """Return the list or object that is written in a cell, in JSON, Python or NumPy, or the cell as it is."""
    text = value.strip() if isinstance(value, str) else ""
    if text[:1] + text[-1:] not in ("[]", "{}", "()"):
        return value
    try:
        return json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        found = _python_value(text)
        return value if found is None else found


def _python_value(text: str) -> Any:
    """Return the list, tuple, set or dictionary that Python or NumPy would print so, None where it is none."""
    try:
        written = _with_commas(text)
        found = ast.literal_eval(_AsWritten(written).visit(ast.parse(written, mode="eval")))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, tokenize.TokenError):
        return None
    return found if isinstance(found, list | tuple | set | dict) else None


class _AsWritten(ast.NodeTransformer):
    """Keeps numbers as they are written, such as 14.20, and takes lists out of `array([...], dtype=object)`."""

    def __init__(self, source: str) -> None:
        self._source = source

    def visit_Call(self, node: ast.Call) -> ast.AST:
        found: ast.AST = self.visit(node.args[0]) if node.args else node
        return found

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        is_number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
        return self._text_of(node) if is_number else node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        return self._text_of(node) if isinstance(node.operand, ast.Constant) else node

    def _text_of(self, node: ast.expr) -> ast.Constant:
        return ast.Constant(ast.get_source_segment(self._source, node))


def _with_commas(text: str) -> str:
    """Return the text with a comma between strings that NumPy prints side by side, which Python would join."""
    lines, before = text.split("\n"), None
    missing: list[tuple[int, int]] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING and before == tokenize.STRING:
            missing.append(token.start)
        if token.type not in (tokenize.NL, tokenize.NEWLINE):
            before = token.type
    for row, column in reversed(missing):
        line = lines[row - 1]
        lines[row - 1] = f"{line[:column]}, {line[column:]}"
    return "\n".join(lines)
