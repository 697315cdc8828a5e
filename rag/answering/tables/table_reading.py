"""What one table says to a question: which row it names, which cell of it is asked for, and what the table lacks."""

from __future__ import annotations

import re
from functools import cached_property

from rag.answering.tables.asked_column import AskedCell, asked_cell, labelled_row
from rag.core.terms import WORD, stem
from rag.retrieval.table_rows import (
    Question,
    RowCell,
    Table,
    TableRow,
    mentions,
    named_rows,
    stems,
    unexplained_terms,
)

# Words that ask for more than one cell, where they are not a column's own.
_OF_SEVERAL = re.compile(
    r"\b(?:most|least|fewest|more|less|fewer|than|total|sum|average|mean|together|altogether|overall|each|all|both"
    r"|every(?! (?:\d|other|second|third|few|hour|day|week|fortnight|month|quarter|year))"
    r"|difference|compared?|changed?|increased?|decreased?|preced\w+|follow(?:s|ed|ing)|\w{2,}est)\b",
    re.I,
)
_NOT = re.compile(r"\b(?:not|never|neither|nor|except|without|other than)\b|n['’]t\b", re.I)
_AND = re.compile(r"\b(?:and|as well as)\b|[,/&]", re.I)
_LAST_THING = re.compile(r"\b(?:the|an?|this|that|our|your|my)\s+([\w-]+)\W*$", re.I)
_NO_SUPERLATIVES = frozenset(
    """arrest budapest chest conquest contest digest everest forest guest harvest honest interest invest modest
    northwest protest quest request southwest suggest""".split()
)


class TableReading:
    """What one table says to a question.

    named: the rows that it names, alike if several. asked: the cell that it asks for, None where nothing tells the
    column, or rows that are named alike differ in it.
    """

    def __init__(self, question: Question, table: Table):
        self.question, self.table = question, table
        self._found = mentions(question, table)
        self.named = named_rows(question, self._found) or labelled_row(question, table)
        asked = [asked_cell(question, table, mention) for mention in self.named]
        alike = len({cell.cell.text if cell else None for cell in asked}) == 1
        self.asked: AskedCell | None = asked[0] if alike else None

    @property
    def _named(self) -> frozenset[int]:
        """Return the positions of the terms that make up whole cells of the named rows."""
        return frozenset[int]().union(*(mention.named for mention in self.named))

    @property
    def keys(self) -> tuple[RowCell, ...]:
        """Return the cells by which the question names rows."""
        return tuple(key for mention in self.named for key in mention.keys)

    @property
    def open_rows(self) -> list[TableRow]:
        """Return the rows that may answer."""
        return [mention.row for mention in self.named] or list(self.table.rows)

    @cached_property
    def touched(self) -> frozenset[int]:
        """Return the positions of the question's terms that the named rows have; of any row where none is named."""
        return frozenset[int]().union(*(mention.touched for mention in self.named or self._found))

    @cached_property
    def unexplained(self) -> frozenset[int]:
        """Return those that neither rows nor columns nor the table's context have."""
        return unexplained_terms(self.question, self.table, self.touched, self._columns)

    @property
    def has_missed(self) -> bool:
        """Whether other rows have terms of the question that the named one has not."""
        return any(mention.touched - self.touched for mention in self._found)

    @cached_property
    def _columns(self) -> set[str]:
        """Return the columns that the question's words may mean: of the keys and the asked cell, else all."""
        if self.asked and self.asked.has_column:
            return {cell.cell.column for cell in (*self.keys, self.asked.cell)}
        return set(self.table.columns)

    @cached_property
    def is_closed(self) -> bool:
        """Whether no row may answer, since the question names what none of them has."""
        unknown = self.unexplained & self.question.names
        if not self.named:
            return bool(unknown or self.touched & self.question.names)
        if not self.table.columns:  # a sheet about one thing, which its headings name
            return bool(unknown) or self._ends_in_other_thing
        by_name = any(mention.by_name for mention in self.named)
        if any(self.question.terms[n].kind != WORD or not by_name for n in unknown):
            return True
        return any(self._continues_name(n) for n in self.unexplained)

    @property
    def _ends_in_other_thing(self) -> bool:
        """Whether the question ends in a thing that the sheet does not know, as "the warranty on the toaster"."""
        last = _LAST_THING.search(self.question.text)
        return last is not None and any(self.question.terms[n].start == last.start(1) for n in self.unexplained)

    def _continues_name(self, n: int) -> bool:
        """Return whether the term goes on with a name of which the row has only a part: "Cleo Marsh", "oil pump"."""
        terms, names = self.question.terms, self.question.names
        parts = self.touched & names if n in names else self.touched - names - self._named
        pairs = [(m, n) if m < n else (n, m) for m in (n - 1, n + 1) if m in parts]
        return any(not self.question.text[terms[a].end : terms[b].start].strip(" -") for a, b in pairs)

    @cached_property
    def of_several(self) -> bool:
        """Whether the question asks for more than one cell: for all, the largest, two, those that are not so."""
        if self._is_negated or self._asks_for_two:
            return True
        known = frozenset[str]().union(*map(stems, self._columns), *(stems(key.text) for key in self.keys))
        words = {match[0].lower() for match in _OF_SEVERAL.finditer(self.question.text)} - _NO_SUPERLATIVES
        return any(stem(word) not in known for word in words)

    @property
    def _is_negated(self) -> bool:
        said = " ".join((*self._columns, *(key.text for key in self.keys)))
        return _NOT.search(self.question.text) is not None and not _NOT.search(said)

    @property
    def _asks_for_two(self) -> bool:
        """Whether "and" is in a question that has all words of two columns, or of one beside the asked cell's."""
        if not _AND.search(self.question.text):
            return False
        own = {cell.cell.column for cell in (*self.keys, *([self.asked.cell] if self.asked else []))}
        spent, said = frozenset[str]().union(*map(stems, own)), stems(self.question.text)
        others = {stems(column) - spent for column in self.table.columns if stems(column) <= said and column not in own}
        return len(others - {frozenset()}) > (self.asked is None)

    @property
    def rank(self) -> tuple[int, int]:
        """Return how well the question names a row of the table, larger is better."""
        unknown = len(self.unexplained & self.question.names)
        return (-unknown, len(self.touched)) if self.named else (-len(self.question.terms) - 1, 0)
