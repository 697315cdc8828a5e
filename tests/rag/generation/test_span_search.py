"""Span search with the tiny model: every span stands in its passage, and scoring all spans finds the same best ones."""

import pytest
import torch

from fakes import passage
from rag.answering.wording.answer_type import expected_type
from rag.core.sections import PrefixSettings
from rag.generation import prompt
from rag.generation.base_models import BaseModels
from rag.generation.decoding import score_continuations
from rag.generation.span_search import search_spans
from rag.generation.span_tree import SpanNode, build_span_tree, walk_tree

TEXTS = [
    "The crane lifts 40 tonnes.  It closes\nat 17:00, or “later”.",
    "The office opens at 08:30 — since 1985 (£15 a day).",
]
CHUNKS = [passage(text, f"{n}.md").chunk for n, text in enumerate(TEXTS)]


def spans_of(tree: SpanNode) -> dict[tuple[int, ...], list]:
    return {path: node.places for path, node in walk_tree(tree) if node.places}


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def rendered(tiny_generator):
    return prompt.render(tiny_generator.tokenizer, "When does the crane close?", CHUNKS)


def test_every_span_is_words_of_one_sentence_as_the_prompt_shows_them(tiny_generator):
    spans = spans_of(build_span_tree(tiny_generator.tokenizer, CHUNKS))
    texts = set()
    for ids, places in spans.items():
        for place in places:
            text = CHUNKS[place.passage - 1].text[place.start : place.end]
            assert tiny_generator.tokenizer.decode(ids) == flat(text)
            assert place.sentence[0] <= place.start < place.end <= place.sentence[1]
            texts.add(flat(text))
    assert {
        "40 tonnes",
        "crane lifts 40",
        "17:00",
        "17:00, or “later",
        "£15 a day",
        "since 1985",
        "closes at 17:00",
    } <= texts
    assert not {"tonnes. It", "The crane lifts 40 tonnes. It"} & texts and not any(
        text.startswith(("ranes", "7:")) for text in texts - {"7:00"}
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("## 6.", set()),
        ("4.", set()),
        ("1.4 Anyone may ask.", {"Anyone", "may", "ask"}),
        ("2) Gates", {"Gates"}),
        ("### 3 Gates", {"Gates"}),
        ("2. Mai ist frei", {"2", "Mai", "ist", "frei"}),
        ("5.6 m of water", {"5.6", "m", "of", "water"}),
        ("12 people", {"12", "people"}),
        ("It is 1,200.50 at 17:05.", {"It", "is", "1,200.50", "at", "17:05"}),
    ],
)
def test_numbers_are_whole_and_those_of_sections_answer_nothing(tiny_generator, text, words):
    chunk = passage(text).chunk
    found = {
        chunk.text[p.start : p.end]
        for places in spans_of(build_span_tree(tiny_generator.tokenizer, [chunk])).values()
        for p in places
    }
    assert {span for span in found if " " not in span} == words


def span_texts(tokenizer, name, text):
    """Return the text of each span, which must be what the generator writes, and the quotes around them."""
    chunk = passage(text, name).chunk
    spans = spans_of(build_span_tree(tokenizer, [chunk]))
    for ids, places in spans.items():  # of a command the end stands for the whole
        assert all(place.text(chunk).endswith(tokenizer.decode(ids)) for place in places)
    return {p.text(chunk) for ps in spans.values() for p in ps}, {
        text[slice(*p.sentence)] for ps in spans.values() for p in ps
    }


def test_names_with_initials_and_days_with_a_stop_are_spans(tiny_generator):
    text = "Loads are signed by T. W. Ashdown. Die Miete ist bis zum 15. Juni fällig, sagt Dr. Weiss."
    texts, quotes = span_texts(tiny_generator.tokenizer, "a.txt", text)
    assert {"T. W. Ashdown", "15. Juni", "Dr. Weiss"} <= texts
    assert quotes == {text[:34], text[35:]}


def test_spans_are_without_marks_and_quotes_are_literal(tiny_generator):
    sentence = "Its state is _idle_, the fee **8 pounds**: [Ada *Lund*](mailto:ada@p.de)."
    text = f"## Pumps\n\n```sh\npumpctl -a --b\n```\n\n{sentence}"
    texts, quotes = span_texts(tiny_generator.tokenizer, "a.md", text)
    assert {"Pumps", "pumpctl -a --b", "idle", "8 pounds", "Ada Lund", "ada@p.de"} <= texts
    assert not any(c in span for span in texts for c in "*_`#[]") and not any(span.startswith("sh") for span in texts)
    assert quotes == {"## Pumps", "pumpctl -a --b", sentence}


def test_what_only_looks_like_a_mark_stays_in_a_span(tiny_generator):
    texts, _ = span_texts(tiny_generator.tokenizer, "a.md", "Set `snake_case` or --dry-run in src/__init__.py by a*b.")
    assert {"snake_case", "--dry-run", "src/__init__.py", "a*b"} <= texts


def test_a_line_of_code_is_quoted_as_a_whole_as_a_value_or_by_words(tiny_generator):
    text = "Run it with:\n\n~~~console\n$ pumpctl run --rate 9\n~~~\n\n```yaml\nowner: Ada Lund\n```"
    texts, quotes = span_texts(tiny_generator.tokenizer, "a.md", text)
    assert texts == {"pumpctl run --rate 9", "pumpctl", "run", "--rate", "9"} | {
        *("owner", "owner: Ada Lund", "Ada", "Ada Lund", "Lund")
    }
    assert quotes == {"$ pumpctl run --rate 9", "owner: Ada Lund"}
    rst = "Run it::\n\n   pumpctl *all* now\n   pumpctl off\n\nThen *stop*."
    assert {"pumpctl *all* now", "pumpctl off", "stop"} <= span_texts(tiny_generator.tokenizer, "a.rst", rst)[0]


