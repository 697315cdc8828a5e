"""Mining, from the index to rows: candidates, questions, filters, round trip, label, and the rows of each part."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

from tqdm import tqdm

from finetune.data.split import DEV, GATE, HELD_OUT, PARTS, TRAIN, UNMINED, Split, document_part
from finetune.mining.candidates import Candidate, choose_candidates
from finetune.mining.labeling import CachedSearcher, Searcher
from finetune.mining.mined_rows import MinedRows
from finetune.mining.multihop_rows import add_multihop_rows
from finetune.mining.question_checks import QuestionChecks
from finetune.mining.question_prompt import write_questions
from finetune.mining.round_trip import RoundTrip
from finetune.mining.row_builder import RowBuilder
from finetune.mining.teacher import Teacher
from finetune.mining.unanswerable_rows import add_unanswerable_rows
from finetune.settings import MineSettings
from rag.core.chunk import Chunk
from rag.core.errors import TrainingError
from rag.core.jsonl import file_digest, write_lines
from rag.core.run_folder import Stage
from rag.generation.generator import Generator
from rag.generation.prompt import fingerprint

SHOWN_ROWS, SHOWN_REJECTS = 20, 5  # printed for people to judge
MIN_TRAIN = 4  # rows, with fewer of which no training makes sense


def mine(
    stage: Stage,
    retriever: Searcher,
    writer: Generator | Teacher,
    round_trip: RoundTrip | None,
    base: str,
    settings: MineSettings,
) -> None:
    """Mine rows from the index and write train.jsonl, dev.jsonl, gate.jsonl, rejects.jsonl and the stage's result.

    retriever: the one that serves. round_trip: None to ask no model about the questions. base: digest of the model that
    is trained. Raises TrainingError where the corpus gives too little.
    """
    start = time.perf_counter()
    every = choose_candidates(retriever.chunks, sys.maxsize, settings.seed)
    candidates, more = every[: settings.candidates], every[settings.candidates :]
    if not candidates:
        raise TrainingError("the index has no document to mine: make index")
    mined = MinedRows(Split.of(retriever.chunks))
    for_gate = [candidate for candidate in more if mined.part_of(candidate.chunk) == GATE]
    searcher = CachedSearcher(retriever, settings.reach)
    reasons = add_rows(mined, candidates, for_gate, searcher, writer, round_trip, settings)
    minutes = (time.perf_counter() - start) / 60
    print(f"{len(mined.rows) / minutes:.0f} rows a minute\n{sample_text(mined, settings.seed)}")
    write_rows(stage, mined)
    stage.finish(
        {
            **mined.counts(),
            "documents": _documents_by_part(retriever.chunks),
            "data": file_digest(stage.folder / f"{TRAIN}.jsonl"),
            **reasons,
            "spans": len(candidates),
            "writer": writer.name,
            "base": base,
            "prompt": fingerprint(writer.tokenizer),
        },
        [f"{part}.jsonl" for part in PARTS],
    )


def add_rows(
    mined: MinedRows,
    candidates: list[Candidate],
    for_gate: list[Candidate],
    searcher: Searcher,
    writer: Generator | Teacher,
    round_trip: RoundTrip | None,
    settings: MineSettings,
) -> dict[str, dict[str, int]]:
    """Add rows about single candidates, then multi-hop ones, then unanswerable ones up to their shares.

    for_gate: further candidates, asked about until GATE has settings.gate rows. Returns why questions of each of the
    three were rejected, and how many.
    """
    rng = random.Random(settings.seed)
    checks = QuestionChecks(searcher, round_trip, settings.left_out_filters)
    builder = RowBuilder(searcher, checks, mined, settings, rng)
    ask_about_candidates(candidates, writer, builder, settings)
    if for_gate and len(mined.of_part(GATE)) < settings.gate:
        cloze_first = choose_cloze_first(for_gate, writer, settings)
        with tqdm(total=len(for_gate), desc="mining, for promotion", unit=" spans") as bar:
            fill_gate(
                mined, for_gate, settings.gate, lambda some: _ask(some, cloze_first, writer, builder, settings, bar)
            )
    rejected, first = mined.reasons(), len(mined.rejects)
    add_multihop_rows(mined, searcher, checks, settings)
    multihop_rejected, second = mined.reasons(first), len(mined.rejects)
    add_unanswerable_rows(mined, searcher, settings, rng)
    return {
        "rejected": rejected,
        "multi-hop rejected": multihop_rejected,
        "swapped rejected": mined.reasons(second),
    }


def ask_about_candidates(
    candidates: list[Candidate], writer: Generator | Teacher, builder: RowBuilder, settings: MineSettings
) -> None:
    """Ask for each candidate until a question becomes a row: by a cloze and by the writer, or the other way round.

    The small writer's questions are good far less often than a cloze, but sound as people's do (measured in
    eval/LOG.md). A teacher always comes first.
    """
    cloze_first = choose_cloze_first(candidates, writer, settings)
    with tqdm(total=len(candidates), desc="mining", unit=" spans") as bar:
        _ask(candidates, cloze_first, writer, builder, settings, bar)


def _ask(
    candidates: list[Candidate],
    cloze_first: set[Candidate],
    writer: Generator | Teacher,
    builder: RowBuilder,
    settings: MineSettings,
    bar: tqdm,
) -> None:
    waiting = []
    for candidate in candidates:
        if candidate in cloze_first and builder.add_cloze(candidate):
            bar.update()
        else:
            waiting.append(candidate)
    for first in range(0, len(waiting), settings.batch):
        batch = waiting[first : first + settings.batch]
        questions = _write_questions(writer, batch, bar)
        for candidate, (asked, written) in zip(batch, questions, strict=True):
            if not builder.add_best(written, asked) and candidate not in cloze_first:
                builder.add_cloze(asked)
        bar.update(len(batch))


def fill_gate(
    mined: MinedRows, candidates: list[Candidate], wanted: int, ask: Callable[[list[Candidate]], None]
) -> None:
    """Ask about candidates of held-out passages until GATE has as many rows as are wanted, or none is left."""
    while candidates and (missing := wanted - len(mined.of_part(GATE))) > 0:
        ask(candidates[:missing])
        candidates = candidates[missing:]


def choose_cloze_first(
    candidates: list[Candidate], writer: Generator | Teacher, settings: MineSettings
) -> set[Candidate]:
    """Draw the candidates for which the cloze question is tried before the writer's; none where a teacher writes."""
    if isinstance(writer, Teacher):
        return set()
    rng = random.Random(settings.seed + 1)  # not the row builder's numbers
    return {candidate for candidate in candidates if rng.random() >= settings.written}


