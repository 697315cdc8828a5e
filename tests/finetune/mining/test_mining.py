import dataclasses
import random
import re
from collections import Counter
from types import SimpleNamespace

import pytest

from fakes import document, passage
from finetune.data.rows import TrainingRow, read_rows
from finetune.data.split import PARTS, UNMINED, document_part
from finetune.generator.preference_pairs import failed_check, near_miss
from finetune.mining.answer_spans import find_answer_spans
from finetune.mining.candidates import Candidate, choose_candidates
from finetune.mining.labeling import label_question
from finetune.mining.mine import mine
from finetune.mining.question_prompt import question_opening, write_questions
from finetune.settings import MineSettings
from rag.core.chunk import Chunk
from rag.core.errors import TrainingError
from rag.core.jsonl import read_lines, write_lines
from rag.core.run_folder import Stage
from rag.core.sections import ChunkSettings, RetrievalSettings
from rag.core.text_metrics import normalize
from rag.documents.chunking import chunk_document
from rag.generation.prompt import REFUSAL
from rag.retrieval.retriever import Retriever


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("It closed on 3 March 2025 at 17:30.", [("date", "3 March 2025"), ("time", "17:30")]),
        ("The fee is £1,250 for 14 days.", [("amount", "£1,250"), ("amount", "14 days")]),
        ("It was built by Tomas Arlen in 1987.", [("date", "1987"), ("name", "Tomas Arlen")]),
        ("Press *Confirm load* to go on.", [("term", "Confirm load")]),
        ("There are four mooring buoys.", [("number", "four mooring buoys")]),
        ("It takes two formal warnings and a letter.", [("number", "two formal warnings")]),
        ("The five binders remain.", [("number", "five binders")]),
        ("We had seven fish there.", [("number", "seven fish")]),
        ("The key is kept in the blue drawer.", [("tail", "the blue drawer")]),
        ("It lifts 1.60 m, or 1,200 by 800 mm.", [("amount", "1.60 m"), ("amount", "800 mm")]),
        (
            "Ticket: Motorcycle; Single: £9.90; Day: Mon-Fri",
            [("amount", "£9.90"), ("cell", "Motorcycle"), ("cell", "Mon-Fri")],
        ),
        ("It shut because the joint had leaked.", [("reason", "the joint had leaked")]),
        ("It stays shut unless the master asks for it.", [("condition", "the master asks for it")]),
        ("Visitors must sign in at the gate.", [("duty", "sign in at the gate")]),
        ("Priority 2 means one whole department has stopped.", [("definition", "one whole department has stopped")]),
        ("**Owner:** whoever wrote it, with *Ottar Brask* in.", [("term", "Ottar Brask")]),
        ("It goes to Nan Stobbs's office by door A1.", [("name", "Nan Stobbs")]),
        ("Nothing to see.", []),
    ],
)
def test_find_spans(sentence, found):
    spans = find_answer_spans(sentence)
    assert [(kind, span) for kind, _, span in spans] == found
    assert all(sentence[start : start + len(span)] == span for _, start, span in spans)


SENTENCE = "The crane on the north quay lifts 40 tonnes in calm weather."
CHUNK = passage(SENTENCE, headings=("Crane manual", "Limits")).chunk
CANDIDATE = Candidate(CHUNK, (0, len(SENTENCE)), SENTENCE.index("40"), "40 tonnes", "amount")


def test_a_candidate_marks_its_span():
    assert CANDIDATE.marked == "The crane on the north quay lifts <<40 tonnes>> in calm weather."
    assert CANDIDATE.headings == "Crane manual > Limits"


def test_the_writer_gives_one_line_a_question(tiny_generator):
    written = write_questions(tiny_generator, [CANDIDATE, CANDIDATE])
    assert len(written) == 2 and all(len(found) == 1 for found in written)  # a base model gets no opening
    assert not any("\n" in question for found in written for question in found)


