"""What users say of answers becomes rows and pairs by rules, and training takes those that a person has accepted."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from filelock import Timeout

from finetune.data.feedback import accepted_feedback, accepted_pairs, feedback_rows
from finetune.data.rows import UNANSWERABLE, read_pairs
from finetune.data.split import Split, document_part
from finetune.data.training_set import REVIEWED, data_digest, freeze_rows, gate_rows, training_rows
from finetune.data.verdicts import DROP, KEEP, MEND, keep_verdict, verdicts_file
from finetune.generator.preference_pairs import pairs_of_feedback
from finetune.human import take_feedback as taking
from finetune.human.review import mend, review, rows_to_judge, verdict_line
from finetune.human.take_feedback import take_feedback
from finetune.settings import DpoSettings
from rag.core.chunk import Chunk
from rag.core.jsonl import read_lines, write_lines
from rag.core.run_folder import Stage, people_lock, run_folder
from rag.generation.prompt import REFUSAL
from rag.server.state.feedback import Feedback, FeedbackFile
from rag.server.state.feedback_rows import forget_rows
from triplets import row

TRAINED, UNSEEN = "harbour.md", "d0.md"
CRANE = "The crane lifts 40 tonnes. The mole is 300 metres long."
OTHER = "The ferry carries 120 cars."


def chunk(text, document=TRAINED, start=0):
    return Chunk(document, "Harbour", start, start + len(text), text, (), None)


@pytest.fixture
def harbour(tmp_path, monkeypatch):
    """A mined run of an index with two passages. say(...): a user's feedback; take(): rows of it."""
    monkeypatch.chdir(tmp_path)
    chunks = [chunk(CRANE), chunk(OTHER, "crossing.md")]
    store = SimpleNamespace(
        chunks_of=lambda id: [c for c in chunks if c.document == id], all_chunks=lambda: chunks, close=lambda: None
    )
    monkeypatch.setattr(taking, "open_store", lambda settings, index: store)
    stage = Stage("r", "mine")
    write_lines(stage.folder / "train.jsonl", [row(0), row(1)])
    write_lines(stage.folder / "dev.jsonl", [row(2)])
    write_lines(stage.folder / "gate.jsonl", [replace(row(5), question="How many cars are carried?")])
    stage.finish({"documents": {}, "held_out": "by document"})
    file, index = FeedbackFile(tmp_path / "index"), tmp_path / "index"

    def say(question="What does the crane lift?", text="40 tonnes", cites=1, **more):
        shown = [{"document": c.document, "start": c.start, "end": c.end, "text": c.text} for c in chunks]
        told = {"refused": text == REFUSAL, "kind": "refusal" if text == REFUSAL else "span", "thumb": "up"} | more
        cited = [] if told["refused"] else [{"passage": cites, "document": chunks[cites - 1].document}]
        values = {"correction": None, "citations": cited, "passages": shown, "confidence": 0.5, **told}
        file.put(Feedback("2026-01-01T00:00:00Z", f"ans{question}{more}", question, "reader", text, **values))

    yield SimpleNamespace(say=say, take=lambda: take_feedback("r", None, index), chunks=chunks, index=index, file=file)
    file.close()


def accept(id="", verdict=KEEP):
    for proposed in feedback_rows("r"):
        keep_verdict("r", proposed.id, verdict_line(proposed, verdict))


def pairs():
    return pairs_of_feedback("r", training_rows("r", "train"))


def targets():
    return [proposed.target for proposed in feedback_rows("r")]


def test_a_correction_in_the_words_of_a_passage_shown_is_the_answer_and_is_preferred_to_what_was_said(harbour):
    harbour.say(thumb="down", correction="300 Metres")
    harbour.take()
    accept()
    assert targets() == ["300 metres [1]"]
    (pair,) = pairs()
    assert (pair.chosen, pair.rejected, pair.reason) == ("300 metres [1]", "40 tonnes [1]", "said: wrong span")


def test_a_correction_in_no_passage_teaches_nothing(harbour):
    harbour.say(thumb="down", correction="about four hundred")
    assert harbour.take().rejected == {taking.NOT_LITERAL: 1} and targets() == []


def test_a_correction_of_a_refusal_is_preferred_to_the_refusal(harbour):
    harbour.say(text=REFUSAL, thumb="down", correction="40 tonnes")
    harbour.take()
    accept()
    assert pairs()[0].rejected == REFUSAL and targets() == ["40 tonnes [1]"]