def _write_questions(
    writer: Generator | Teacher, candidates: list[Candidate], bar: tqdm
) -> list[tuple[Candidate, list[str]]]:
    """Return each candidate with its questions; a teacher may have trimmed its span. Its usage is shown on the bar."""
    if isinstance(writer, Teacher):
        written = [(candidate, [question]) for candidate, question in writer.write(candidates)]
        bar.set_postfix_str(writer.endpoint.usage(), refresh=False)
        return written
    return list(zip(candidates, write_questions(writer, candidates), strict=True))


def write_rows(stage: Stage, mined: MinedRows) -> None:
    """Write a file of rows for each part, and the rejects. Raises TrainingError where a part has too few rows."""
    rows = {part: mined.of_part(part) for part in PARTS}
    if len(rows[TRAIN]) < MIN_TRAIN or not rows[DEV] or not rows[GATE]:
        raise TrainingError(
            f"only {len(rows[TRAIN])} rows to train on, {len(rows[DEV])} to choose by and {len(rows[GATE])} for "
            "promotion: index more documents"
        )
    for part, of_part in rows.items():
        write_lines(stage.folder / f"{part}.jsonl", of_part)
    write_lines(stage.folder / "rejects.jsonl", mined.rejects)


def sample_text(mined: MinedRows, seed: int) -> str:
    """Return some rows and rejects, drawn at random, for people to judge."""
    rng, rows = random.Random(seed), [row for part in PARTS for row in mined.of_part(part)]
    lines = ["some of them:"]
    for row in rng.sample(rows, min(SHOWN_ROWS, len(rows))):
        lines.append(f"  {row.question} | {row.answer if row.cited else f'refusal ({row.kind})'}")
    lines.append("and of the rejects:")
    for reject in rng.sample(mined.rejects, min(SHOWN_REJECTS, len(mined.rejects))):
        lines.append(f"  {reject.question} | {reject.answer}: {reject.reason}")
    return "\n".join(lines)


def _documents_by_part(chunks: list[Chunk]) -> dict[str, list[str]]:
    """Return the documents by what they are used for; those whose passages are dealt into dev and gate under "dev"."""
    documents = sorted({chunk.document for chunk in chunks})
    names = {TRAIN: TRAIN, DEV: HELD_OUT, UNMINED: UNMINED}
    return {name: [d for d in documents if document_part(d) == part] for name, part in names.items()}