def test_a_trained_writer_also_begins_as_the_kind_of_span_wants(tiny_generator):
    asked = []

    def generate(ids, most, stop):
        asked.extend(tiny_generator.tokenizer.decode(row) for row in ids)
        return [SimpleNamespace(text=f" is it {n}?\nAnswer") for n in range(len(ids))]

    spots = [CANDIDATE, dataclasses.replace(CANDIDATE, kind="name"), dataclasses.replace(CANDIDATE, span="£40")]
    written = write_questions(
        SimpleNamespace(tokenizer=tiny_generator.tokenizer, adapter="writer", generate=generate), spots
    )
    assert written == [["is it 0?", "How is it 1?"], ["is it 2?", "Which is it 3?"], ["is it 4?", "How much is it 5?"]]
    assert [text.rpartition("Question:")[2] for text in asked] == ["", " How", "", " Which", "", " How much"]


def test_a_trained_writers_question_for_the_name_of_something_is_thrown_away(tiny_generator):
    said = ["What is the name of the crane?", " does it lift?"]
    speaking = SimpleNamespace(
        tokenizer=tiny_generator.tokenizer,
        adapter="writer",
        generate=lambda ids, most, stop: [SimpleNamespace(text=t) for t in said],
    )
    assert write_questions(speaking, [CANDIDATE]) == [["How does it lift?"]]


QUESTION = "How much does the crane lift?"
OTHERS = [passage(f"Something else, number {name}.", f"{name}.md").chunk for name in ("one", "two", "three", "four")]


def mined(found, leave_out=False, reach=5):
    """Return label_question() when the retriever ranks the chunks as in `found` and three passages are shown."""
    retriever = SimpleNamespace(
        search=lambda q, k: [SimpleNamespace(chunk=c) for c in found[:k]], settings=RetrievalSettings(passages=3)
    )
    return label_question(QUESTION, CANDIDATE, retriever, reach, leave_out=leave_out)


def test_gold_among_those_shown_is_cited_by_its_number():
    for place in range(3):
        found = OTHERS.copy()
        found.insert(place, CHUNK)
        row = mined(found)
        assert row.cited == place + 1 and row.passages[row.cited - 1] == CHUNK
        assert (row.kind, row.target, row.passages) == ("answerable", f"40 tonnes [{place + 1}]", tuple(found[:3]))
        assert (row.document, row.gold, row.question) == (CHUNK.document, (CHUNK.start, CHUNK.end), QUESTION)


def test_gold_left_out_makes_the_label_the_refusal_and_the_next_passage_moves_up():
    row = mined([OTHERS[0], CHUNK, *OTHERS[1:]], leave_out=True)
    assert (row.kind, row.cited, row.target) == ("left out", 0, REFUSAL)
    assert row.passages == tuple(OTHERS[:3])


def test_gold_found_but_not_shown_makes_the_label_the_refusal():
    row = mined([*OTHERS[:3], CHUNK])
    assert (row.kind, row.cited, row.target) == ("not retrieved", 0, REFUSAL) and CHUNK not in row.passages


def test_gold_out_of_reach_is_rejected():
    assert mined([*OTHERS, CHUNK], reach=4) == "does not find its passage among 4"


@pytest.mark.parametrize("leave_out", [True, False])
def test_an_answer_that_another_shown_passage_holds_makes_no_refusal(leave_out):
    twin = passage("A second crane also lifts 40 Tonnes!", "twin.md").chunk
    found = [CHUNK, twin, *OTHERS[:2]] if leave_out else [twin, *OTHERS[:2], CHUNK]
    assert mined(found, leave_out) == "answered by another passage as well"


def test_rows_of_one_chunk_and_span_have_ids_of_their_own():
    retriever = SimpleNamespace(search=lambda *a: [SimpleNamespace(chunk=CHUNK)], settings=RetrievalSettings())
    questions = ("How much is it?", "What does it lift?")
    assert len({label_question(question, CANDIDATE, retriever, 5).id for question in questions}) == 2


