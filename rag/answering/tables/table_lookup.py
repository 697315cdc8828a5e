"""Look-ups: a question that names a row and a column is answered by the cell where they meet, before a model reads.

Where it names a row alone, a model may read that row only; where it names what no row has, none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.answering.evidence.grounding import cite
from rag.answering.spans.selected_span import SelectedSpan
from rag.answering.tables.column_words import is_of_other_kind
from rag.answering.tables.lookup_confidence import lookup_probability, untold_probability
from rag.answering.tables.table_reading import TableReading
from rag.core.chunk import Chunk
from rag.core.table_cell import TableCell
from rag.core.terms import IDENTIFIER, find_terms
from rag.generation.prompt import without_citations
from rag.retrieval.table_rows import Question, RowCell, find_tables, forms

LONGEST = 12  # terms of a cell that is an answer as a whole
SURE = 0.5  # probability from which on a look-up answers
ONE_OF_SEVERAL = 0.15  # share of right answers among cells that a model read where other rows may answer as well
UNKNOWN_KEY = 0.95  # confidence of a refusal because no row has the identifier


class TableLookup:
    """What the tables among passages say to a question. Without cells in the passages it is without effect.

    found: the cell that answers with its probability, None where a model has to read. refuses: whether the question
    names an identifier such as the tables have, which none of the passages has. most_confidence: of a span in an open
    cell.
    """

    def __init__(self, question: str, chunks: Sequence[Chunk]):
        self._question, self._chunks = Question(question), chunks
        every = [TableReading(self._question, table) for table in find_tables(chunks)]
        best = max((reading.rank for reading in every), default=None)
        self._readings = _with_column([r for r in every if r.rank == best and not r.is_closed])
        self._open = {(row.document, row.number) for reading in self._readings for row in reading.open_rows}
        self._keys = {(key.passage, key.cell) for reading in self._readings for key in reading.keys}
        self.found = self._find()
        self.refuses = bool(every) and not self._readings and self._has_unknown_identifier(every)

    def is_open(self, passage: int, cell: TableCell) -> bool:
        """Return whether a cell of a passage, counted from 1, may answer.

        None of a row that the question excludes may, nor one by which it names the row, nor one of another kind.
        """
        in_row = (self._chunks[passage - 1].document, cell.row) in self._open
        is_key = (passage, cell) in self._keys
        return in_row and not is_key and not is_of_other_kind(self._question.text, cell.column)

    @property
    def most_confidence(self) -> float:
        return ONE_OF_SEVERAL if self._may_be_others else 1.0

    def weigh(self, selected: SelectedSpan | None) -> SelectedSpan | None:
        """Return the span that a model selected, less probable where other rows or columns may answer as well.

        Where it is the cell that the look-up would name by its kind alone, it is no surer than the look-up is.
        """
        if selected is None or not (selected.citation.row or selected.citation.column):
            return selected
        by_kind = [
            r for r in self._readings if r.asked and not r.asked.has_column and r.asked.cell.text == selected.text
        ]
        untold = [r for r in self._readings if r.named and r.asked is None]
        most = min((self.most_confidence, *map(lookup_probability, by_kind), *map(untold_probability, untold)))
        in_row = min(selected.sentence_probability, most)
        return replace(selected, probability=min(selected.probability, most), sentence_probability=in_row)

    @property
    def _may_be_others(self) -> bool:
        rows = sum(len(reading.named) for reading in self._readings)
        return rows != 1 or any(reading.of_several for reading in self._readings)

    def _find(self) -> SelectedSpan | None:
        asked = [reading.asked for reading in self._readings]
        if len({cell.cell.text if cell else None for cell in asked}) != 1 or not asked[0]:
            return None
        reading, cell = self._readings[0], asked[0].cell
        if reading.of_several or not _is_whole(cell, reading) or self._is_told_elsewhere(reading):
            return None
        probability = lookup_probability(reading)
        return self._cited(cell, probability) if probability >= SURE else None

    def _cited(self, found: RowCell, probability: float) -> SelectedSpan:
        chunk, cell = self._chunks[found.passage - 1], found.cell
        citation = cite(chunk, found.passage, *chunk.row_span(cell.row), (cell.start, cell.end))
        return SelectedSpan(without_citations(found.text) or found.text, (citation,), probability, kind="lookup")

    def _is_told_elsewhere(self, reading: TableReading) -> bool:
        """Return whether another passage has what the question calls the row, and a word that the table has not."""
        passages = {cell.passage for row in reading.table.rows for cell in row.cells}
        others = [chunk for n, chunk in enumerate(self._chunks, 1) if n not in passages]
        terms = self._question.terms

        def has_any(positions: frozenset[int], words: frozenset[str]) -> bool:
            return any(not terms[n].exact.isdisjoint(words) for n in positions)

        every = (forms(chunk.search_text) for chunk in others)
        return any(has_any(reading.unexplained, words) and has_any(reading.touched, words) for words in every)

    def _has_unknown_identifier(self, readings: list[TableReading]) -> bool:
        words = frozenset[str]().union(*(forms(chunk.search_text) for chunk in self._chunks))
        shapes = {_shape(cell.text) for r in readings for row in r.table.rows for cell in row.cells}
        terms = self._question.terms
        return any(
            terms[n].exact.isdisjoint(words) and _shape(self._question.text[terms[n].start : terms[n].end]) in shapes
            for n in self._question.names
            if terms[n].kind == IDENTIFIER
        )


def _with_column(readings: list[TableReading]) -> list[TableReading]:
    """Return the readings of the tables that have the asked column, if any of several has it; else all."""
    told = [reading for reading in readings if reading.asked and reading.asked.has_column]
    return told or readings


def _is_whole(cell: RowCell, reading: TableReading) -> bool:
    """Return whether the cell can be an answer as it stands: no long text, and no piece of one."""
    pieces = [other for other in reading.named[0].row.cells if other.cell.column == cell.cell.column != ""]
    return len(pieces) <= 1 and len(find_terms(cell.text)) <= LONGEST


def _shape(text: str) -> str:
    """Return which characters are digits and letters: "A-99" for "R-10"."""
    return "".join("9" if c.isdigit() else "A" if c.isalpha() else c for c in text)
