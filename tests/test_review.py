"""Reviewing rows: what is shown and kept, resuming, mending through the retriever, the estimate, and what training makes of it."""

import math
from dataclasses import replace

import pytest
from fakes import HashEmbedder
from triplets import row

from finetune.data import Stage, write_lines
from finetune.review import by_chance, review, shown
from finetune.split import DEV, TRAIN
from finetune.taught import gathered_rows, joined_rows
from finetune.verdicts import DROP, KEEP, MEND, Verdict, apply, estimate, path_of, read_verdicts, wilson, write_verdicts
from rag.errors import RagtuneError
from rag.prompt import REFUSAL
from rag.retrieval import RetrievalSettings, Retriever


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def answering(*said):
    """-> an `ask` that types these one after the other, then ends its input."""
    waiting = list(said)

    def ask(text):
        if not waiting:
            raise EOFError
        return waiting.pop(0)

    return ask


def never():
    raise AssertionError("nothing is mended")


def reviewed(rows, *said, sample=None, retriever=never):
    review("t", rows, read_verdicts("t"), sample, answering(*said), retriever)
    return {id: verdict.verdict for id, verdict in read_verdicts("t").items()}


def test_verdicts_are_kept_at_once_and_a_review_goes_on_where_it_was_left(capsys):
    rows = [row(n) for n in range(5)]
    first, second, third, *_ = by_chance(rows)
    assert reviewed(rows, "k", "D", "q") == {first.id: KEEP, second.id: DROP}
    assert "1 of 5" in capsys.readouterr().out
    assert reviewed(rows, "what?", "keep") == {first.id: KEEP, second.id: DROP, third.id: KEEP}  # then the input ends
    out = capsys.readouterr().out
    assert "--- 3 of 5" in out and "--- 1 of 5" not in out and out.count("--- 3 of 5") == 2
    assert out.splitlines()[-2] == "judged 3 of 5 rows: 2 kept, 0 mended, 1 dropped" and "of the 2 others an estimated 67%" in out


def test_a_sample_counts_what_was_judged_before(capsys):
    rows = [row(n) for n in range(9)]
    assert len(reviewed(rows, *"kkkkkkkkk", sample=2)) == 2
    assert len(reviewed(rows, *"kkkkkkkkk", sample=3)) == 3


def test_the_order_is_not_that_of_the_rows_and_stays_when_others_come():
    rows = [row(n) for n in range(40)]
    assert by_chance(rows) == by_chance(rows[::-1]) != rows
    few = set(rows[:20])
    assert [r for r in by_chance(rows) if r in few] == by_chance(rows[:20])


def test_question_passages_and_answer_are_shown_and_no_document_moves_the_cursor():
    bad = row(3, more="\x1b[2Jgone\nafter")
    text = shown(bad)
    assert "question: What does tank 3 hold?" in text and "answer:   3 litres [1]   (answerable)" in text and "\x1b" not in text
    assert all(chunk.place in text for chunk in bad.passages) and "[2Jgone after" in text
    assert f"answer:   {REFUSAL}   (left out)" in shown(row(3, 0))


@pytest.fixture
def retriever(tiny_index):
    texts = {"a.md": "# Tanks\n\nTank 3 holds 3 litres of oil.", "x.md": "# Other\n\nThe ferry sails."}
    return lambda: Retriever(tiny_index(texts), HashEmbedder(), RetrievalSettings())


def mined(cited=1):
    """-> the row about tank 3, of a document that is mined."""
    return replace(row(3, cited), document="a.md")


def test_a_mended_row_comes_from_the_retriever_is_shown_again_and_counts_once_kept(retriever, capsys):
    assert reviewed([mined()], "m", "What is in tank 3?", "OIL", "q", retriever=retriever) == {}
    assert reviewed([mined()], "m", "What is in tank 3?", "OIL", "k", retriever=retriever) == {"r3": MEND}
    made = read_verdicts("t")["r3"].row
    assert (made.id, made.question, made.target, made.document) == ("r3", "What is in tank 3?", f"oil [{made.cited}]", "a.md")
    assert "answer:   oil [" in capsys.readouterr().out
    assert joined(mined()) == [made, made]


