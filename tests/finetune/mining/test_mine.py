"""Mining a small town from its documents to rows, with a writer and a round trip that need no model."""

import re
from collections import Counter
from types import SimpleNamespace

import pytest

from fakes import document
from finetune.data.rows import read_rows
from finetune.data.split import PARTS, Split
from finetune.mining.answer_spans import find_answer_spans
from finetune.mining.candidates import choose_candidates
from finetune.mining.mine import fill_gate, mine
from finetune.mining.question_prompt import question_opening
from finetune.settings import MineSettings
from rag.core.errors import TrainingError
from rag.core.jsonl import read_lines
from rag.core.run_folder import Stage
from rag.core.sections import ChunkSettings, RetrievalSettings
from rag.core.text_metrics import normalize
from rag.documents.chunking import chunk_document
from rag.retrieval.retriever import Retriever

TOWN = {
    f"{n}.md": f"# Berths of {place}\n\n"
    f"## Crane\n\nThe crane {n} at {place} Quay lifts {10 + n} tonnes until {8 + n % 9}:30.\n\n"
    f"## Fee\n\nThe yearly fee of {place} Basin is £{200 + n} because the walls of {place} need repair."
    for n, place in enumerate(
        ("Arlen", "Bram", "Corrie", "Dunmore", "Ebb", "Fallow", "Gannet", "Hask", "Ives", "Jura", "Kerr", "Lamp")
    )
}


def writes(spans_asked):
    """Return a writer that takes each sentence for its question, the span replaced; it adds the spans to the list."""

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
    """Return a function that mines TOWN into a run and returns its folder."""
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


def test_all_questions_on_a_passage_fall_to_its_part(mined_town):
    folder, split = mined_town("a", FindsAgain()), Split(Stage("a", "mine").result()["held_out"])
    for part in PARTS:
        rows = read_rows(folder / f"{part}.jsonl")
        assert rows and {split.part_of(row.document, row.gold[0]) for row in rows} == {part}


@pytest.mark.parametrize("wanted, rows, asked", [(3, 4, 0), (10, 10, 12), (99, 24, 40)])
def test_further_spans_are_asked_about_until_the_gate_has_its_questions(wanted, rows, asked):
    kept, seen = [*range(4)], []
    mined = SimpleNamespace(of_part=lambda part: kept)

    def ask(some):
        seen.extend(some)
        kept.extend(number for number in some if number % 2)

    fill_gate(mined, list(range(40)), wanted, ask)
    assert (len(kept), seen) == (rows, list(range(asked)))


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