def chunks_of(documents, each=3):
    text = "The crane lifts 40 tonnes by 17:30 every day. The fee for that is £15 a night in summer."
    return [Chunk(d, "T", n * 200, n * 200 + len(text), text, (), None) for d in documents for n in range(each)]


def test_candidates_are_dealt_evenly_and_never_from_unmined_documents():
    names = [f"{n}.md" for n in range(12)]
    chunks = chunks_of(names)
    chosen = choose_candidates(chunks, 2 * sum(document_part(n) != UNMINED for n in names), 0)
    counts = Counter(c.chunk.document for c in chosen)
    assert set(counts) == {n for n in names if document_part(n) != UNMINED} != set(names)
    assert set(counts.values()) == {2}
    assert chosen == choose_candidates(chunks, len(chosen), 0)


def test_candidates_end_when_the_corpus_does():
    mined_names = [n for n in (f"{n}.md" for n in range(9)) if document_part(n) != UNMINED]
    assert len(choose_candidates(chunks_of(mined_names), 1000, 0)) == len(mined_names) * 3 * 2


def test_candidates_are_dealt_over_sections():
    chunks = [dataclasses.replace(c, headings=(f"Part {n % 3}",)) for n, c in enumerate(chunks_of(["a.md"], 30))]
    counts = Counter(c.chunk.headings for c in choose_candidates(chunks, 9, 0))
    assert document_part("a.md") != UNMINED and set(counts.values()) == {3}


def test_what_a_sentence_ends_on_is_asked_for_only_where_there_is_nothing_else():
    text = "The crane of 1987 is kept in the blue drawer. The spare key is kept in the red drawer."
    chunk = Chunk("a.md", "T", 0, len(text), text, (), None)
    assert {c.span for c in choose_candidates([chunk], 9, 0)} == {"1987", "the red drawer"}


PASSAGES = tuple(passage(text, f"{n}.md").chunk for n, text in enumerate((
    "It closed on 30 June 2025. In June 2025 the port was quiet.", "The crane lifts 40 tonnes.", "The office opens at 08:30 on Mondays.")))  # fmt: skip


def row(answer="30 June 2025", cited=1):
    return TrainingRow("id", QUESTION, answer, "answerable" if cited else "left out", "0.md", (0, 9), PASSAGES, cited)


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
    assert failed_check(output, row(cited=cited)) == found


@pytest.mark.parametrize(
    "given", [row(), row(cited=0), row("40 tonnes", 2), row("08:30", 3), row("June 2025", 1)], ids=lambda r: r.target
)
def test_a_near_miss_fails_the_check_that_it_names_and_the_target_none(given):
    ways = Counter()
    for seed in range(60):
        output, way = near_miss(given, random.Random(seed))
        assert failed_check(output, given) == way, output
        ways[way] += 1
    assert set(ways) == (
        {"refuses when it should answer", "wrong citation", "wrong span"}
        if given.cited
        else {"answers when it should refuse"}
    )
    assert failed_check(given.target, given) is None


def test_a_wrong_span_is_of_the_right_passage_and_kind_if_there_is_one():
    texts = ("It opened on 3 May 2024, closed on 30 June 2025 and cost £300.", "A storm came on 9 July 2024.")
    given = TrainingRow(
        "id",
        QUESTION,
        "30 June 2025",
        "answerable",
        "0.md",
        (0, 9),
        tuple(passage(t, f"{n}.md").chunk for n, t in enumerate(texts)),
        1,
    )
    said = {near_miss(given, random.Random(seed)) for seed in range(40)}
    assert {output for output, way in said if way == "wrong span"} == {"3 May 2024 [1]"}
    elsewhere = dataclasses.replace(given, passages=(passage("It closed on 30 June 2025.").chunk, given.passages[1]))
    assert {o for o, way in (near_miss(elsewhere, random.Random(n)) for n in range(40)) if way == "wrong span"} == {
        "9 July 2024 [2]"
    }


