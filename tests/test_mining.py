import random
from collections import Counter
from types import SimpleNamespace

import pytest
from fakes import passage

from finetune.data import Row, read_rows, write_lines
from finetune.mine import MineSettings, choose_candidates, label, part_of
from finetune.preference import fault, near_miss
from finetune.questions import candidate, reject, write_questions
from finetune.spans import find_spans
from finetune.split import DEV, TRAIN, UNMINED, part
from rag.chunking import Chunk
from rag.prompt import REFUSAL
from rag.retrieval import RetrievalSettings


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("It closed on 3 March 2025 at 17:30.", [("date", "3 March 2025"), ("time", "17:30")]),
        ("The fee is £1,250 for 14 days.", [("amount", "£1,250"), ("amount", "14 days")]),
        ("It was built by Tomas Arlen in 1987.", [("date", "1987"), ("name", "Tomas Arlen")]),
        ("Press *Confirm load* to go on.", [("term", "Confirm load")]),
        ("There are four mooring buoys.", [("number", "four mooring buoys")]),
        ("It takes two formal warnings and a letter.", [("number", "two formal warnings")]),
        ("The key is kept in the blue drawer.", [("tail", "the blue drawer")]),
        ("Nothing to see.", []),
    ],
)
def test_find_spans(sentence, found):
    spans = find_spans(sentence)
    assert [(kind, span) for kind, _, span in spans] == found
    assert all(sentence[start : start + len(span)] == span for _, start, span in spans)


SENTENCE = "The crane on the north quay lifts 40 tonnes in calm weather."
CHUNK = passage(SENTENCE, headings=("Crane manual", "Limits")).chunk
SPOT = candidate(0, CHUNK, (0, len(SENTENCE)), SENTENCE.index("40"), "40 tonnes", "amount")


def test_a_candidate_marks_its_span():
    assert SPOT.text == "The crane on the north quay lifts <<40 tonnes>> in calm weather."
    assert SPOT.headings == "Crane manual > Limits"


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("How much does the crane on the north quay lift?", None),
        ("The crane on the north quay lifts a lot.", "not a question of 4 to 30 words"),
        ("Crane quay lifts?", "not a question of 4 to 30 words"),
        ("What " + "north quay crane " * 10 + "lifts?", "not a question of 4 to 30 words"),
        ("What does the passage say the crane lifts?", "points at the text"),
        ("Does the crane on the quay lift 40 Tonnes?", "contains its answer"),
        ("How much can the ferry carry?", "shares fewer than two words with its sentence"),
        ("Which crane manual explains penguins, submarines and volcanoes nicely?", "mostly about something else"),
        ("How much is lifted by the north crane?", "duplicate"),
    ],
)
def test_reject_says_why(question, reason):
    assert reject(question, SPOT, {"how much is lifted by north crane"}) == reason


def test_the_writer_gives_one_line_a_candidate(tiny_generator):
    written = write_questions(tiny_generator, [SPOT, SPOT])
    assert len(written) == 2 and not any("\n" in question for question in written)


QUESTION = "How much does the crane lift?"
OTHERS = [passage(f"Something else, number {name}.", f"{name}.md").chunk for name in ("one", "two", "three", "four")]


def mined(found, leave_out=False, reach=5):
    """-> label() when the retriever ranks the chunks as in `found`; three passages are shown."""
    retriever = SimpleNamespace(search=lambda q, k: [SimpleNamespace(chunk=c) for c in found[:k]], settings=RetrievalSettings(passages=3))
    return label(QUESTION, SPOT, CHUNK, retriever, leave_out, reach)


def test_gold_among_those_shown_is_cited_by_its_number():
    for place in range(3):
        found = OTHERS.copy()
        found.insert(place, CHUNK)
        row, reason = mined(found)
        assert reason is None and row.cited == place + 1 and row.passages[row.cited - 1] == CHUNK
        assert (row.kind, row.target, row.passages) == ("answerable", f"40 tonnes [{place + 1}]", tuple(found[:3]))
        assert (row.document, row.gold, row.question) == (CHUNK.document, (CHUNK.start, CHUNK.end), QUESTION)


def test_gold_left_out_makes_the_label_the_refusal_and_the_next_passage_moves_up():
    row, reason = mined([OTHERS[0], CHUNK, *OTHERS[1:]], leave_out=True)
    assert reason is None and (row.kind, row.cited, row.target) == ("left out", 0, REFUSAL)
    assert row.passages == tuple(OTHERS[:3])


def test_gold_found_but_not_shown_makes_the_label_the_refusal():
    row, _ = mined([*OTHERS[:3], CHUNK])
    assert (row.kind, row.cited, row.target) == ("not retrieved", 0, REFUSAL) and CHUNK not in row.passages


def test_gold_out_of_reach_is_rejected():
    assert mined([*OTHERS, CHUNK], reach=4) == (None, "does not find its passage among 4")


