"""The table of orders of passages, on an index so small that its figures can be worked by hand."""

import pytest

import eval.suites.retrieval
from corpus_in_small import DOCUMENTS, QUESTIONS
from eval.suites.retrieval import FUSED, as_text, compare_orders
from fakes import HashEmbedder
from rag.core.errors import EvaluationError
from rag.core.settings import Settings


class Knows:
    """A cross-encoder that scores the crane's passage highest and reads nothing else."""

    def scores(self, question, chunks):
        return [float(c.document == "crane.md") for c in chunks]


@pytest.fixture
def table(tiny_index, monkeypatch):
    store = tiny_index(DOCUMENTS)
    monkeypatch.setattr(eval.suites.retrieval, "open_store", lambda settings, index: store)
    monkeypatch.setattr(eval.suites.retrieval, "open_embedder", lambda settings, delta=None: HashEmbedder())
    monkeypatch.setattr(eval.suites.retrieval, "open_trained_reranker", lambda settings, delta: Knows())
    monkeypatch.setattr(eval.suites.retrieval, "open_small_span_scorer", lambda settings: Knows())
    return lambda bench, questions, reading=(), ordering=(): compare_orders(
        Settings([]), store.folder, bench, questions, list(reading), list(ordering)
    )


def test_orders_are_compared_on_the_questions_with_evidence(table):
    found = table("harbour", QUESTIONS)
    assert (
        found["n"] == 6
        and list(found["orders"]) == ["BM25", "dense", FUSED, "fused + span scorer", "fused + shipped cross-encoder"]
        and found["notes"] == []
    )
    for row in found["orders"].values():
        assert (
            row["recall@1"] <= row["recall@3"] <= row["recall@5"] <= row["recall@20"] <= 1
            and row["recall@1"] <= row["mrr"]
            and row["ms"] >= 0
        )
    assert found["orders"][FUSED]["recall@20"] == 1.0 and found["orders"][FUSED]["against_fused"] == {}
    assert "| fused + shipped cross-encoder |" in as_text(found) and "difference to fused" in as_text(found)


def test_each_search_alone_is_only_that_search(table):
    unheard = [q for q in QUESTIONS if q.id == "granite"]
    assert table("harbour", unheard)["orders"]["BM25"]["recall@20"] == 1.0
    nonsense = [type(q)(q.id, "zebra", q.answers, q.document, q.evidence, q.kind) for q in unheard]
    orders = table("harbour", nonsense)["orders"]
    assert orders["BM25"]["recall@20"] == 0.0 and orders["dense"]["recall@20"] == 1.0


def test_differences_are_paired_and_signed(table):
    crane = [q for q in QUESTIONS if q.document == "crane.md"]
    blind = [type(q)(q.id, "the office mole", q.answers, q.document, q.evidence, q.kind) for q in crane]
    found = table("harbour", blind)["orders"]
    joined = found["fused + shipped cross-encoder"]
    gain = joined["against_fused"]["mrr"]
    assert (
        gain["n"] == 2
        and gain["difference"] == pytest.approx(joined["mrr"] - found[FUSED]["mrr"], abs=1e-4)
        and gain["difference"] > 0
    )


def test_a_cross_encoder_is_left_out_where_it_was_trained(table):
    found = table("xquad-32", QUESTIONS)
    assert list(found["orders"]) == ["BM25", "dense", FUSED] and "trained on xquad-32" in found["notes"][0]


def test_cross_encoders_of_a_corpus_stand_in_the_table_too(table, tmp_path):
    (tmp_path / "identity.json").write_text('{"base": "0", "trained_on": ["xquad-32", "default"]}')
    assert f"fused + {tmp_path}" in table("harbour", QUESTIONS, ordering=[tmp_path])["orders"]
    found = table("xquad-32", QUESTIONS, ordering=[tmp_path])
    assert f"fused + {tmp_path}" not in found["orders"] and len(found["notes"]) == 3


def test_trained_embedders_stand_in_the_table_alone_fused_and_ordered(table, tmp_path):
    found = table("harbour", QUESTIONS, reading=[tmp_path])["orders"]
    assert [name for name in found if str(tmp_path) in name] == [
        f"dense, {tmp_path}",
        f"fused, {tmp_path}",
        f"fused, {tmp_path} + span scorer",
        f"fused, {tmp_path} + shipped cross-encoder",
    ]
    assert (
        found[f"dense, {tmp_path}"]["mrr"] == found["dense"]["mrr"]
        and found[f"dense, {tmp_path}"]["against_fused"]["mrr"]["n"] == 6
    )


def test_without_evidence_there_is_nothing_to_measure(table):
    with pytest.raises(EvaluationError, match="no question names its evidence"):
        table("harbour", [q for q in QUESTIONS if not q.evidence])
