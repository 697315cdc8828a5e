"""Rows of the tables in passages, and which of them a question names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from rag.core.chunk import Chunk
from rag.core.table_cell import TableCell
from rag.core.terms import IDENTIFIER, WORD, Term, find_terms, stem
from rag.core.words import FUNCTION_WORDS, STOPWORDS

LONG = 8  # terms of a cell, from which on a question that shares one word with it does not mean it
USUAL, FEW = 0.8, 3  # share of a column's cells that have a word which stands for the column; different cells at least
_NO_NAMES = STOPWORDS | FUNCTION_WORDS | {"doe", "get", "got", "give", "tell", "me"}


@dataclass(frozen=True)
class RowCell:
    """A cell of a passage. passage: its number, from 1. text: the cell's, on one line."""

    passage: int
    cell: TableCell
    text: str


@dataclass(frozen=True)
class TableRow:
    """A row of a table, with those of its cells that the passages show."""

    document: str
    number: int
    cells: tuple[RowCell, ...]

    @property
    def name(self) -> str:
        return self.cells[0].cell.row_name

    @cached_property
    def forms(self) -> frozenset[str]:
        """Return every form of every term of the row, its name included."""
        return forms(self.name).union(*(forms(cell.text) for cell in self.cells))


@dataclass(frozen=True)
class Table:
    """Rows of one table. context: file, title and headings above it."""

    rows: tuple[TableRow, ...]
    context: str

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cell.cell.column for row in self.rows for cell in row.cells if cell.cell.column))

    @cached_property
    def column_stems(self) -> frozenset[str]:
        """Return the stems of all words that stand for a column."""
        return frozenset[str]().union(*(stems(column) for column in self.columns), *self.usual.values())

    @cached_property
    def usual(self) -> dict[str, frozenset[str]]:
        """Return for each column the stems that most of its cells have: "shelf" of Shelf A3, Shelf C1 and Shelf D7."""
        cells: dict[str, list[frozenset[str]]] = {}
        for cell in (cell for row in self.rows for cell in row.cells):
            cells.setdefault(cell.cell.column, []).append(stems(cell.text))
        return {
            column: frozenset(s for s, n in Counter(chain.from_iterable(found)).items() if n >= USUAL * len(found))
            for column, found in cells.items()
            if len(set(found)) >= FEW
        }


@dataclass(frozen=True)
class Question:
    """A question, with its terms that can name something: all but function words."""

    text: str

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        return tuple(term for term in find_terms(self.text) if not is_function_word(term))

    @cached_property
    def names(self) -> frozenset[int]:
        """Return the positions of terms that are written as names, and of numbers, dates, times and identifiers."""
        first = len(self.text) - len(self.text.lstrip())
        return frozenset(
            n
            for n, term in enumerate(self.terms)
            if term.kind != WORD or self.text[term.start].isupper() and term.start > first
        )


@dataclass(frozen=True)
class Mention:
    """How a question names a row, by the positions of its terms.

    named: terms that make up a whole cell, or the row's name. touched: terms that stand in a cell or the name, these
    included. keys: the cells that have them.
    """

    row: TableRow
    named: frozenset[int] = frozenset()
    touched: frozenset[int] = frozenset()
    keys: tuple[RowCell, ...] = field(default=(), compare=False)

    @property
    def by_name(self) -> bool:
        """Whether all cells that name the row are among the keys."""
        return all(cell in self.keys for cell in self.row.cells if is_name(cell))


def find_tables(chunks: Sequence[Chunk]) -> list[Table]:
    """Return the tables in the chunks, the best chunk's first; a row that two chunks share is one row."""
    found: dict[tuple[str, int], list[RowCell]] = {}
    contexts: dict[tuple[str, int], Chunk] = {}
    for number, chunk in enumerate(chunks, 1):
        for cell in chunk.cells:
            text = " ".join(chunk.text[cell.start : cell.end].split())
            found.setdefault((chunk.document, cell.row), []).append(RowCell(number, cell, text))
            contexts.setdefault((chunk.document, cell.row), chunk)
    tables: dict[tuple[str, tuple[str, ...], int], list[TableRow]] = {}
    part = 0
    last: TableRow | None = None
    for key in sorted(found):
        row = TableRow(*key, tuple(found[key]))
        part += bool(last and last.document == row.document and not _is_same_table(last, row))
        place = (row.document, _headings(contexts[key]), part)
        tables.setdefault(place, []).append(row)
        last = row
    best = {key: min(cell.passage for row in rows for cell in row.cells) for key, rows in tables.items()}
    return [Table(tuple(tables[key]), _context(contexts, tables[key])) for key in sorted(tables, key=best.__getitem__)]