@pytest.mark.parametrize("leave_out", [True, False])
def test_an_answer_that_another_shown_passage_holds_makes_no_refusal(leave_out):
    twin = passage("A second crane also lifts 40 Tonnes!", "twin.md").chunk
    found = [CHUNK, twin, *OTHERS[:2]] if leave_out else [twin, *OTHERS[:2], CHUNK]
    assert mined(found, leave_out) == (None, "answered by another passage as well")


def test_rows_of_one_chunk_and_span_have_ids_of_their_own():
    ids = {label(q, SPOT, CHUNK, SimpleNamespace(search=lambda *a: [SimpleNamespace(chunk=CHUNK)], settings=RetrievalSettings()), False, 5)[0].id
           for q in ("How much is it?", "What does it lift?")}  # fmt: skip
    assert len(ids) == 2


def test_parts_are_stable_and_near_their_shares():
    counts = Counter(part(f"folder/document-{n}.md") for n in range(2000))
    assert abs(counts[UNMINED] - 400) < 60 and abs(counts[DEV] - 200) < 50 and abs(counts[TRAIN] - 1400) < 70
    assert [part(name) for name in ("a.md", "e.md", "o.md", "it/runbook.md")] == ["train", "dev", "unmined", "train"]


def chunks_of(documents, each=3):
    text = "The crane lifts 40 tonnes by 17:30 every day. The fee for that is £15 a night in summer."
    return [Chunk(d, "T", n * 200, n * 200 + len(text), text, (), None) for d in documents for n in range(each)]


def test_candidates_are_dealt_evenly_and_never_from_unmined_documents():
    names = [f"{n}.md" for n in range(12)]
    chunks = chunks_of(names)
    chosen = choose_candidates(chunks, MineSettings(candidates=2 * sum(part(n) != UNMINED for n in names)))
    counts = Counter(chunks[c.chunk].document for c in chosen)
    assert set(counts) == {n for n in names if part(n) != UNMINED} != set(names)
    assert set(counts.values()) == {2}
    assert chosen == choose_candidates(chunks, MineSettings(candidates=len(chosen)))


def test_candidates_end_when_the_corpus_does():
    mined_names = [n for n in (f"{n}.md" for n in range(9)) if part(n) != UNMINED]
    assert len(choose_candidates(chunks_of(mined_names), MineSettings(candidates=1000))) == len(mined_names) * 3 * 2


def test_a_corpus_without_development_documents_takes_some_chunks():
    chunks = chunks_of(["a.md"], 200)
    assert {part_of(c, True) for c in chunks} == {part("a.md")} == {TRAIN}
    assert 5 < sum(part_of(c, False) == DEV for c in chunks) < 50


PASSAGES = tuple(passage(text, f"{n}.md").chunk for n, text in enumerate((
    "It closed on 30 June 2025. In June 2025 the port was quiet.", "The crane lifts 40 tonnes.", "The office opens at 08:30 on Mondays.")))  # fmt: skip


def row(answer="30 June 2025", cited=1):
    return Row("id", QUESTION, answer, "answerable" if cited else "left out", "0.md", (0, 9), PASSAGES, cited)


@pytest.mark.parametrize(
    ("output", "cited", "found"),
    [
        ("30 June 2025 [1]", 1, None),
        ("on 30 June 2025 [1]", 1, None),
        ("30 June 2025 [2]", 1, "wrong citation"),
        ("30 June 2025 [1] [2]", 1, "wrong citation"),
        ("30 June 2025", 1, "no citation"),
        ("40 tonnes [1]", 1, "wrong span"),
        ("", 1, "wrong span"),
        (REFUSAL, 1, "refuses when it should answer"),
        (REFUSAL, 0, None),
        ("30 June 2025 [1]", 0, "answers when it should refuse"),
    ],
)
def test_fault(output, cited, found):
    assert fault(output, row(cited=cited)) == found


@pytest.mark.parametrize("given", [row(), row(cited=0), row("40 tonnes", 2), row("08:30", 3), row("June 2025", 1)], ids=lambda r: r.target)
def test_a_near_miss_fails_the_check_that_it_names_and_the_target_none(given):
    ways = Counter()
    for seed in range(60):
        output, way = near_miss(given, random.Random(seed))
        assert fault(output, given) == way, output
        ways[way] += 1
    assert set(ways) == ({"refuses when it should answer", "wrong citation", "wrong span"} if given.cited else {"answers when it should refuse"})
    assert fault(given.target, given) is None


def test_rows_are_read_as_they_were_written(tmp_path):
    odd = Row("é", "What\u2028about\x85this?", "it", "answerable", "0.md", (0, 9), PASSAGES, 1)
    write_lines(tmp_path / "rows.jsonl", [row(), odd])
    assert read_rows(tmp_path / "rows.jsonl") == [row(), odd]
    assert [p.name for p in tmp_path.iterdir()] == ["rows.jsonl"]
