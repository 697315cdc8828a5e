import random

import numpy as np
import pytest
from fakes import HashEmbedder, put
from rank_bm25 import BM25Okapi

from rag.dense import Dense
from rag.lexical import Lexical, words
from rag.retrieval import RetrievalSettings, Retriever, reciprocal_rank_fusion
from rag.store import Store

TEXTS = {
    "crane.md": "# Crane\n\nThe crane lifts 40 tonnes.\n\n# Care\n\nGrease the slew ring every month.",
    "office.md": "# Office\n\nThe office opens at 08:30.\n\n# Fees\n\nBerth fees are paid at the office.",
    "mole.md": "# Mole\n\nThe Long Mole is 640 metres long.",
    "ice.md": "# Ice\n\nThe ice plant makes 12 tonnes of ice a day.",
    "boats.md": "# Boats\n\nPilot boats leave from berth two.",
}
QUESTIONS = ["How much can the crane lift?", "When does the office open?", "How long is the Long Mole?", "tonnes", "berth fees", "zebra"]


def retriever(store, reranker=None, **settings):
    return Retriever(store, HashEmbedder(), RetrievalSettings(**settings), reranker)


def answers(store):
    found = retriever(store)
    return [[(p.chunk, p.score, p.cosine) for p in found.search(q, 10)] for q in QUESTIONS]


def test_reciprocal_rank_fusion_by_hand():
    fused = reciprocal_rank_fusion([[7, 8], [8, 9, 7]])
    assert fused == pytest.approx({7: 1 / 61 + 1 / 63, 8: 1 / 62 + 1 / 61, 9: 1 / 62})
    assert reciprocal_rank_fusion([[], []]) == {}


def test_words_are_lower_case_and_without_a_plural_s():
    assert words("Pallets, BUS gas glass 08:30 Café’s") == ["pallet", "bus", "gas", "glass", "08", "30", "café", "s"]


def test_lexical_scores_are_those_of_rank_bm25(tiny_index):
    chunks = tiny_index(TEXTS).load()[0]
    oracle = BM25Okapi([words(c.searched) for c in chunks])
    for question in QUESTIONS:
        scores = oracle.get_scores(words(question))
        best = sorted((i for i in range(len(chunks)) if scores[i] > 0), key=lambda i: (-scores[i], i))[:4]
        assert Lexical(chunks).search(question, 4) == [(i, scores[i]) for i in best]


def test_lexical_finds_nothing_in_nothing():
    assert Lexical([]).search("anything", 5) == []


def test_dense_search_is_the_exact_inner_product(tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 8)).astype(np.float32)
    query = rng.normal(size=8).astype(np.float32)
    found = Dense.open(tmp_path, vectors, 1).search(query, 5)
    assert [i for i, _ in found] == np.argsort(-(vectors @ query))[:5].tolist()
    assert [s for _, s in found] == pytest.approx(np.sort(vectors @ query)[::-1][:5].tolist(), rel=1e-5)


def test_dense_keeps_one_file_and_reads_it_again(tmp_path):
    vectors = np.eye(4, dtype=np.float32)
    Dense.open(tmp_path, vectors, 1)
    Dense.open(tmp_path, vectors[:3], 2)
    assert [p.name for p in tmp_path.iterdir()] == ["dense-2.faiss"]
    written = (tmp_path / "dense-2.faiss").stat().st_mtime_ns
    Dense.open(tmp_path, vectors[:3], 2)
    assert (tmp_path / "dense-2.faiss").stat().st_mtime_ns == written


def broken(data):
    middle = len(data) // 2
    return {
        "truncated": data[:middle],
        "empty": b"",
        "garbage": b"\xff" * len(data),
        "one bit": data[:-20] + bytes([data[-20] ^ 64]) + data[-19:],
    }


@pytest.mark.parametrize("way", broken(bytes(40)))
def test_a_broken_dense_file_is_made_again(tiny_index, way):
    store = tiny_index(TEXTS)
    before = answers(store)
    file = next(store.folder.glob("dense-*.faiss"))
    whole = file.read_bytes()
    file.write_bytes(broken(whole)[way])
    assert answers(store) == before
    assert file.read_bytes() == whole