def mentions(question: Question, table: Table) -> list[Mention]:
    """Return how the question names each row of the table.

    Words that stand for a column, or in the headings for the whole table, name no row; those of the headings do if the
    question has no others that do.
    """
    asked = [term.exact for term in question.terms]
    of_columns = frozenset(
        n
        for n, term in enumerate(question.terms)
        if term.kind == WORD and any(stem(word) in table.column_stems for word in term.exact)
    )
    context = forms(table.context)
    of_context = frozenset(n for n, exact in enumerate(asked) if not exact.isdisjoint(context))
    found = [_mention(asked, of_columns | of_context, row) for row in table.rows]
    if of_context and not any(mention.touched for mention in found):
        return [_mention(asked, of_columns, row) for row in table.rows]
    return found


def named_rows(question: Question, found: Iterable[Mention]) -> list[Mention]:
    """Return the rows that hold all by which the question names any of them: one, several alike, or none.

    Where no row holds all of it, those that hold all names and most words, if the question has names.
    """
    found = [mention for mention in found if mention.touched]
    named, touched = (frozenset(chain.from_iterable(getattr(m, part) for m in found)) for part in ("named", "touched"))
    best = [mention for mention in found if mention.named >= named and mention.touched >= touched]
    names = touched & question.names
    if best or not names:
        return best
    with_names = [mention for mention in found if mention.touched >= names]
    most = max((len(mention.touched) for mention in with_names), default=0)
    return [mention for mention in with_names if len(mention.touched) == most]


def unexplained_terms(
    question: Question, table: Table, touched: Collection[int], columns: Iterable[str]
) -> frozenset[int]:
    """Return the positions of the question's terms that neither rows nor columns nor the table's context have.

    touched: positions of those that the rows have.
    """
    texts = (table.context, *columns)
    known = frozenset[str]().union(*map(forms, texts))
    known_stems = frozenset[str]().union(*map(stems, texts))
    return frozenset(
        n
        for n, term in enumerate(question.terms)
        if n not in touched
        and term.exact.isdisjoint(known)
        and not (term.kind == WORD and any(stem(word) in known_stems for word in term.exact))
    )


def is_name(cell: RowCell) -> bool:
    """Return whether the cell is the row's name or a part of it."""
    return f", {cell.text}, " in f", {cell.cell.row_name}, "


def is_function_word(term: Term) -> bool:
    """Return whether a term says nothing of what a question is about."""
    return term.kind == WORD and term.exact <= _NO_NAMES


def stems(text: str) -> frozenset[str]:
    """Return the stems of a text's words that are no function words."""
    return frozenset(stem(word) for term in find_terms(text) if not is_function_word(term) for word in term.exact)


def _mention(asked: list[frozenset[str]], of_all: frozenset[int], row: TableRow) -> Mention:
    named: set[int] = set()
    touched: set[int] = set()
    keys = []
    name = find_terms(row.name)
    cells: list[tuple[RowCell | None, tuple[Term, ...]]] = [(cell, find_terms(cell.text)) for cell in row.cells]
    if not any(cell.text == row.name for cell in row.cells):
        cells.append((None, name))
    for cell, terms in cells:
        terms = tuple(term for term in terms if not is_function_word(term)) or terms
        matched = [{n for n, exact in enumerate(asked) if exact & (term.exact | term.implied)} for term in terms]
        hits = set().union(*matched)
        if not hits - of_all:
            continue
        whole = all(matched)
        if len(terms) <= LONG or any(t.kind == IDENTIFIER for t in terms):
            touched |= hits if whole else hits - of_all
            named |= hits if whole else set()
            if cell:
                keys.append(cell)
    return Mention(row, frozenset(named), frozenset(touched), tuple(keys))


def _is_same_table(a: TableRow, b: TableRow) -> bool:
    first, second = ({cell.cell.column for cell in row.cells} for row in (a, b))
    return len(first & second) * 2 >= min(len(first), len(second))


def _headings(chunk: Chunk) -> tuple[str, ...]:
    """Return the chunk's headings less what it has for a row that it begins within."""
    first, last = chunk.cells[0], len(chunk.headings)
    while last and chunk.headings[last - 1] in (first.row_name, first.column) and first.start == 0:
        last -= 1
    return chunk.headings[:last]


def _context(contexts: dict[tuple[str, int], Chunk], rows: list[TableRow]) -> str:
    chunk = contexts[rows[0].document, rows[0].number]
    return " ".join((chunk.document, chunk.title, *_headings(chunk)))


def forms(text: str) -> frozenset[str]:
    """Return every form of every term of a text."""
    return frozenset(chain.from_iterable((*term.exact, *term.implied) for term in find_terms(text)))
