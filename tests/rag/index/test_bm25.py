import random
import string

import numpy as np
import pytest
from rank_bm25 import BM25Okapi

import rag.index.bm25
import rag.index.bm25_scoring
import rag.index.rank_bm25_scorer
from rag.core.words import search_terms
from rag.index.bm25 import BM25Index, index_terms

WORDS = [f"{letter}{n}" for n in range(12) for letter in string.ascii_lowercase]


@pytest.fixture(autouse=True, params=["rank-bm25", "postings"])
def scorer(request, monkeypatch):
    """Run each test with the scores of rank-bm25 and with those of the postings."""
    monkeypatch.setattr(rag.index.bm25, "RANK_BM25_MOST", 10**9 if request.param == "rank-bm25" else 0)
    return request.param


def make(texts: dict[int, str]) -> BM25Index:
    return BM25Index.build(np.array(list(texts), np.int64), texts.values())


def update(index: BM25Index, texts: dict[int, str], gone: list[int]) -> BM25Index:
    return index.updated(np.array(list(texts), np.int64), texts.values(), np.array(gone, np.int64))


def some_text(rng: random.Random) -> str:
    """Words as uneven as language's, so that some are in most texts and some in one; sometimes none at all."""
    return " ".join(rng.choices(WORDS, weights=[1 / (n + 1) for n in range(len(WORDS))], k=rng.randint(0, 40)))


def test_words_are_lower_case_and_without_a_plural_s():
    assert search_terms("Pallets, BUS gas glass 08:30 Café’s") == [
        "pallet",
        "bus",
        "gas",
        "glass",
        "08",
        "30",
        "cafe",
        "s",
    ]


def test_bm25_compares_stems():
    words = "Reporting reported reports report; berths berth; TQ3 12.5 café"
    assert index_terms(words) == [*["report"] * 4, "berth", "berth", "tq3", "12", "5", index_terms("cafe")[0]]


def test_scores_by_hand():
    """Three texts of one word each: idf = ln 2.5 - ln 1.5; f = 1 and length = mean, so the rest is 2.5 / (1 + 1.5)."""
    assert make({4: "apple", 5: "pear", 9: "plum"}).search("Apple?", 5) == [(4, pytest.approx(np.log(2.5 / 1.5)))]


@pytest.mark.parametrize("seed", range(12))
def test_scores_are_those_of_rank_bm25_and_ranks_are_complete(seed):
    rng = random.Random(seed)
    texts = {3 * n + 1: some_text(rng) for n in range(rng.randint(1, 150))}
    texts[1] += " a0"  # rank-bm25 divides by zero where no text has a word
    index, oracle = make(texts), BM25Okapi([index_terms(text) for text in texts.values()])
    for _ in range(20):
        question, k = some_text(rng)[:40], rng.choice([1, 5, 50])
        scores = dict(zip(texts, oracle.get_scores(index_terms(question)), strict=True))
        found = index.search(question, k)
        assert [score for _, score in found] == pytest.approx([scores[id] for id, _ in found], abs=1e-9)
        right = sorted((score for score in scores.values() if score > 0), reverse=True)
        least = right[min(k, len(right)) - 1] if right else 1
        assert {id for id, _ in found} == {id for id, score in scores.items() if score > 0 and score >= least - 1e-12}


