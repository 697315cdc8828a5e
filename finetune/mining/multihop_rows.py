"""Rows with multi-hop questions, up to their share of each part."""

from __future__ import annotations

import random
from collections import Counter

from tqdm import tqdm

from finetune.data.rows import MULTIHOP, TrainingRow
from finetune.data.split import PARTS
from finetune.mining import filters
from finetune.mining.labeling import Searcher, row_id
from finetune.mining.mined_rows import MinedRows, Reject
from finetune.mining.multihop import Description, MultihopQuestion, multihop_questions, one_is_enough
from finetune.mining.query_styles import FULL
from finetune.mining.question_checks import QuestionChecks
from finetune.settings import RowSettings

MAX_USES = 2  # of one description


def add_multihop_rows(mined: MinedRows, searcher: Searcher, checks: QuestionChecks, settings: RowSettings) -> None:
    """Add rows over two passages of the same part until they have their share, or all questions have been tried."""
    uses: Counter[Description] = Counter()
    questions = list(multihop_questions(searcher.chunks, random.Random(settings.seed)))
    for made in tqdm(questions, desc="multi-hop", unit=" questions"):
        part = mined.part_of(made.candidate.chunk)
        crosses_parts = part not in PARTS or part != mined.part_of(made.description.chunk)
        if crosses_parts or uses[made.description] == MAX_USES or _has_share(mined.of_part(part), settings.multihop):
            continue
        row = _build_row(made, mined, searcher, checks)
        if isinstance(row, str):
            answer, document = made.candidate.span, made.candidate.chunk.document
            mined.rejects.append(Reject(made.question, answer, made.plain, document, f"{MULTIHOP}: {row}"))
        else:
            mined.add(row, part, row.question, FULL)
            uses[made.description] += 1


def _has_share(rows: list[TrainingRow], share: float) -> bool:
    return sum(row.kind == MULTIHOP for row in rows) >= share * len(rows)


def _build_row(
    made: MultihopQuestion, mined: MinedRows, searcher: Searcher, checks: QuestionChecks
) -> TrainingRow | str:
    known = () if filters.near_duplicate.__name__ in checks.without else mined.known
    if reason := filters.near_duplicate(made.question, known):
        return reason
    # The plain question is no duplicate of itself: it may have been mined, and asks for the same in another way.
    return checks.check(made.plain, made.candidate, (), by_model=False).reason or multihop_row(made, searcher)


def multihop_row(made: MultihopQuestion, searcher: Searcher) -> TrainingRow | str:
    """Return the row, or the reason why there is none: both passages must be needed, and be among those shown."""
    home, other = made.candidate.chunk, made.description.chunk
    if reason := one_is_enough(made):
        return reason
    context = tuple(passage.chunk for passage in searcher.search(made.question))
    if home not in context or other not in context:
        return "does not find both of its passages"
    return TrainingRow(
        row_id(home, made.question),
        made.question,
        made.candidate.span,
        MULTIHOP,
        home.document,
        (home.start, home.end),
        context,
        context.index(home) + 1,
        (context.index(other) + 1,),
    )