def test_a_thumb_up_confirms_the_answer_as_given(harbour):
    harbour.say(cites=2, text="120 cars")
    taken = harbour.take()
    assert targets() == ["120 cars [2]"] and taken.pairs == [] and taken.rows[0].document == "crossing.md"


def test_a_thumb_up_confirms_a_refusal(harbour):
    harbour.say(text=REFUSAL)
    harbour.take()
    (proposed,) = feedback_rows("r")
    assert (proposed.target, proposed.kind, proposed.cited) == (REFUSAL, UNANSWERABLE, 0)


def test_a_thumb_up_for_a_sentence_that_is_only_probable_or_for_an_answer_put_together_teaches_nothing(harbour):
    harbour.say("One?", text=REFUSAL, kind="probable")
    harbour.say("Two?", text="Yes. The crane lifts 40 tonnes; 300 metres", kind="yes or no")
    assert harbour.take().rejected == {taking.UNSURE: 1, taking.NOT_A_SPAN: 1} and targets() == []


def test_a_thumb_down_for_a_question_that_nothing_answers_makes_the_refusal_right(harbour):
    harbour.say(thumb="down", unanswerable=True)
    harbour.take()
    accept()
    assert targets() == [REFUSAL]
    (pair,) = pairs()
    assert (pair.chosen, pair.rejected, pair.reason) == (
        REFUSAL,
        "40 tonnes [1]",
        "said: answers when it should refuse",
    )


def test_a_thumb_down_alone_does_not_say_what_is_right(harbour):
    harbour.say(thumb="down")
    assert harbour.take().rejected == {taking.ONLY_WRONG: 1} and targets() == []


def test_what_is_said_last_of_a_question_counts(harbour):
    harbour.say(thumb="down", correction="300 metres")
    harbour.say("what does the CRANE lift")
    assert harbour.take().rejected == {taking.ASKED_AGAIN: 1} and targets() == ["40 tonnes [1]"]


def test_a_passage_that_has_changed_since_teaches_nothing(harbour):
    harbour.say()
    harbour.chunks[0] = chunk(CRANE.replace("40", "50"))
    assert harbour.take().rejected == {taking.CHANGED: 1}


def test_nothing_learns_from_feedback_before_a_person_has_kept_or_mended_it(harbour):
    harbour.say()
    harbour.take()
    before = data_digest("r")
    assert len(training_rows("r", "train")) == 2 and accepted_feedback("r") == {}
    assert rows_to_judge("r")[0].id == feedback_rows("r")[0].id  # first, since it waits for that
    accept(verdict=DROP)
    assert len(training_rows("r", "train")) == 2
    accept()
    trained = [each.question for each in training_rows("r", "train", REVIEWED)]
    assert trained.count("What does the crane lift?") == REVIEWED and data_digest("r") != before


def test_mended_feedback_is_trained_on_as_mended_and_preferred_as_mended(harbour):
    harbour.say(thumb="down", correction="300 metres")
    harbour.take()
    (proposed,) = feedback_rows("r")
    mended = mend(proposed, Split(), "How long is the mole?", "300 metres long")
    keep_verdict("r", proposed.id, verdict_line(proposed, MEND, mended))
    assert training_rows("r", "train")[-1].question == "How long is the mole?"
    assert pairs()[0].chosen == "300 metres long [1]"


def test_the_pairs_to_train_on_begin_with_what_users_have_said_and_those_to_choose_by_have_none(harbour, monkeypatch):
    from finetune.generator import dpo

    harbour.say(thumb="down", correction="300 metres")
    harbour.take()
    accept()
    built = []
    monkeypatch.setattr(dpo, "build_preference_pairs", lambda generator, *others: built.append(others[:2]) or [])
    stage = Stage("r", "dpo")
    freeze_rows(Stage("r", "sft"), False)
    dpo.write_preference_pairs(stage, None, DpoSettings(pairs=8), None)
    assert [pair.rejected for pair in read_pairs(stage.folder / "train.jsonl")] == ["40 tonnes [1]"]
    assert read_pairs(stage.folder / "dev.jsonl") == []
    assert built[1] == ([row(0), row(1)], 7)  # one pair a row, and no more in all than are wanted