def test_a_dense_file_of_another_index_is_not_trusted(tmp_path):
    Dense.open(tmp_path, np.eye(3, 5, dtype=np.float32), 1)
    for vectors in (np.eye(3, 4, dtype=np.float32), np.eye(3, 4, 1, dtype=np.float32)):
        assert Dense.open(tmp_path, vectors, 1).search(vectors[2], 1) == [(2, 1.0)]


def test_a_dense_index_works_where_its_folder_cannot_be_written(tmp_path):
    vectors = np.eye(3, dtype=np.float32)
    assert Dense.open(tmp_path / "no such folder", vectors, 1).search(vectors[1], 1) == [(1, 1.0)]


def test_results_do_not_depend_on_the_order_of_insertion(tiny_index):
    expected = answers(tiny_index(TEXTS))
    assert expected[0][0][0].document == "crane.md"
    for seed in range(3):
        names = list(TEXTS)
        random.Random(seed).shuffle(names)
        assert answers(tiny_index({name: TEXTS[name] for name in names})) == expected


def test_add_update_and_remove_equal_a_fresh_build(tiny_index):
    store = tiny_index({**TEXTS, "mole.md": "An earlier text of the mole", "gone.md": "The crane is gone"})
    answers(store)
    store.remove(["gone.md", "ice.md"])
    answers(store)
    put(store, "mole.md", TEXTS["mole.md"])
    put(store, "ice.md", TEXTS["ice.md"])
    assert answers(store) == answers(tiny_index(TEXTS))


def test_refresh_sees_what_another_handle_committed(tiny_index):
    store = tiny_index(TEXTS)
    served = retriever(store)
    other = Store(store.folder, {"embedder": "tiny", "chunker": "tiny"})
    put(other, "zebra.md", "# Zebra\n\nA zebra was seen.")
    assert "zebra.md" not in {p.chunk.document for p in served.search("zebra", 20)}
    served.refresh()
    assert served.search("zebra")[0].chunk.document == "zebra.md"
    other.remove(["zebra.md"])
    other.close()
    served.refresh()
    assert "zebra.md" not in {p.chunk.document for p in served.search("zebra", 20)}


def test_search_gives_as_many_as_asked_and_times_its_parts(tiny_index):
    found = retriever(tiny_index(TEXTS), passages=2)
    assert len(found.search("crane")) == 2 and len(found.search("crane", 4)) == 4
    assert set(found.timings) == {"embed", "search"}


def test_an_empty_index_finds_nothing(tiny_index):
    assert retriever(tiny_index({})).search("anything") == []


class LongestFirst:
    def scores(self, question, chunks):
        return [float(len(c.text)) for c in chunks]


def test_the_reranker_orders_all_candidates_before_the_cut(tiny_index):
    store = tiny_index(TEXTS)
    found = retriever(store, LongestFirst(), passages=2)
    lengths = sorted((len(c.text) for c in store.load()[0]), reverse=True)
    shown = found.search("mole")
    assert [len(p.chunk.text) for p in shown] == lengths[:2] == [p.score for p in shown]
    assert "rerank" in found.timings


def test_equal_rerank_scores_keep_the_fused_order(tiny_index):
    store = tiny_index(TEXTS)

    class Same:
        def scores(self, question, chunks):
            return [1.0] * len(chunks)

    assert [p.chunk for p in retriever(store, Same()).search("tonnes")] == [p.chunk for p in retriever(store).search("tonnes")]


def test_passage_cosine_is_that_of_the_embedder(tiny_index):
    best = retriever(tiny_index(TEXTS)).search("How long is the Long Mole?")[0]
    embed = HashEmbedder().question
    assert best.cosine == pytest.approx(float(embed("How long is the Long Mole?") @ embed(best.chunk.searched)), abs=1e-6)
