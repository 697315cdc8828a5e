"""A split: who answers a conversation, what is counted of people's verdicts, and the commands around it."""

import json
import shutil
from pathlib import Path

import pytest

from rag.cli.main import main
from rag.models.adapters import IDENTITY
from rag.models.registry import adapters_folder, history, last_verdicts
from rag.server.state.feedback import Feedback, FeedbackFile, Vote, now, split_votes
from rag.server.state.recent import Assigned
from rag.server.state.splits import Split, begin_split, end_split, read_split
from rag.server.trial.outcome import compare, count
from serving import QUESTION, UNKNOWN

ANY = Split("id", "reader", "base", 0.3, "now")


def ask(made, question=QUESTION, **body):
    return made.client.post("/ask", json={"question": question, **body}).json()


def test_a_conversation_stays_with_its_arm_and_shares_are_kept():
    arms = [ANY.assign(f"conversation {n}") for n in range(2000)]
    assert arms == [ANY.assign(f"conversation {n}") for n in range(2000)]
    assert 0.27 < sum(each.arm == "b" for each in arms) / 2000 < 0.33
    assert len({each.conversation for each in arms}) == 2000
    other = Split("other", "reader", "base", 0.3, "now")
    assert [other.assign(f"conversation {n}").arm for n in range(50)] != [each.arm for each in arms[:50]]


def test_only_the_default_is_split_and_a_conversation_sticks(served):
    made = served()
    split = begin_split(made.index, "reader", "base", 0.5)
    for number in range(3):
        begun = f"Was the crane number {number} built by the board?"
        expected = split.name(split.assign(begun).arm)
        assert ask(made, begun)["model"] == expected
        assert ask(made, "And when?", history=[{"question": begun, "answer": "Yes."}])["model"] == expected
        messages = [{"role": "user", "content": begun}, {"role": "assistant", "content": "Yes."}]
        chat = {"messages": [*messages, {"role": "user", "content": QUESTION}]}
        assert made.client.post("/v1/chat/completions", json=chat).json()["model"] == expected
        first = made.client.post("/v1/responses", json={"input": begun}).json()
        then = made.client.post("/v1/responses", json={"input": QUESTION, "previous_response_id": first["id"]}).json()
        assert first["model"] == then["model"] == expected
        assert ask(made, begun, conversation="given")["model"] == split.name(split.assign("given").arm)
        assert ask(made, begun, model="reader")["model"] == "reader"
        assert made.client.post("/ask/whole", json={"question": begun}).status_code == 200
    assert made.client.put("/models/default", json={"model": "base"}).status_code == 200
    assert {ask(made, conversation=str(n))["model"] for n in range(8)} == {"base"}
    assert made.client.put("/models/default", json={"model": "ragtune"}).status_code == 200
    assert {ask(made, conversation=str(n))["model"] for n in range(8)} == {"base", "reader"}
    end_split(made.index)
    assert {ask(made, conversation=str(n))["model"] for n in range(8)} == {"reader"}


def test_where_an_arm_is_gone_the_default_answers(served):
    made = served()
    begin_split(made.index, "reader", "removed-since", 0.99)
    assert ask(made)["model"] == "reader"


def test_verdicts_are_counted_by_arm_and_forgotten_with_their_documents(served):
    made = served()
    split = begin_split(made.index, "reader", "base", 0.5)
    said = [(QUESTION, {"thumb": "up"}), (UNKNOWN, {"thumb": "down"}), (QUESTION, {"correction": "in 1999"})]
    for number, (question, feedback) in enumerate(said):
        given = ask(made, question, conversation=str(number))
        assert made.client.post("/feedback", json={"answer": given["id"], **feedback}).status_code == 201
    named = ask(made, model="base")["id"]
    made.client.post("/feedback", json={"answer": named, "thumb": "up"})
    votes = split_votes(made.index, split.id)
    assert [(v.up, v.refused, v.corrected) for v in votes] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    assert [v.arm for v in votes] == [split.assign(str(number)).arm for number in range(3)]
    assert len(made.client.get("/feedback").json()["feedback"]) == 4
    made.service.feedback.forget(["board/minutes.md", "leave.md", "harbour.md"])
    assert split_votes(made.index, split.id) == []


