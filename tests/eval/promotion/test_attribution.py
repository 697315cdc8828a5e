"""Cells and verdicts by hand; and corpora, one on which training the cross-encoder helps and one on which it hurts."""

from dataclasses import replace

import pytest

import eval.promotion.attribution
from eval.metrics.statistics import Difference
from eval.promotion.attribution import answer_values, attribute, search
from eval.promotion.held_out import GateQuestion, read_gate
from eval.promotion.verdicts import as_text, judge_components, main_effect, verdict
from fakes import HashEmbedder, Scripted
from finetune.data.rows import TrainingRow
from finetune.retriever.cross_encoder import NEGATIVES, relevance_pairs, train_cross_encoder
from finetune.retriever.hard_negatives import find_hard_negatives
from rag.answering.answerer import Answerer
from rag.core.errors import EvaluationError, TrainingError
from rag.core.jsonl import write_lines
from rag.core.run_folder import Stage
from rag.core.sections import AnswerSettings, RetrievalSettings
from rag.core.settings import Settings
from rag.generation.prompt import REFUSAL
from rag.models.cross_encoder import CrossEncoder
from rag.retrieval.retriever import Retriever
from rows import scored

NAMES = ("crane", "ferry", "mole", "quay", "boat", "yard", "dock", "slip", "pier", "gate", "buoy", "lamp")
HEADINGS = ("Plan", "Guess", "Survey", "Draft", "Rumour")
GENERATOR, RERANKER = "generator", "reranker"
F1 = "F1 over all questions"
BETTER, WORSE, EVEN = (
    Difference(0.1, 0.05, 0.15, 40),
    Difference(-0.1, -0.15, -0.05, 40),
    Difference(0.01, -0.02, 0.04, 40),
)


def test_an_effect_is_over_all_cells_of_the_others():
    values = {(): [0.0, 0.0], (GENERATOR,): [1.0, 0.0], (RERANKER,): [0.5, 0.0], (GENERATOR, RERANKER): [0.5, 1.0]}
    assert main_effect(values, GENERATOR).difference == pytest.approx(((1.0 - 0.0) + (0.5 - 0.5) + 0 + 1.0) / 4)
    assert main_effect(values, RERANKER).difference == pytest.approx((0.5 + (0.5 - 1.0) + 0 + 1.0) / 4)
    assert main_effect({cell: [1.0] * 20 if GENERATOR in cell else [0.0] * 20 for cell in values}, GENERATOR).low == 1.0


def test_the_first_test_must_be_won_and_none_lost(weights):
    folder = weights("new")["new"]
    (folder / "changes.safetensors").write_bytes(b"x")

    def said(**tests):
        return verdict(RERANKER, tests, folder)

    assert (
        said(MRR=BETTER, F1=EVEN)["promote"]
        and "is better than what was live: MRR +0.100" in said(MRR=BETTER, F1=EVEN)["sentence"]
    )
    assert (
        not said(MRR=EVEN, F1=BETTER)["promote"]
        and "cannot be told from what was live" in said(MRR=EVEN, F1=BETTER)["sentence"]
    )
    assert "40 gate questions could have shown a gain of 0.030, and 60 are needed" in said(MRR=EVEN)["sentence"]
    of_many = said(MRR=replace(EVEN, n=60))["sentence"]
    assert (
        "is not shown to be better than what was live: 60 gate questions could have shown a gain of 0.030:" in of_many
    )
    assert not said(MRR=BETTER, F1=WORSE)["promote"] and "is worse at F1" in said(MRR=BETTER, F1=WORSE)["sentence"]


@pytest.fixture
def corpus(tiny_index):
    """An index of documents that each name five values, which the searches cannot tell apart."""
    texts = {}
    for n, name in enumerate(NAMES):
        texts[f"{name}.md"] = "\n\n".join(
            f"# {heading}\n\nThe {name} has {n + 20 * at + 10} metres." for at, heading in enumerate(HEADINGS)
        )
    return tiny_index(texts)


def mined(store, names, heading: str) -> list[TrainingRow]:
    """A training row on each document, about its passage under that heading."""
    found = {(c.document, c.headings[-1]): c for c in store.all_chunks()}
    chunks = [found[f"{name}.md", heading] for name in names]
    asked = [(c, f"How many metres has the {c.document[:-3]} ?", c.text.split()[-2]) for c in chunks]
    return [
        TrainingRow(c.document, question, answer, "answerable", c.document, (c.start, c.end), (c,), 1)
        for c, question, answer in asked
    ]


def retriever(store, reranker=None):
    return Retriever(store, HashEmbedder(), RetrievalSettings(), reranker)