def test_rows_are_read_as_they_were_written(tmp_path):
    odd = TrainingRow("é", "What\u2028about\x85this?", "it", "multi-hop", "0.md", (0, 9), PASSAGES, 1, (2,))
    write_lines(tmp_path / "rows.jsonl", [row(), odd])
    assert read_rows(tmp_path / "rows.jsonl") == [row(), odd]
    assert [p.name for p in tmp_path.iterdir()] == ["rows.jsonl"]


TOWN = {
    f"{n}.md": f"# Berths of {place}\n\n## Crane\n\nThe crane {n} at {place} Quay lifts {10 + n} tonnes until {8 + n % 9}:30.\n\n"
    f"## Fee\n\nThe yearly fee of {place} Basin is £{200 + n} because the walls of {place} need repair."
    for n, place in enumerate(
        ("Arlen", "Bram", "Corrie", "Dunmore", "Ebb", "Fallow", "Gannet", "Hask", "Ives", "Jura", "Kerr", "Lamp")
    )
}


def writes(spans_asked):
    """-> a writer that takes each sentence for its question, the span replaced; and remembers the spans."""

    def generate(ids, most, stop):
        texts = ["".join(map(chr, row)).rpartition("Text: ")[2] for row in ids]
        spans_asked.extend(text.split("Answer: ")[1].split("\n")[0] for text in texts)
        sentences = [text.split(": ", 1)[1].split("\n")[0] for text in texts]
        return [SimpleNamespace(text=" What" + re.sub(r"<<.*>>", "of", s)[3:].rstrip(".") + "?\n") for s in sentences]

    def tokenizer(text, add_special_tokens=False):
        return {"input_ids": [ord(ch) for ch in text]}

    return SimpleNamespace(tokenizer=tokenizer, adapter="writer", name="fake", generate=generate)


class FindsAgain:
    """Finds every span again; `own` is how well questions about fees are supported."""

    def __init__(self, own=0.2):
        self.own, self.asked = own, []

    def read(self, question, chunk):
        self.asked.append(question)
        return next(span for _, _, span in find_answer_spans(chunk.text) if normalize(span) not in normalize(question))

    def support(self, question, candidate, shown):
        return self.own if "fee" in question else 0.9, 0.1


