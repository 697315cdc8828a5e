"""Which cell of a table row a question asks for: by the column's words, or by the kind of value that is asked for."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from itertools import chain

from rag.answering.tables.column_words import is_of_other_kind, other_words, same_kind
from rag.answering.wording.answer_type import expected_type
from rag.core.terms import IDENTIFIER, WORD, Term, find_terms, stem
from rag.documents.formats.tables.cell_kinds import Kind, cell_kind
from rag.retrieval.table_rows import Mention, Question, RowCell, Table, is_function_word, is_name, stems

SAME_MEANING = 0.6  # of a word that means the same in a table: "Weight" for "how heavy"
SAME_STEM = 0.9  # of a word that is the same but for its ending: "Read on" and "Reader" for "read"
_PERSON = re.compile(r"\b(?:who|whom|whose)\b", re.I)
_OF_NAME = re.compile(
    r"\W*(?:(?:in|on|at|to|from|by|for) )?(?:who|whom|whose|which|what (?!is|was|are|were|does|did|do|has)\w+)\b", re.I
)
_FIRST_NOUN = re.compile(
    r"\W*(?:(?:in|on|at|to|from|by|for) )?(?:which|what|whose)(?:['’]s| is| was| are| were)?"
    r"(?: (?:[\w-]+ ){0,3}[\w-]+['’]s?)?(?: the)? (\w+(?: \w+)?)",
    re.I,
)
_PLACE = re.compile(r"\bwhere\b", re.I)
_NUMBER = re.compile(r"\bhow (?:many|much|heavy|old|tall|high|wide|deep|large|big|far|long)\b", re.I)
_FIGURE = re.compile(
    r"\b(?:what|which)(?:['’]s| is| was)?(?: \S+['’]s?)?(?: the)?(?: \w+){0,2}"
    r" (?:number|extension|(?:tele)?phone|fax|postcode|price|cost|fee|amount|date)\b",
    re.I,
)
_DECIMAL = re.compile(r"\d+\.\d+")  # "7.30" is a time or a price
_NO_AMOUNT = (Kind.DATE, Kind.TIME)
_NO_PLACE = (Kind.DATE, Kind.TIME, Kind.NUMBER, Kind.FLAG)
_NO_VALUE = (Kind.CODE, Kind.LINK)


class By(Enum):
    """How the asked cell was found.

    WORDS: the question has words of its column, more than of any other. MEANING: it has one that means the same. KIND:
    it alone can be what is asked for. ONLY: it is the only one beside those that name the row. NAME: "who" asks for the
    row's name.
    """

    WORDS = "words"
    MEANING = "meaning"
    KIND = "kind"
    ONLY = "only"
    NAME = "name"


@dataclass(frozen=True)
class AskedCell:
    """The asked cell, how it was found, and the share of its column's words that the question has."""

    cell: RowCell
    by: By
    share: float = 0.0

    @property
    def has_column(self) -> bool:
        """Whether words of the question told the column."""
        return self.by in (By.WORDS, By.MEANING)


def asked_cell(question: Question, table: Table, mention: Mention) -> AskedCell | None:
    """Return the cell of the named row that the question asks for, None if nothing tells."""
    others = [cell for cell in mention.row.cells if cell not in mention.keys]
    cells = [cell for cell in others if _fits(question.text, cell)]
    asked = _AskedWords.of(question, mention.touched | _spent_terms(question, mention))
    names = [cell for cell in cells if is_name(cell)]
    if named := [cell for cell in names if _asks_for_noun(question.text, cell.cell.column)]:
        return AskedCell(named[0], By.WORDS, 1.0)
    scored = [(_column_score(asked, table, cell.cell.column), cell) for cell in cells if cell not in names]
    best = max((score for score, _ in scored), default=(0.0, 0.0))
    if best[0] > 0:
        likely = [cell for score, cell in scored if score == best]
        by = By.WORDS if best[0] >= SAME_STEM else By.MEANING
        return AskedCell(likely[0], by, best[1]) if len(likely) == 1 else None
    is_person = len(names) == 1 and _PERSON.search(question.text) is not None and " " in names[0].text
    if len(cells) == 1 and not (is_person and cells == names):
        return AskedCell(cells[0], By.ONLY if len(others) == 1 else By.KIND)
    return AskedCell(names[0], By.NAME) if len(names) == 1 and _OF_NAME.match(question.text) else None