def test_wrong_passages_are_what_the_retriever_finds_but_none_that_holds_the_answer(corpus):
    (row,) = mined(corpus, ["crane"], "Survey")
    right, *wrong = relevance_pairs(find_hard_negatives([row], retriever(corpus), {}))
    assert right.label == 1 and "Survey" in right.evidence and "50 metres" in right.evidence
    assert len(wrong) == NEGATIVES and not any(p.label or "50 metres" in p.evidence for p in wrong)
    assert {p.evidence.split()[0] for p in wrong if "crane" in p.evidence} == set(HEADINGS) - {"Survey"}
    moved = TrainingRow(**{**row.__dict__, "gold": (7, 8)})
    with pytest.raises(TrainingError, match="none of the mined passages"):
        list(find_hard_negatives([moved], retriever(corpus), {}))


@pytest.fixture
def train(corpus, encoder_of, tmp_path, monkeypatch):
    """A function that trains a tiny cross-encoder on the first eight documents' passages under a heading.

    It returns the folder and the encoder.
    """
    monkeypatch.chdir(tmp_path)
    encoder = encoder_of(f"{' '.join(c.search_text for c in corpus.all_chunks())} how many metres has the ?")

    def run(heading):
        stage, found = (
            Stage("t", "corpus-reranker"),
            find_hard_negatives(mined(corpus, NAMES[:8], heading) * 4, retriever(corpus), {}),
        )
        train_cross_encoder(stage, found, encoder, "cpu", None, epochs=24, learning_rate=5e-3)
        return stage.folder / "weights", encoder

    return run


def compared(corpus, train, monkeypatch, asked: str):
    """The verdict on a cross-encoder that learned to prefer drafts, on gate questions about passages under `asked`."""
    folder, encoder = train("Draft")
    write_lines(Stage("t", "mine").folder / "gate.jsonl", mined(corpus, NAMES[8:], asked) * 5)
    monkeypatch.setattr(eval.promotion.attribution, "open_store", lambda settings, index: corpus)
    monkeypatch.setattr(eval.promotion.attribution, "open_index_embedder", lambda settings, record: HashEmbedder())
    monkeypatch.setattr(eval.promotion.attribution, "open_reranker", lambda settings, index: None)
    monkeypatch.setattr(
        eval.promotion.attribution, "open_trained_reranker", lambda settings, delta: CrossEncoder(encoder, "cpu", delta)
    )
    held = [GateQuestion(h.question, False, True) for h in read_gate("t")[0]]
    _, ordered, seconds = search(Settings([]), corpus.folder, held, None, folder)
    assert set(seconds) == {(), (RERANKER,)}
    even = {cell: [0.5] * len(held) for cell in seconds}
    return judge_components({"F1": even}, ordered, {RERANKER: folder})["verdicts"][RERANKER]


def test_training_that_helps_is_promoted(corpus, train, monkeypatch):
    found = compared(corpus, train, monkeypatch, "Draft")
    assert found["promote"] and "is better than what was live: MRR +" in found["sentence"]


def test_where_training_hurts_the_old_one_is_kept(corpus, train, monkeypatch):
    """Training knew drafts alone; in the held-out documents another heading answers.

    The cross-encoder then puts drafts above it, and is indifferent to the order of the others.
    """
    found = [compared(corpus, train, monkeypatch, heading) for heading in HEADINGS if heading != "Draft"]
    worse = [verdict for verdict in found if "is worse at MRR" in verdict["sentence"]]
    assert worse and not any(verdict["promote"] for verdict in worse)