@pytest.fixture
def mined_town(tiny_index, tiny_embedder, tmp_path, monkeypatch):
    """-> a function that mines TOWN into a run and returns its folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("finetune.mining.mine.fingerprint", lambda tokenizer: "prompt")
    retriever = Retriever(tiny_index(TOWN), tiny_embedder, RetrievalSettings())

    def run(name, round_trip=None, **settings):
        stage = Stage(name, "mine")
        mine(stage, retriever, writes([]), round_trip, "base", MineSettings(**{"cloze": False, **settings}))
        return stage.folder

    return run


def test_the_same_corpus_mined_twice_is_the_same_files(mined_town):
    once, again, other = (
        mined_town("a", FindsAgain()),
        mined_town("b", FindsAgain()),
        mined_town("c", FindsAgain(), seed=1),
    )
    names = ("train.jsonl", "dev.jsonl", "gate.jsonl", "rejects.jsonl", "run.json")
    assert all((once / n).read_bytes() == (again / n).read_bytes() for n in names)
    assert (once / "train.jsonl").read_bytes() != (other / "train.jsonl").read_bytes()


def test_every_span_becomes_a_row_or_a_reject_with_its_reason(mined_town, capsys):
    folder = mined_town("a", FindsAgain(), left_out=0.6, unanswerable=0.8, query_styles=0.2)
    rows = [row for name in PARTS for row in read_rows(folder / f"{name}.jsonl")]
    rejects, receipt = read_lines(folder / "rejects.jsonl"), Stage("a", "mine").result()
    assert receipt["rejected"]["its sentence does not support it"] > 0
    of_spans = [r for r in rejects if "<<" in r["text"]]
    assert Counter(r["reason"] for r in of_spans) == receipt["rejected"]
    assert (
        Counter(r["reason"] for r in rejects if "<<" not in r["text"]) == receipt["swapped rejected"]
        and receipt["multi-hop rejected"] == {}
    )
    mined_rows = [row for row in rows if row.kind != "swapped"]
    better = [r for r in of_spans if r["reason"] == "another question for its span is better"]
    spans = {(row.document, row.answer) for row in mined_rows} | {(r["document"], r["answer"]) for r in of_spans}
    assert len(spans) == len(choose_candidates_of(TOWN)) and sum(receipt["query styles"].values()) == len(rows)
    assert (
        len(mined_rows) + len(of_spans) == sum(1 + bool(question_opening(c)) for c in choose_candidates_of(TOWN))
        and better
    )
    assert all(not row.cited for row in rows if row.kind != "answerable") and {"answerable", "left out"} <= {
        row.kind for row in rows
    }
    assert "some of them:" in capsys.readouterr().out


def test_rows_that_a_filter_threw_away_come_back_without_it(mined_town):
    kept, more = (
        mined_town("a", FindsAgain(), left_out=0.0),
        mined_town("b", FindsAgain(), left_out=0.0, without="unsupported,answered_otherwise"),
    )
    reasons = [{item["reason"] for item in read_lines(folder / "rejects.jsonl")} for folder in (kept, more)]
    assert reasons[0] - reasons[1] >= {"its sentence does not support it"}
    counts = [
        Counter(row.kind for name in PARTS for row in read_rows(folder / f"{name}.jsonl"))["answerable"]
        for folder in (kept, more)
    ]
    assert counts[0] < counts[1]


def choose_candidates_of(texts):
    chunks = [c for name, text in texts.items() for c in chunk_document(document(name, text), ChunkSettings())]
    return choose_candidates(chunks, 480, 0)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_where_no_written_question_passes_the_sentence_itself_is_asked(mined_town, monkeypatch, share):
    monkeypatch.setattr("finetune.mining.mine.write_questions", lambda writer, batch: [["What?"]] * len(batch))
    folder = mined_town("a", query_styles=0.0, cloze=True, written=share)
    rows = [row for name in PARTS for row in read_rows(folder / f"{name}.jsonl") if row.cited]
    assert rows and all(re.search(r"\b(what|how (much|many)|why)\b", row.question) for row in rows)
    assert ("The crane 1 at Bram Quay lifts how many tonnes until 9:30?", "11 tonnes") in {
        (row.question, row.answer) for row in rows
    }
    assert Stage("a", "mine").result()["cloze"] == sum(row.kind != "swapped" for row in all_rows(folder))
    with pytest.raises(TrainingError, match="only 0 rows"):
        mined_town("b")


def test_the_writer_comes_first_for_its_share_of_the_spans(mined_town):
    """Its questions begin with "What", which no sentence that is asked itself does here."""
    shares = {}
    for share in (0.0, 0.5, 1.0):
        rows = all_rows(
            mined_town(
                f"{share}", left_out=0.0, unanswerable=0.0, query_styles=0.0, multihop=0.0, cloze=True, written=share
            )
        )
        shares[share] = sum(row.question.startswith("What") for row in rows) / len(rows)
    assert shares[0.0] < shares[0.5] < shares[1.0]


def all_rows(folder):
    return [row for name in PARTS for row in read_rows(folder / f"{name}.jsonl")]


def test_where_nobody_is_asked_more_is_kept(mined_town):
    asked, not_asked = (
        len(read_rows(mined_town(name, trip) / "train.jsonl")) for name, trip in (("a", FindsAgain()), ("b", None))
    )
    assert asked < not_asked


def test_a_corpus_of_which_nothing_passes_is_an_error_that_says_what_to_do(mined_town):
    with pytest.raises(TrainingError, match="index more documents"):
        mined_town("a", FindsAgain(), candidates=2)
