"""Which cell of a table row a question asks for: by the column's words, or by the kind of value that is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from itertools import chain

from rag.answering.answer_type import expected_type
from rag.core.terms import WORD, Term, find_terms, stem
from rag.documents.formats.cell_kinds import Kind, cell_kind
from rag.retrieval.table_rows import Mention, Question, RowCell, Table, is_function_word, is_name

SAME_STEM = 0.9  # of a word that is the same but for its ending: "Read on" and "Reader" for "read"
_PERSON = re.compile(r"\b(?:who|whom|whose)\b", re.I)
_NAME = re.compile(r"^\W*(?:who|whom|whose|which|what)\b", re.I)
_NUMBER = re.compile(r"\bhow (?:many|much|heavy|old|tall|high|wide|deep|large|big|far|long)\b", re.I)
_NO_AMOUNT = (Kind.DATE, Kind.TIME)
_NO_VALUE = (Kind.CODE, Kind.LINK)


class By(Enum):
    """How the asked cell was found.

    WORDS: the question has words of its column, more than of any other. KIND: it alone can be what is asked for. ONLY:
    it is the only one beside those that name the row. NAME: "who" asks for the row's name.
    """

    WORDS = "words"
    KIND = "kind"
    ONLY = "only"
    NAME = "name"


@dataclass(frozen=True)
class AskedCell:
    """The asked cell, how it was found, and the share of its column's words that the question has."""

    cell: RowCell
    by: By
    share: float = 0.0


def asked_cell(question: Question, table: Table, mention: Mention) -> AskedCell | None:
    """Return the cell of the named row that the question asks for, None if nothing tells."""
    others = [cell for cell in mention.row.cells if cell not in mention.keys]
    cells = [cell for cell in others if _fits(question.text, cell.text)]
    asked = _asked_terms(question, mention)
    scores = {n: _column_score(asked, table, cell.cell.column) for n, cell in enumerate(cells)}
    names = [n for n, cell in enumerate(cells) if is_name(cell)]
    best = max(scores.values(), default=(0.0, 0.0))
    if best[0] > 0:
        likely = [n for n, score in scores.items() if score == best]
        likely = [n for n in likely if n not in names] or likely
        return AskedCell(cells[likely[0]], By.WORDS, best[1]) if len(likely) == 1 else None
    if len(cells) == 1:
        return AskedCell(cells[0], By.ONLY if len(others) == 1 else By.KIND)
    return AskedCell(cells[names[0]], By.NAME) if len(names) == 1 and _NAME.search(question.text) else None


def spent_terms(question: Question, mention: Mention) -> set[int]:
    """Return the terms beside a key that say which column the key stands in: "invoice" in "invoice R-1003"."""
    columns = {stem(word) for key in mention.keys for term in find_terms(key.cell.column) for word in term.exact}
    beside = {n + step for n in mention.touched for step in (-1, 1)} - mention.touched
    return {n for n in beside if 0 <= n < len(question.terms) and {stem(w) for w in question.terms[n].exact} & columns}


def _asked_terms(question: Question, mention: Mention) -> list[Term]:
    spent = mention.touched | spent_terms(question, mention)
    return [term for n, term in enumerate(question.terms) if n not in spent]


def _column_score(asked: list[Term], table: Table, column: str) -> tuple[float, float]:
    """Return how many of the column's words are asked for, and which share of them."""
    words = frozenset(chain.from_iterable(term.exact for term in asked))
    stems = {stem(word) for term in asked if term.kind == WORD for word in term.exact}
    named = [term for term in find_terms(column) if not is_function_word(term)]
    hits = [
        1.0
        if (term.exact | term.implied) & words
        else SAME_STEM * (term.kind == WORD and not stems.isdisjoint(map(stem, term.exact)))
        for term in named
    ]
    usual = SAME_STEM * (not stems.isdisjoint(table.usual.get(column, ())))
    return max((sum(hits), sum(hits) / max(1, len(hits))), (usual, usual))


def _fits(question: str, text: str) -> bool:
    """Return whether a cell's text can be what the question's first words ask for."""
    if _PERSON.search(question):
        return not any(character.isdigit() for character in text)
    wanted = expected_type(question)
    if wanted is None:
        return bool(text)
    kind = cell_kind(text).kind
    return bool(wanted.search(text)) and kind not in _NO_VALUE and not (_NUMBER.search(question) and kind in _NO_AMOUNT)
