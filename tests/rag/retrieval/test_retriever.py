import random

import pytest

from fakes import HashEmbedder, put
from rag.core.sections import RetrievalSettings
from rag.index.writer import StoreWriter
from rag.retrieval.passage import reciprocal_rank_fusion
from rag.retrieval.retriever import Retriever

TEXTS = {
    "crane.md": "# Crane\n\nThe crane lifts 40 tonnes.\n\n# Care\n\nGrease the slew ring every month.",
    "office.md": "# Office\n\nThe office opens at 08:30.\n\n# Fees\n\nBerth fees are paid at the office.",
    "mole.md": "# Mole\n\nThe Long Mole is 640 metres long.",
    "ice.md": "# Ice\n\nThe ice plant makes 12 tonnes of ice a day.",
    "boats.md": "# Boats\n\nPilot boats leave from berth two.",
}
QUESTIONS = [
    "How much can the crane lift?",
    "When does the office open?",
    "How long is the Long Mole?",
    "tonnes",
    "berth fees",
    "zebra",
]


def retriever(store, reranker=None, **settings):
    return Retriever(store, HashEmbedder(), RetrievalSettings(**settings), reranker)


def answers(store):
    found = retriever(store)
    return [[(p.chunk, p.score, p.cosine) for p in found.search(q, 10)] for q in QUESTIONS]


def test_reciprocal_rank_fusion_by_hand():
    fused = reciprocal_rank_fusion([[7, 8], [8, 9, 7]])
    assert fused == pytest.approx({7: 1 / 61 + 1 / 63, 8: 1 / 62 + 1 / 61, 9: 1 / 62})
    assert reciprocal_rank_fusion([[], []]) == {}


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
    other = StoreWriter(store.folder, {"embedder": "tiny", "chunker": "tiny"})
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


def test_a_search_of_some_documents_finds_theirs_alone_and_all_of_them(tiny_index):
    """Found among few candidates, though others come first: the search itself is restricted."""
    store = tiny_index(TEXTS)
    found = retriever(store, candidates=1)
    assert {p.chunk.document for p in found.search("crane tonnes", 9)} == {"crane.md"}
    assert {p.chunk.document for p in found.search("crane tonnes", 9, ["office.md", "mole.md"])} <= {
        "office.md",
        "mole.md",
    }
    in_two = retriever(store).search("tonnes", 9, {"ice.md", "boats.md"})
    assert [p.chunk.document for p in in_two] == ["ice.md", "boats.md"] and found.search("crane", 9, []) == []


def test_restricted_scores_are_those_of_the_whole_search(tiny_index):
    """Also for documents added and removed after the search files were made."""
    store = tiny_index(TEXTS)
    retriever(store).search("crane")
    put(store, "tug.md", "# Tug\n\nThe tug pulls 40 tonnes.")
    store.remove(["ice.md"])
    searched = retriever(store)
    for question in QUESTIONS:
        whole = {p.chunk: p for p in searched.search(question, 99)}
        some = searched.search(question, 99, ["tug.md", "crane.md", "ice.md"])
        assert {p.chunk.document for p in some} == {"tug.md", "crane.md"}
        for passage in some:
            assert (passage.cosine, passage.bm25) == (whole[passage.chunk].cosine, whole[passage.chunk].bm25)


def test_a_passage_has_the_score_of_each_stage(tiny_index):
    best = retriever(tiny_index(TEXTS), LongestFirst(), reranked=1).search("zebra tonnes", 9)
    assert best[0].reranked == len(best[0].chunk.text) and best[0].fused is not None
    assert all(p.reranked is None for p in best[1:]) and any(p.bm25 is None for p in best)


def test_an_empty_index_finds_nothing(tiny_index):
    assert retriever(tiny_index({})).search("anything") == []


class LongestFirst:
    def scores(self, question, chunks):
        return [float(len(c.text)) for c in chunks]


def test_the_cross_encoders_order_is_joined_with_the_fused_one_before_the_cut(tiny_index):
    store = tiny_index(TEXTS)
    fused = [p.chunk for p in retriever(store).search("mole", 20)]
    longest = sorted(fused, key=lambda c: (-len(c.text), fused.index(c)))
    joined = {c: 1 / (61 + fused.index(c)) + 1 / (61 + longest.index(c)) for c in fused}
    expected = sorted(fused, key=lambda c: (-joined[c], fused.index(c)))
    assert expected != fused and expected != longest
    found = retriever(store, LongestFirst(), passages=2)
    assert [p.chunk for p in found.search("mole", 20)] == expected and [
        p.chunk for p in found.search("mole")
    ] == expected[:2]
    assert [p.score for p in found.search("mole")] == pytest.approx([joined[c] for c in expected[:2]])
    assert "rerank" in found.timings


def test_what_the_cross_encoder_has_not_read_stays_behind_in_its_order(tiny_index):
    store, read = tiny_index(TEXTS), []

    class Backwards:
        def scores(self, question, chunks):
            read.extend(chunks)
            return [float(n) for n in range(len(chunks))]

    fused = [p.chunk for p in retriever(store).search("tonnes", 20)]
    found = [p.chunk for p in retriever(store, Backwards(), reranked=3).search("tonnes", 20)]
    assert read == fused[:3] and set(found[:3]) == set(fused[:3]) and found[3:] == fused[3:]


def test_equal_rerank_scores_keep_the_fused_order(tiny_index):
    store = tiny_index(TEXTS)

    class Same:
        def scores(self, question, chunks):
            return [1.0] * len(chunks)

    assert [p.chunk for p in retriever(store, Same()).search("tonnes")] == [
        p.chunk for p in retriever(store).search("tonnes")
    ]


def test_passage_cosine_is_that_of_the_embedder(tiny_index):
    best = retriever(tiny_index(TEXTS)).search("How long is the Long Mole?")[0]
    embed = HashEmbedder().question
    assert best.cosine == pytest.approx(
        float(embed("How long is the Long Mole?") @ embed(best.chunk.embedding_text)), abs=1e-3
    )  # the record keeps float16
