from hash_embedder import HashEmbedder
from rag.core.sections import RetrievalSettings
from rag.retrieval.passage import Passage
from rag.retrieval.retriever import Retriever, show_named_rows
from rag.retrieval.row_search import named_chunks, other_writings
from rag.retrieval.table_rows import Question
from tables import passages, prose, table_chunks, table_document

BUYERS = ["Ulsby Mill", "Falk & Sons", "Nordre Dairy", "Varde Inn"]
ORDERS = (
    "Order|Buyer|Weight|Sent",
    *(f"B-{n}|{buyer}|{n % 7 + 12} kg|{n % 28 + 1} May 2026"
      for n, buyer in zip(range(410, 450), BUYERS * 10, strict=True)),
)  # fmt: skip
CHUNKS = table_chunks(*ORDERS, name="orders.csv")


def where(text: str) -> int:
    (found,) = [n for n, chunk in enumerate(CHUNKS) if text in chunk.text]
    return found


def test_the_chunk_of_the_named_row_is_found_among_many_alike():
    assert len(CHUNKS) > 4
    assert named_chunks(Question("What is the weight of order B-431?"), CHUNKS) == [where("B-431")]
    assert named_chunks(Question("What is the weight of order b431?"), CHUNKS) == [where("B-431")]


def test_a_row_that_is_not_there_and_a_common_word_find_nothing():
    assert named_chunks(Question("What is the weight of order B-977?"), CHUNKS) == []
    assert named_chunks(Question("Is there a mill by the river?"), CHUNKS) == []


def test_a_row_is_not_found_for_a_question_about_more_than_its_table_knows():
    assert named_chunks(Question("Which licence did B-431 of Captain Holm need abroad?"), CHUNKS) == []


def test_numbers_and_dates_are_searched_in_other_writings():
    said = other_writings(Question("Who paid 12500 on 3 June 2026?"))
    assert "12,500" in said and "2026-06-03" in said and "3 june jun" in said
    assert "k17" in other_writings(Question("Who has K-17?"))


def found(question: str, *shown: Passage, searched: list[Passage], places: int = 3) -> list[str]:
    return [p.chunk.text for p in show_named_rows(Question(question), list(shown), searched, places)][:places]


def test_the_named_row_takes_the_last_place_and_the_rest_keep_their_order():
    a, b, c = passages(prose("Mills grind.", "a.md"), prose("Weights are in kg.", "b.md"), prose("Orders.", "c.md"))
    row = passages(CHUNKS[where("B-431")])
    assert found("What is the weight of order B-431?", a, b, c, searched=row) == [
        a.chunk.text, b.chunk.text, row[0].chunk.text]  # fmt: skip
    assert found("What is the weight of order B-977?", a, b, c, searched=row) == [p.chunk.text for p in (a, b, c)]


def test_rows_that_a_question_names_never_take_the_place_of_the_best_passage():
    rows = table_chunks("Ferry|Trip|Leaves", *(f"Alder|{n}|{n % 12}:30" for n in range(1, 60)), name="trips.csv")
    assert len(named_chunks(Question("When was Alder built?"), rows)) >= 3
    best = passages(prose("Alder was built in 1998.", "a.md"))
    shown = found("When was Alder built?", *best, searched=passages(*rows))
    assert shown[0] == best[0].chunk.text and len(shown) <= 3


def test_a_row_that_is_shown_already_stays_where_it_is():
    rows = passages(CHUNKS[where("B-431")])
    (a, b) = passages(prose("Mills grind.", "a.md"), prose("Weights are in kg.", "b.md"))
    assert found("What is the weight of order B-431?", *rows, a, b, searched=rows)[0] == rows[0].chunk.text


def retriever(store, **settings) -> Retriever:
    return Retriever(store, HashEmbedder(), RetrievalSettings(**settings))


def put_orders(store) -> None:
    store.put(table_document(*ORDERS, name="orders.csv"), CHUNKS, HashEmbedder().passages([c.text for c in CHUNKS]))


def test_search_shows_the_named_row_whatever_reads_more_like_the_question(tiny_index):
    texts = {f"{n}.md": f"# Weight {n}\n\nWhat is the weight of an order? The weight of the order." for n in range(9)}
    store = tiny_index(texts)
    put_orders(store)
    searched = retriever(store, candidates=3, passages=3)
    question = "What is the weight of the order b431 ?"
    shown = [p.chunk.text for p in searched.search(question)]
    plain = searched._fused(question, HashEmbedder().question(question), 3, None)
    assert not any("B-431" in p.chunk.text for p in plain)
    assert len(shown) == 3 and sum("B-431" in text for text in shown) == 1


def test_without_cells_in_the_index_search_is_as_it_was(tiny_index):
    store = tiny_index({"a.md": "# Orders\n\nOrder B-431 weighs 16 kg.", "b.md": "# Mills\n\nMills weigh much."})
    searched = retriever(store)
    plain = searched._fused("weight of B-431", HashEmbedder().question("weight of B-431"), 9, None)
    assert searched.search("weight of B-431", 9) == plain


def test_rows_of_documents_that_are_not_searched_are_not_shown(tiny_index):
    store = tiny_index({"a.md": "# Orders\n\nThe weight of an order."})
    put_orders(store)
    shown = retriever(store).search("What is the weight of order B-431?", documents=["a.md"])
    assert {p.chunk.document for p in shown} == {"a.md"}