@pytest.fixture
def house(corpus, weights, tiny_generator, tmp_path, monkeypatch):
    """A run with two gate questions, one without its passage, a generator that answers all, and a cross-encoder."""
    monkeypatch.chdir(tmp_path)
    rows = mined(corpus, ["crane", "ferry"], "Survey")
    write_lines(
        Stage("t", "mine").folder / "gate.jsonl",
        [rows[0], TrainingRow(**{**rows[1].__dict__, "kind": "left out", "cited": 0})],
    )
    for stage, folder, file in (
        ("sft", "adapter", "adapter_model.safetensors"),
        ("corpus-reranker", "weights", "changes.safetensors"),
    ):
        (Stage("t", stage).folder / folder).mkdir(parents=True)
        (Stage("t", stage).folder / folder / file).write_bytes(stage.encode())
        Stage("t", stage).finish({})
    asked = []

    class Flips:
        def scores(self, question, chunks):
            return [float(n) for n in range(len(chunks))]

    def opened(settings, adapter, bases=None):
        asked.append(adapter)
        return Scripted(
            tiny_generator.tokenizer,
            says="10 metres [1]" if adapter else "never said",
            base_says="The documents do not answer this.",
        )

    fakes = {
        "open_store": lambda settings, index: corpus,
        "open_index_embedder": lambda settings, record: HashEmbedder(),
        "open_reranker": lambda settings, index: None,
        "open_trained_reranker": lambda settings, delta: Flips(),
        "open_generator": opened,
        "current_adapter": lambda settings, index: {},
        "open_answerer": lambda settings, generator: Answerer(generator, AnswerSettings(extractive=False), None),
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(eval.promotion.attribution, name, fake)
    return corpus, asked


def test_every_combination_answers_the_same_questions(house, tmp_path):
    corpus, asked = house
    told = attribute(Settings([]), "t", corpus.folder)
    assert list(told["cells"]) == ["old", "reranker", "generator", "generator+reranker"] and told["n"] == 2
    assert told["cells"]["old"][F1] == 0.5  # refuses both; one is unanswerable as its passage is left out
    assert set(told["verdicts"]) == {GENERATOR, RERANKER} and not any(
        v["promote"] for v in told["verdicts"].values()
    )  # two questions show nothing
    assert len(asked) == 2 and asked[0] is None
    assert Stage("t", "attribution").result() == told
    assert "| generator+reranker |" in as_text(told) and "keep: the trained reranker" in as_text(told)


def test_a_generator_that_unlearned_to_refuse_is_kept_out(house):
    corpus, _ = house
    (crane,) = mined(corpus, ["crane"], "Survey")
    rows = [TrainingRow(**{**crane.__dict__, "id": str(n), "kind": "left out", "cited": 0}) for n in range(20)]
    write_lines(Stage("t", "mine").folder / "gate.jsonl", rows)
    told = attribute(Settings([]), "t", corpus.folder)
    assert told["cells"]["old"][F1] == 1.0 and told["cells"]["generator"][F1] == 0.0
    assert (
        not told["verdicts"][GENERATOR]["promote"]
        and "the trained generator is worse at F1 over all questions" in told["verdicts"][GENERATOR]["sentence"]
    )


def test_a_question_that_nothing_answers_judges_no_order(house):
    corpus, _ = house
    rows = mined(corpus, ["crane", "ferry"], "Survey")
    vain = TrainingRow(**{**rows[1].__dict__, "kind": "unanswerable", "answer": "", "cited": 0})
    write_lines(Stage("t", "mine").folder / "gate.jsonl", [rows[0], vain])
    held, _ = read_gate("t")
    assert [h.answered for h in held] == [True, False]
    shown, ordered, _ = search(Settings([]), corpus.folder, held, None, None)
    assert len(shown[()]) == 2 and {len(values[()]) for values in ordered.values()} == {1}


def test_a_passage_that_was_left_out_is_shown_in_no_cell(house):
    corpus, _ = house
    held, _ = read_gate("t")
    shown, _, _ = search(Settings([]), corpus.folder, held, None, None)
    documents = [(p.chunk.document, p.chunk.headings[-1]) for p in shown[()]["ferry.md"]]
    assert ("ferry.md", "Survey") not in documents and len(documents) == 3
    assert held[1].as_asked.answers == () and held[0].as_asked.answers == ("50",)


def test_a_run_that_trained_nothing_is_an_error(corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_lines(Stage("t", "mine").folder / "gate.jsonl", mined(corpus, ["crane"], "Survey"))
    with pytest.raises(EvaluationError, match="has trained nothing"):
        attribute(Settings([]), "t", corpus.folder)


def line(probability, text, answers=("40 tonnes",)):
    """A line of extractive answers at the default threshold."""
    refused = probability < AnswerSettings().least
    row = scored(REFUSAL if refused else text, answers)
    return {**row, "refused": refused, "confidence": 1 - probability if refused else probability, "output": text}


def test_generators_are_also_compared_at_equal_right_refusals():
    """The new one is right more often, but its confidence is high everywhere, so that it refuses nothing."""
    old = [line(0.9, "40 tonnes"), line(0.8, "the crane"), line(0.1, "x", ()), line(0.15, "x", ())]
    new = [line(0.9, "40 tonnes"), line(0.9, "40 tonnes"), line(0.4, "x", ()), line(0.5, "x", ())]
    values = answer_values({(): old, (GENERATOR,): new}, AnswerSettings())
    assert values[F1] == {(): [1.0, 0.0, 1.0, 1.0], (GENERATOR,): [1.0, 1.0, 0.0, 0.0]}
    assert values["F1 over all at equal right refusals"] == {(): [1.0, 0.0, 1.0, 1.0], (GENERATOR,): [1.0] * 4}