def joined(*rows):
    return apply(list(rows), read_verdicts("t"), 2)


def test_what_can_not_be_mended_is_said_and_an_answer_can_be_taken_away(retriever, capsys):
    assert reviewed([mined()], "m", "", "water", "q", retriever=retriever) == {}
    assert "not mended: its answer stands literally in none" in capsys.readouterr().out
    assert reviewed([mined()], "m", "", "-", "k", retriever=retriever) == {"r3": MEND}
    made = read_verdicts("t")["r3"].row
    assert (made.question, made.target, made.kind) == (row(3).question, REFUSAL, "unanswerable")


def test_mending_nothing_keeps_the_answer_of_a_refusal_whose_passage_was_left_out(retriever):
    """Else the refusal would be taught beside the passage that answers."""
    reviewed([mined(0)], "m", "", "", "k", retriever=retriever)
    assert read_verdicts("t")["r3"].row.target.startswith("3 litres [")


def said(of, verdict, mended=None):
    return Verdict(of.id, verdict, of.question, of.target, mended)


def test_verdicts_are_read_as_they_were_written():
    verdicts = {"r1": said(row(1), KEEP), "r2": said(row(2), MEND, row(7))}
    write_verdicts("t", verdicts)
    assert read_verdicts("t") == verdicts and read_verdicts("other") == {}
    assert [path.name for path in path_of("t").parent.iterdir()] == ["verdicts.jsonl"]


def test_training_leaves_out_dropped_rows_and_sees_reviewed_ones_twice():
    stage, rows = Stage("t", "mine"), [row(n) for n in range(8)]
    write_lines(stage.folder / "train.jsonl", rows)
    write_lines(stage.folder / "dev.jsonl", [row(n) for n in (20, 21, 22)])
    write_verdicts("t", {v.id: v for v in (said(row(0), DROP), said(row(1), KEEP), said(row(2), MEND, row(77)), said(row(20), DROP), said(row(21), KEEP))})
    found = joined_rows(stage)
    assert found[TRAIN] == [row(1), row(77), *rows[3:], row(1), row(77)] and found[DEV] == [row(21), row(22)]
    assert gathered_rows(stage)[TRAIN] == rows
    write_verdicts("t", {v.id: v for v in (said(row(n), DROP) for n in (20, 21, 22))})
    with pytest.raises(RagtuneError, match="0 for development.*drop fewer"):
        joined_rows(stage)


def test_a_row_that_says_something_else_since_is_not_judged_by_the_old_verdict():
    judged = {"r1": said(row(1), DROP)}
    assert apply([row(1)], judged, 2) == [] and apply([row(1, 2)], judged, 2) == [row(1, 2)]


def test_wilson_is_the_published_formula():
    for good, n in ((0, 10), (17, 20), (85, 100), (5, 5)):
        z, p = 1.959964, good / n
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        assert wilson(good, n) == pytest.approx(((middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)), abs=1e-6)
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_estimate_counts_only_what_was_good_as_it_was():
    rows = [row(n) for n in range(30)]
    judged = {v.id: v for v in [*(said(row(n), KEEP) for n in range(16)), said(row(16), MEND, row(5)), *(said(row(n), DROP) for n in range(17, 20))]}
    low, high = wilson(16, 20)
    assert estimate(rows, judged) == (
        "judged 20 of 30 rows: 16 kept, 1 mended, 3 dropped\n"
        f"of the 10 others an estimated 80% are good as they are, between {low:.0%} and {high:.0%} (Wilson, 95 %): {round(10 * low)} to {round(10 * high)} rows"
    )
    assert "others" not in estimate(rows[:20], judged) and "others" not in estimate(rows, {})