def test_of_a_conversation_the_first_vote_counts():
    votes = [Vote("a", "one", False, True, False), Vote("b", "two", True, False, False)]
    votes += [Vote("a", "one", True, False, True), Vote("b", "two", False, False, False)]
    assert compare(ANY, votes).pairs == 0, "two of a are set against one of b"
    assert compare(Split("id", "reader", "base", 0.5, "now"), votes).difference == 1.0
    counted = count(votes, "a")
    assert (counted.votes, counted.up, counted.corrected, counted.refused) == (2, 1, 1, 1)


@pytest.fixture
def adapter(tiny_model, tiny_adapter, tmp_path, monkeypatch):
    """The folder of an adapter, where commands run that name its base model."""
    monkeypatch.chdir(tmp_path)
    return tiny_adapter


def run(*words, model):
    return main(["--index", "index", *words, "--set", f"model.generator={model}"])


def vote(split, up, down):
    """Let so many conversations with `b` be praised, and so many with `a` blamed."""

    file = FeedbackFile(Path("index"))
    for arm, thumb, votes in (("b", "up", up), ("a", "down", down)):
        for n in range(votes):
            facts = (now(), f"{arm}{n}", "q", split.name(arm), "text", False, 0.5, thumb, None, [], [])
            file.put(Feedback(*facts), Assigned(split.id, arm, f"{arm}{n}"))
    file.close()


def test_a_split_is_begun_shown_and_ended_by_command_and_the_better_adapter_goes_live(adapter, tiny_model, capsys):

    index = Path("index")
    assert run("adapters", "--end-split", model=tiny_model) == 1 and "no split runs" in capsys.readouterr().err
    assert run("adapters", "--split", str(adapter), "--share", "0.5", model=tiny_model) == 0
    shown = capsys.readouterr().out
    split = read_split(index)
    assert split.a == "base" and split.b.startswith("tried-generator-") and "not yet decided" in shown
    assert run("adapters", "--split", "base", model=tiny_model) == 1 and "--end-split" in capsys.readouterr().err
    vote(split, 30, 30)
    assert run("adapters", model=tiny_model) == 0
    shown = capsys.readouterr().out
    assert f"{split.b}: 30 thumbs up of 30, 0 corrections, 0 refusals" in shown and f"{split.b} is better" in shown
    assert run("adapters", "--end-split", model=tiny_model) == 0
    assert history(index)[-1]["generator"].folder.name == split.b
    assert "is better" in history(index)[-1]["generator"].why and "split of" in last_verdicts(index)["generator"]
    assert run("adapters", "--rollback", model=tiny_model) == 0 and history(index) == []


def test_what_is_not_shown_to_be_better_does_not_go_live(adapter, tiny_model, capsys):

    assert run("adapters", "--split", str(adapter), model=tiny_model) == 0
    vote(read_split(Path("index")), 3, 3)
    assert run("adapters", "--end-split", model=tiny_model) == 0
    assert history(Path("index")) == [] and "not yet decided" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--split", "base"], "answers already"),
        (["--split", "nobody"], "no model is called"),
        (["--split", ".", "--share", "0.5"], "is not an adapter of ours"),
    ],
)
def test_what_is_no_split_is_refused(adapter, tiny_model, capsys, words, told):
    assert run("adapters", *words, model=tiny_model) == 1 and told in capsys.readouterr().err


def test_an_adapter_of_another_base_is_refused_before_anybody_is_answered_by_it(adapter, tiny_model, capsys):
    other = Path(shutil.copytree(adapter, "other"))
    identity = json.loads((other / IDENTITY).read_text())
    (other / IDENTITY).write_text(json.dumps({**identity, "base": "0" * 64}))
    assert run("adapters", "--split", "other", model=tiny_model) == 1
    assert "was trained on base" in capsys.readouterr().err and read_split(Path("index")) is None


@pytest.mark.parametrize("share", ["0", "1", "nan", "-1"])
def test_a_share_lies_between_nothing_and_all(adapter, tiny_model, capsys, share):
    words = ["adapters", "--split", str(adapter), f"--share={share}"]
    assert run(*words, model=tiny_model) == 1 and "lies between" in capsys.readouterr().err
    assert not adapters_folder(Path("index")).exists(), "nothing was copied for it"