def test_preferences_are_of_the_rows_of_supervised_training_whatever_is_judged_meanwhile(harbour, monkeypatch):
    from finetune.generator import dpo

    freeze_rows(Stage("r", "sft"), False)
    harbour.say(thumb="down", correction="300 metres")
    harbour.take()
    accept()
    keep_verdict("r", row(0).id, verdict_line(row(0), DROP))
    built = []
    monkeypatch.setattr(dpo, "build_preference_pairs", lambda generator, *others: built.append(others[0]) or [])
    dpo.write_preference_pairs(Stage("r", "dpo"), None, DpoSettings(pairs=8), None)
    assert built == [[row(2)], [row(0), row(1)]] and read_pairs(Stage("r", "dpo").folder / "train.jsonl") == []


def test_what_is_accepted_takes_the_place_of_a_mined_row_that_asks_the_same(harbour):
    harbour.say(row(1).question, thumb="up")
    harbour.take()
    accept()
    asked = [each for each in training_rows("r", "train") if each.question == row(1).question]
    assert [each.answer for each in asked] == ["40 tonnes"]


@pytest.mark.parametrize("document", [UNSEEN, "d6.md"])  # one that is never mined, one that is held out
def test_feedback_on_held_out_passages_is_never_trained_on(harbour, document):
    assert document_part(document) != "train" == document_part(TRAINED)
    harbour.chunks[0] = chunk(CRANE, document)
    harbour.say()
    assert harbour.take().rejected == {taking.HELD_OUT: 1}


def test_a_held_out_question_is_never_trained_on_and_stays_as_it_is(harbour):
    harbour.say("How many cars are carried?", thumb="down", correction="120 cars")
    harbour.take()
    accept()
    assert len(accepted_pairs("r")) == 1 and pairs() == []
    assert all("cars" not in each.question for each in training_rows("r", "train"))
    assert [each.answer for each in gate_rows("r")] == [row(5).answer]
    assert [each.id for each in training_rows("r", "dev")] == [row(2).id]


def test_with_a_document_go_its_feedback_its_rows_and_their_verdicts(harbour):
    harbour.say(thumb="down", correction="300 metres")
    harbour.take()
    accept()
    harbour.file.forget(["crossing.md"])  # it was only shown
    assert feedback_rows("r") == [] and pairs() == [] and read_lines(verdicts_file("r")) == []
    assert harbour.take().rows == [] and not Stage("r", "feedback").folder.exists()
    assert len(training_rows("r", "train")) == 2


def test_with_a_document_go_verdicts_on_rows_that_were_made_before_and_no_others(harbour):
    harbour.say(thumb="down", correction="300 metres")
    harbour.take()
    (proposed,) = feedback_rows("r")
    mended = mend(proposed, Split(), "How long is the mole?", "300 metres long")
    others = [row(0), replace(proposed, id="quay.md:0:Why?#feedback", passages=proposed.passages[:1])]
    for each, new in [(proposed, mended), *((other, None) for other in others)]:
        keep_verdict("r", each.id, verdict_line(each, MEND if new else KEEP, new))
    Stage("r", "feedback").clear()  # as when the user has said otherwise since
    forget_rows(harbour.index, ["crossing.md"])
    assert [line["id"] for line in read_lines(verdicts_file("r"))] == [other.id for other in others]


def test_a_document_of_another_index_with_the_same_name_keeps_its_rows(harbour, tmp_path, tiny_index):
    other = tiny_index({"crossing.md": OTHER}).folder
    tiny_index({}, "index")
    harbour.say()
    harbour.take()
    accept()
    forget_rows(other, ["crossing.md"])
    assert len(feedback_rows("r")) == len(read_lines(verdicts_file("r"))) == 1
    harbour.index.rename(tmp_path / "moved")  # where it is now, nothing has noted
    forget_rows(tmp_path / "moved", ["crossing.md"])
    assert feedback_rows("r") == read_lines(verdicts_file("r")) == []


def test_rows_of_feedback_are_made_by_one_at_a_time_and_not_while_a_document_leaves(harbour, monkeypatch):
    harbour.say()
    make, locked = taking.rows_of_feedback, []

    def made(*given):
        with pytest.raises(Timeout):
            people_lock(run_folder("r")).acquire(timeout=0)
        locked.append(True)
        return make(*given)

    monkeypatch.setattr(taking, "rows_of_feedback", made)
    harbour.take()
    assert locked


def test_where_nobody_has_said_anything_no_folder_of_a_run_is_made(harbour):
    assert take_feedback("other", None, harbour.index).rows == [] and not run_folder("other").exists()


def test_feedback_can_be_judged_before_anything_is_mined(harbour):
    harbour.say()
    Stage("r", "mine").clear()
    harbour.take()
    shown = []
    assert review("r", None, lambda prompt: "k", shown.append).judged == 1 and "40 tonnes [1]" in shown[0]