def _asks_for_noun(question: str, column: str) -> bool:
    """Return whether the question's first noun is the column: "which route" for Route, not "when does the route"."""
    noun = _FIRST_NOUN.match(question)
    return noun is not None and not stems(noun[1]).isdisjoint(stems(column))


def labelled_row(question: Question, table: Table) -> list[Mention]:
    """Return the row of a data sheet of which the label means what the question asks for, [] if there is none."""
    if table.columns:
        return []
    asked = _AskedWords.of(question, ())
    scored = [(_column_score(asked, table, row.name), row) for row in table.rows]
    best = max((score for score, _ in scored), default=(0.0, 0.0))
    likely = [row for score, row in scored if score == best and best[0] > 0]
    return [Mention(likely[0])] if len(likely) == 1 else []


def _spent_terms(question: Question, mention: Mention) -> set[int]:
    """Return the terms that only say what a key is: "invoice" in "invoice R-1003", whichever column is called so.

    They stand beside a key and are its column's, or right before one that is no word.
    """
    columns = {stem(word) for key in mention.keys for term in find_terms(key.cell.column) for word in term.exact}
    terms = question.terms
    beside = {n + step for n in mention.touched for step in (-1, 1)} - mention.touched
    of_column = {n for n in beside if 0 <= n < len(terms) and {stem(w) for w in terms[n].exact} & columns}
    keys = [n for n in mention.touched if n and terms[n].kind == IDENTIFIER]
    before = {n - 1 for n in keys if not question.text[terms[n - 1].end : terms[n].start].strip()}
    return of_column | before


@dataclass(frozen=True)
class _AskedWords:
    """What a question says beside the row's keys: its words, their stems, and stems of other words for them."""

    words: frozenset[str]
    stems: frozenset[str]
    meant: frozenset[str]

    @classmethod
    def of(cls, question: Question, spent: Collection[int]) -> _AskedWords:
        asked = [term for n, term in enumerate(question.terms) if n not in spent]
        words = frozenset(chain.from_iterable(term.exact for term in asked))
        found = frozenset(stem(word) for term in asked if term.kind == WORD for word in term.exact)
        return cls(words, found, other_words(question.text, found))


def _column_score(asked: _AskedWords, table: Table, column: str) -> tuple[float, float]:
    """Return how many of the column's words are asked for, and which share of them."""
    hits = [_hit(asked, term) for term in find_terms(column) if not is_function_word(term)]
    usual = SAME_STEM * (not asked.stems.isdisjoint(table.usual.get(column, ())))
    return max((sum(hits), sum(hits) / max(1, len(hits))), (usual, usual))


def _hit(asked: _AskedWords, term: Term) -> float:
    """Return how surely the question has a word of a column, 0.0 to 1.0."""
    if not (term.exact | term.implied).isdisjoint(asked.words):
        return 1.0
    if term.kind != WORD:
        return 0.0
    if any(stem(word) in asked.stems and word.removesuffix("e") not in asked.words for word in term.exact):
        return SAME_STEM  # "far" is no form of "fare"
    if any(same_kind(word, asked.stems) for word in term.exact):
        return SAME_STEM
    return SAME_MEANING * (not asked.meant.isdisjoint(map(stem, term.exact)))


def _fits(question: str, cell: RowCell) -> bool:
    """Return whether a cell can be what the question's first words ask for."""
    text = cell.text
    if is_of_other_kind(question, cell.cell.column):
        return False
    if _PERSON.search(question):
        return not any(character.isdigit() for character in text)
    kind = cell_kind(text).kind
    if _PLACE.search(question) and kind in _NO_PLACE:
        return False
    wanted = expected_type(question)
    if wanted is None:
        return bool(text) and (any(c.isdigit() for c in text) or not _FIGURE.search(question))
    no_amount = kind in _NO_AMOUNT and not _DECIMAL.fullmatch(text)
    return bool(wanted.search(text)) and kind not in _NO_VALUE and not (_NUMBER.search(question) and no_amount)