def test_cells_are_apart(tiny_generator):
    texts, _ = span_texts(tiny_generator.tokenizer, "a.md", "| Bolt | M8 | steel |")
    assert texts == {"Bolt", "M8", "steel"}


def test_scripts_without_spaces_have_spans_of_whole_characters(tiny_generator):
    texts, quotes = span_texts(tiny_generator.tokenizer, "a.txt", "费用是300元。谁？王先生。")
    assert {"300元", "费用", "王先生"} <= texts and quotes == {"费用是300元。", "谁？", "王先生。"}


def test_where_a_kind_is_asked_for_every_span_holds_it_early_on(tiny_generator):
    def texts(question):
        tree = build_span_tree(tiny_generator.tokenizer, CHUNKS, expected_type(question))
        return {flat(CHUNKS[p.passage - 1].text[p.start : p.end]) for places in spans_of(tree).values() for p in places}

    timed = texts("What time does it close?")
    assert {"17:00", "closes at 17:00", "08:30"} <= timed < texts("Where is it?") and all(
        "17:00" in text or "08:30" in text for text in timed
    )
    assert "40 tonnes" in texts("How many tonnes does it lift?")
    long = passage("The crane that stands on the old quay beside the shed lifts 40 tonnes.").chunk
    early = spans_of(build_span_tree(tiny_generator.tokenizer, [long], expected_type("How many tonnes?")))
    assert (
        max(len(long.text[p.start : p.end].split()) for places in early.values() for p in places) == 6
    )  # 40 is the fifth word at the latest


def test_where_nothing_is_of_the_kind_asked_for_any_span_may_answer(tiny_generator):
    chunks = [passage("The gate is shut at night.").chunk]
    spans = [
        spans_of(build_span_tree(tiny_generator.tokenizer, chunks, kind))
        for kind in (None, expected_type("How many gates are there?"))
    ]
    assert spans[0].keys() == spans[1].keys() and spans[0]


def test_the_best_spans_are_those_that_scoring_every_one_finds(tiny_generator, rendered):
    tokenizer, closing = tiny_generator.tokenizer, prompt.citation_start(tiny_generator.tokenizer)
    tree = build_span_tree(tokenizer, CHUNKS)
    every = list(spans_of(tree))
    with torch.inference_mode():
        state = tiny_generator.prefill([rendered])
        each = {ids: sum(score_continuations(tiny_generator.base_model, state, [[*ids, closing]])[0]) for ids in every}
        found = search_spans(tiny_generator.base_model, state, tree, closing, beams=len(every), margin=1e9)
        few = search_spans(tiny_generator.base_model, state, tree, closing, beams=4)
    assert len(found) == len(every)
    for span in (*found, *few):
        assert span.logprob == pytest.approx(each[span.ids], abs=1e-3)
    assert [span.logprob for span in found] == sorted((span.logprob for span in found), reverse=True)
    assert len(few) == 4 and few[0].logprob <= found[0].logprob + 1e-6


def test_what_others_name_is_scored_as_well_however_unlikely(tiny_generator, rendered):
    tokenizer, closing = tiny_generator.tokenizer, prompt.citation_start(tiny_generator.tokenizer)
    tree = build_span_tree(tokenizer, CHUNKS)
    with torch.inference_mode():
        state = tiny_generator.prefill([rendered])
        length = state.cache.get_seq_length()
        every = search_spans(
            tiny_generator.base_model, state, tree, closing, beams=len(list(walk_tree(tree))), margin=1e9
        )
        few = search_spans(tiny_generator.base_model, state, tree, closing, beams=3)
        worst = [span.ids for span in every[-4:]]
        more = search_spans(
            tiny_generator.base_model, state, tree, closing, beams=3, extra_paths=[*worst, few[0].ids, worst[0]]
        )
        assert state.cache.get_seq_length() == length
    assert {span.ids for span in more} == {span.ids for span in few} | {*worst} and len(more) == len(few) + 4
    known = {span.ids: span for span in every}
    assert all(
        span.logprob == pytest.approx(known[span.ids].logprob, abs=1e-3) and span.places == known[span.ids].places
        for span in more
    )
    assert [span.logprob for span in more] == sorted((span.logprob for span in more), reverse=True)


def test_proposing_leaves_what_was_read_as_it_was(tiny_generator, rendered):
    before = tiny_generator.generate([rendered], 8)
    first = tiny_generator.propose_spans(rendered, CHUNKS, [])
    again = tiny_generator.propose_spans(rendered, CHUNKS, tiny_generator.tokenizer("40")["input_ids"])
    assert first[0] == again[0] and first[1] == [] and len(again[1]) == len(tiny_generator.tokenizer("40")["input_ids"])
    assert tiny_generator.generate([rendered], 8) == before


def test_an_adapter_proposes_otherwise_than_its_base(tiny_model, tiny_adapter, rendered):
    from rag.generation.generator import Generator
    from rag.models.resolve import find_model

    tuned = Generator(find_model(str(tiny_model)), "cpu", "float32", tiny_adapter, bases=BaseModels(PrefixSettings(10)))
    with tuned.without_adapter():
        base = tuned.propose_spans(rendered, CHUNKS, [])[0]
    assert [s.logprob for s in tuned.propose_spans(rendered, CHUNKS, [])[0]] != [s.logprob for s in base]


def test_passages_without_words_give_no_spans(tiny_generator):
    chunks = [passage("... !!! —").chunk]
    tokens = prompt.render(tiny_generator.tokenizer, "What?", chunks)
    assert tiny_generator.propose_spans(tokens, chunks, []) == ([], [])