@pytest.mark.parametrize("seed", range(12))
def test_both_scorers_give_the_same_scores_and_order_to_the_bit_after_any_additions_and_removals(seed, monkeypatch):
    rng = random.Random(seed)
    texts = {n: some_text(rng) for n in range(rng.randint(0, 120))}
    indexes = {}
    for most in (0, 10**9):
        monkeypatch.setattr(rag.index.bm25, "RANK_BM25_MOST", most)
        indexes[most] = make(texts)
        indexes[most].search("a0", 1)  # from here on the index keeps its scorer
    for step in range(4):
        gone = rng.sample(sorted(texts), rng.randint(0, len(texts) // 3))
        new = {1000 * (step + 1) + n: some_text(rng) for n in range(rng.randint(0, 40))}
        texts = {id: text for id, text in {**texts, **new}.items() if id not in gone}
        for most in indexes:
            monkeypatch.setattr(rag.index.bm25, "RANK_BM25_MOST", most)
            indexes[most] = update(indexes[most], new, gone)
            indexes[most].search("a0", 1)
        for _ in range(20):
            question, k = some_text(rng)[:80], rng.choice([1, 4, 50, 1000])
            assert indexes[0].search(question, k) == indexes[10**9].search(question, k)


def test_rank_bm25_serves_up_to_the_border(monkeypatch):
    made, rank_bm25 = [], rag.index.rank_bm25_scorer.RankBM25Scorer

    def counted(chunks):
        made.append(chunks.count)
        return rank_bm25(chunks)

    monkeypatch.setattr(rag.index.rank_bm25_scorer, "RankBM25Scorer", counted)
    monkeypatch.setattr(rag.index.bm25, "RANK_BM25_MOST", 3)
    index = make({n: f"crane {n}" for n in range(3)})
    larger = update(index, {7: "crane"}, [])
    for each in (index, larger, update(larger, {}, [0])):
        each.search("crane", 1)
    assert made == [3, 3]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_was_added_and_removed_the_scores_are_those_of_a_fresh_index_to_the_bit(seed):
    rng = random.Random(seed)
    texts = {n: some_text(rng) for n in range(rng.randint(0, 80))}
    index, next_id = make(texts), 1000
    for _ in range(5):
        gone = rng.sample(sorted(texts), rng.randint(0, len(texts) // 2))
        new = {next_id + n: some_text(rng) for n in range(rng.randint(0, 15))}
        next_id += 100
        before = index.search("a0 b0 c1", 7)
        after = update(index, new, gone)
        assert index.search("a0 b0 c1", 7) == before  # readers of the old one see no change
        texts = {id: text for id, text in {**texts, **new}.items() if id not in gone}
        index, fresh = after, make(texts)
        assert len(index) == len(texts)
        for _ in range(10):
            question, k = some_text(rng)[:60], rng.choice([1, 4, 50])
            assert index.search(question, k) == fresh.search(question, k)


def test_ids_that_were_never_there_can_be_removed():
    index = update(make({1: "crane", 2: "mole"}), {}, [7])
    assert index.search("crane", 5) == make({1: "crane", 2: "mole"}).search("crane", 5)


def test_all_that_equal_the_last_are_given():
    index = make({id: "crane lifts" for id in (5, 6, 7, 8)} | {id: f"mole {id}" for id in range(10, 20)})
    assert [id for id, _ in index.search("lifts", 2)] == [5, 6, 7, 8]


@pytest.mark.parametrize("question", ["", "?", "zebra", "the of"])
def test_a_question_without_a_known_word_finds_nothing(question):
    assert make({1: "crane", 2: "mole"}).search(question, 5) == []
    assert make({}).search(question, 5) == []


def test_a_saved_index_gives_the_same(tmp_path):
    rng = random.Random(1)
    index = make({n: some_text(rng) for n in range(60)})
    index.save(tmp_path / "lexical", 42)
    loaded, change = BM25Index.load(tmp_path / "lexical")
    assert change == 42 and len(loaded) == 60 and loaded.search("a0 b3 c1", 9) == index.search("a0 b3 c1", 9)


def test_what_is_kept_of_common_words_changes_no_score(monkeypatch):
    rng = random.Random(2)
    texts = {n: some_text(rng) for n in range(300)}
    plain = make(texts).search("a0 b0 c0", 20)
    monkeypatch.setattr(rag.index.bm25_scoring, "COMMON", 1)
    monkeypatch.setattr(rag.index.bm25_scoring, "CACHED", 150)  # room for some of them
    keeping = make(texts)
    assert keeping.search("a0 b0 c0", 20) == keeping.search("a0 b0 c0", 20) == plain
