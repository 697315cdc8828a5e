"""Rows with questions that nothing answers, made by swaps from answerable ones, up to their share of each part."""

from __future__ import annotations

import random

from finetune.data.rows import MULTIHOP, SWAPPED, TrainingRow
from finetune.data.split import UNMINED
from finetune.mining.filters import query_terms
from finetune.mining.labeling import Searcher
from finetune.mining.mined_rows import MinedRow, MinedRows, Reject
from finetune.mining.query_styles import apply_style, pick_style
from finetune.mining.unanswerable import SwappedQuestion, Terms, stands_in, swap_terms
from finetune.settings import RowSettings


def add_unanswerable_rows(mined: MinedRows, searcher: Searcher, settings: RowSettings, rng: random.Random) -> None:
    """Swap terms of kept questions until refusals have their share of all rows, or all questions have been tried."""
    terms = Terms([chunk for chunk in searcher.chunks if mined.part_of(chunk) != UNMINED])
    sources = [source for source in mined.rows if source.row.kind != MULTIHOP]
    for source in rng.sample(sources, len(sources)):
        rows = mined.of_part(source.part)
        refusals = sum(not row.cited for row in rows)
        if source.row.cited and refusals < settings.unanswerable * len(rows):
            _add_swapped(source, mined, searcher, terms, settings.query_styles, rng)


def _add_swapped(
    source: MinedRow, mined: MinedRows, searcher: Searcher, terms: Terms, styles: float, rng: random.Random
) -> None:
    """Add a row for the first swap that passes, if any does."""
    for swap in swap_terms(source.question, source.row.passages[source.row.cited - 1], terms, rng):
        styled, style = apply_style(swap.question, pick_style(rng, styles), rng)
        row = unanswerable_row(styled, swap, source.row, searcher)
        if not isinstance(row, str) and query_terms(swap.question) in mined.known:
            row = "duplicate"
        if not isinstance(row, str):
            mined.add(row, source.part, swap.question, style)
            return
        document, reason = source.row.document, f"{SWAPPED}: {row}"
        mined.rejects.append(Reject(swap.question, swap.term, source.question, document, reason))


def unanswerable_row(styled: str, swap: SwappedQuestion, source: TrainingRow, searcher: Searcher) -> TrainingRow | str:
    """Return the row for a swapped question, whose label is the refusal, or the reason why there is none.

    The source's passage must still be found, since only then the question is hard. styled: the question in its style.
    """
    context = tuple(passage.chunk for passage in searcher.search(styled))
    if (source.document, source.gold) not in [(chunk.document, (chunk.start, chunk.end)) for chunk in context]:
        return "does not find the passage that it was made from"
    if stands_in(swap.term, list(context)):
        return "a passage shown has the new term"
    id = f"{source.document}:{source.gold[0]}:{styled}"
    return TrainingRow(id, styled, source.answer, SWAPPED, source.document, source.gold, context, 0)
