"""What users of the server say of answers becomes rows and preference pairs, which wait for a review."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from finetune.data.feedback import PAIRS, STAGE
from finetune.data.rows import ANSWERABLE, UNANSWERABLE, PreferencePair, TrainingRow
from finetune.data.split import TRAIN, Split
from finetune.human.find_answer import find_answer
from finetune.mining.labeling import row_id
from rag.core.chunk import Chunk
from rag.core.jsonl import write_lines
from rag.core.run_folder import Stage, people_lock, run_folder
from rag.core.settings import Settings
from rag.core.text_metrics import normalize
from rag.factory import open_store
from rag.generation.prompt import REFUSAL, answer_text
from rag.index.store import DocumentStore
from rag.server.state.feedback import Feedback, read_feedback
from rag.server.state.feedback_rows import note_index

NOT_LITERAL = "no passage shown has the correction word for word"
NOT_A_SPAN = "its answer is put together, not the words of a passage"
UNSURE = "no answer was given that could be right"
ONLY_WRONG = "says that the answer is wrong, not what is right"
CHANGED = "a passage shown has changed or is gone"
HELD_OUT = "its passage is kept out of training, for testing"
ASKED_AGAIN = "said otherwise later"
SAID = "said: people say otherwise"  # the reason of a pair


@dataclass
class TakenFeedback:
    """What became of feedback: rows, preference pairs, and the reasons for those that gave none with their counts."""

    rows: list[TrainingRow] = field(default_factory=list)
    pairs: list[PreferencePair] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        reasons = "; ".join(f"{count} × {reason}" for reason, count in self.rejected.most_common())
        counts = f"{len(self.rows)} rows and {len(self.pairs)} preference pairs to be reviewed"
        return f"feedback: {counts}{f', left out: {reasons}' if reasons else ''}"


def take_feedback(run: str, settings: Settings, index: Path) -> TakenFeedback:
    """Make rows of the feedback of an index, in place of those that were made before, and return them.

    They go into the stage "feedback" of the run: train.jsonl and pairs.jsonl. Training takes those that a person has
    kept or mended since; nothing of held-out passages is among them.
    """
    folder = run_folder(run)
    if not (Stage(run, STAGE).folder.exists() or read_feedback(index)):
        return TakenFeedback()
    folder.mkdir(parents=True, exist_ok=True)
    with people_lock(folder):  # a document that leaves meanwhile waits, and then takes its rows with it
        note_index(folder, index)
        return _take_all(Stage(run, STAGE), settings, index)


def _take_all(stage: Stage, settings: Settings, index: Path) -> TakenFeedback:
    run, said = stage.run, read_feedback(index)
    if not said:
        stage.clear()
        return TakenFeedback()
    store = open_store(settings, index)
    try:
        taken = rows_of_feedback(said, store, Split.of_run(run, _chunks_to_split(run, store)))
    finally:
        store.close()
    write_lines(stage.folder / f"{TRAIN}.jsonl", taken.rows)
    write_lines(stage.folder / PAIRS, taken.pairs)
    stage.finish({"kept": len(taken.rows), "pairs": len(taken.pairs), "rejected": dict(taken.rejected)})
    return taken


def _chunks_to_split(run: str, store: DocumentStore) -> list[Chunk]:
    return [] if Stage(run, "mine").finished else store.all_chunks()


def rows_of_feedback(said: Sequence[Feedback], store: DocumentStore, split: Split) -> TakenFeedback:
    """Return the rows and pairs that feedback proposes; what was said last of a question counts."""
    last, taken = {normalize(given.question): given for given in said}, TakenFeedback()
    taken.rejected.update([ASKED_AGAIN] * (len(said) - len(last)))
    for given in last.values():
        _take(taken, given, _passages(given, store), split)
    return taken


def _passages(given: Feedback, store: DocumentStore) -> tuple[Chunk, ...] | None:
    """Return the passages that were shown, None where the index does not have one of them as it was."""
    documents = {shown["document"] for shown in given.passages}
    chunks = {(c.document, c.start, c.text): c for document in documents for c in store.chunks_of(document)}
    found = [chunks.get((shown["document"], shown["start"], shown["text"])) for shown in given.passages]
    return tuple(chunk for chunk in found if chunk) if found and all(found) else None


def _take(taken: TakenFeedback, given: Feedback, passages: tuple[Chunk, ...] | None, split: Split) -> None:
    row = proposed_row(given, passages) if passages else CHANGED
    if isinstance(row, TrainingRow) and split.part_of(row.document, row.gold[0]) != TRAIN:
        row = HELD_OUT
    if isinstance(row, str):
        taken.rejected[row] += 1
        return
    taken.rows.append(row)
    output = said_output(given, row.passages)
    if given.thumb == "down" and output and output != row.target:
        taken.pairs.append(PreferencePair(row, row.target, output, SAID))


def proposed_row(given: Feedback, passages: tuple[Chunk, ...]) -> TrainingRow | str:
    """Return the row that feedback proposes, or the reason why there is none.

    A correction is the answer where its words stand in a passage shown. A thumb up confirms the answer, or the refusal.
    Where nothing answers the question, the refusal is right.
    """
    cited = _cited(given, passages)
    if given.correction:
        others = [chunk for chunk in passages if chunk not in cited]
        return _answered(given, passages, *find_answer([given.correction], [*cited, *others])) or NOT_LITERAL
    if given.unanswerable or (given.thumb == "up" and given.kind == "refusal"):
        return _row(given, passages, passages[0])
    if given.thumb != "up":
        return ONLY_WRONG
    if given.refused:  # and perhaps a sentence was shown that may hold an answer: which one, nobody has said
        return UNSURE
    return _answered(given, passages, *find_answer([given.text], cited)) or NOT_A_SPAN


def said_output(given: Feedback, passages: Sequence[Chunk]) -> str | None:
    """Return what was said as the generator writes it, None for an answer that it would not write."""
    if given.refused:
        return REFUSAL
    chunk, span = find_answer([given.text], _cited(given, passages))
    return answer_text(span, passages.index(chunk) + 1) if chunk else None


def _cited(given: Feedback, passages: Sequence[Chunk]) -> list[Chunk]:
    numbers = dict.fromkeys(citation["passage"] for citation in given.citations)
    return [passages[number - 1] for number in numbers if 0 < number <= len(passages)]


def _answered(given: Feedback, passages: tuple[Chunk, ...], chunk: Chunk | None, span: str) -> TrainingRow | None:
    if chunk is None:
        return None
    row = _row(given, passages, chunk)
    return replace(row, answer=span, kind=ANSWERABLE, cited=passages.index(chunk) + 1)


def _row(given: Feedback, passages: tuple[Chunk, ...], home: Chunk) -> TrainingRow:
    # A mined row may ask the same of the same passage, and has a verdict of its own.
    id, gold = f"{row_id(home, given.question)}#{STAGE}", (home.start, home.end)
    return TrainingRow(id, given.question, "", UNANSWERABLE, home.document, gold, passages, 0)
