"""Rows looked at by a person, and what training makes of it."""

from dataclasses import replace

import pytest
from triplets import row

from finetune.data import Stage, TrainingError, read_lines, read_rows, write_lines
from finetune.learned import keep_learned
from finetune.review import described, estimate, in_chance_order, review
from finetune.verdicts import DROP, KEEP, MEND, WEIGHT, Verdict, as_reviewed, mended, shown_as, verdicts_of
from rag.prompt import REFUSAL

ROWS = [row(n, int(n % 3 > 0)) for n in range(12)]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def typing(*lines):
    """-> input() by a person who types these lines and then closes the terminal."""
    left = list(lines)

    def ask(prompt):
        if not left:
            raise EOFError
        return left.pop(0)

    return ask


def said(r, verdict, *words):
    return {r.id: Verdict(r.id, shown_as(r), verdict, *words)}


def test_verdicts_are_kept_one_by_one_and_a_review_goes_on_where_it_was_left(capsys):
    order = in_chance_order(ROWS)
    review("t", ROWS, 0, typing("k", "x", "", "d", "q"))
    assert {id: v.verdict for id, v in verdicts_of("t").items()} == {order[0].id: KEEP, order[1].id: DROP}
    review("t", ROWS, 0, typing("k"))
    assert list(verdicts_of("t")) == [r.id for r in order[:3]]
    shown = capsys.readouterr().out
    assert shown.count(order[0].question) == 1 and shown.count("3 of 12") == 2  # shown before quitting, and again
    assert read_lines(Stage("t", "review").folder / "verdicts.jsonl")[1]["id"] == order[1].id


def test_a_sample_is_of_rows_in_chance_order_and_counts_earlier_verdicts(capsys):
    review("t", ROWS, 2, typing("k"))
    review("t", ROWS, 3, typing("k", "k", "k", "k"))
    assert list(verdicts_of("t")) == [r.id for r in in_chance_order(ROWS[::-1])[:3]]
    assert "3 of 3 reviewed rows were good, 0 mended, 0 dropped; of the 9 others 100% [44%, 100%] are likely" in capsys.readouterr().out


def test_the_interval_is_wilsons():
    rows = [row(n) for n in range(100)]
    verdicts = {key: v for n, r in enumerate(rows[:20]) for key, v in said(r, KEEP if n < 16 else DROP).items()}
    assert "16 of 20 reviewed rows were good, 0 mended, 4 dropped; of the 80 others 80% [58%, 92%]" in estimate(rows, verdicts)
    assert estimate(rows[:20], verdicts).endswith("all rows are reviewed")
    assert estimate(rows, {}) == "none of 100 rows is reviewed yet"


def test_mending_asks_until_a_passage_holds_the_answer(capsys):
    rows = [row(4)]
    review("t", rows, 0, typing("m", "", "nine litres", "What is in the other?", "5 litres"))
    found = verdicts_of("t")["r4"]
    assert (found.verdict, found.question, found.answer) == (MEND, "What is in the other?", "5 litres")
    assert "no passage shown holds 'nine litres'" in capsys.readouterr().out
    [taught] = as_reviewed(rows, verdicts_of("t"))
    assert (taught.target, taught.document, taught.id) == ("5 litres [2]", "d1.md", "r4")


@pytest.mark.parametrize(
    ("given", "answer", "target"),
    [
        (row(4), "4 litres", "4 litres [1]"),
        (row(4), "-", REFUSAL),
        (row(4), "", "4 litres [1]"),
        (row(4, 0), "", REFUSAL),
        (row(4, 0), "4 litres", "4 litres [1]"),
    ],
)
def test_what_is_typed_for_an_answer(given, answer, target):
    review("t", [given], 0, typing("m", "Which one?", answer))
    [taught] = as_reviewed([given], verdicts_of("t"))
    assert (taught.question, taught.target) == ("Which one?", target)


def test_mending_takes_whole_words_and_keeps_the_citation_where_it_can():
    both = replace(row(4, 2), passages=tuple(replace(p, text="Tank 4 holds 4 litres.") for p in row(4).passages))
    assert mended(both, "Q?", "4 Litres").target == "4 Litres [2]"
    for answer in ("4 litre", "..."):
        with pytest.raises(TrainingError, match="passage's own words"):
            mended(row(4), "Q?", answer)


def test_dropped_rows_are_left_out_and_reviewed_ones_weigh_more():
    verdicts = {**said(ROWS[1], DROP), **said(ROWS[2], KEEP), **said(ROWS[4], MEND, "Q?", "4 litres")}
    taught = as_reviewed(ROWS[:5], verdicts, WEIGHT)
    assert taught == [ROWS[0], *[ROWS[2]] * WEIGHT, ROWS[3], *[replace(ROWS[4], question="Q?", answer="4 litres")] * WEIGHT]


def test_a_verdict_on_a_row_that_is_made_otherwise_now_counts_for_nothing():
    other = replace(ROWS[1], passages=ROWS[1].passages[:1])
    assert as_reviewed([other], said(ROWS[1], DROP)) == [other]
    assert estimate([other], said(ROWS[1], DROP)) == "none of 1 rows is reviewed yet"


def test_training_takes_the_rows_as_they_were_reviewed():
    mined, sft = Stage("t", "mine"), Stage("t", "sft")
    write_lines(mined.folder / "train.jsonl", ROWS[:3])
    write_lines(mined.folder / "dev.jsonl", ROWS[3:6])
    mined.finish({})
    write_lines(Stage("t", "review").folder / "verdicts.jsonl", [*said(ROWS[0], DROP).values(), *said(ROWS[1], KEEP).values(), *said(ROWS[4], KEEP).values()])
    assert keep_learned(sft, mined, False) == ([ROWS[1]] * WEIGHT + [ROWS[2]], ROWS[3:6])
    assert read_rows(sft.folder / "train.jsonl") == [ROWS[1]] * WEIGHT + [ROWS[2]]


def test_a_refusal_is_shown_with_its_reason_and_what_was_asked_for():
    shown = described(ROWS[3], "1 of 1")
    assert f"{REFUSAL} (left out; asked for '3 litres')" in shown and "[2] d1.md" in shown and "What does tank 3 hold?" in shown
    assert "answer:   4 litres [1]" in described(ROWS[4], "1 of 1")
