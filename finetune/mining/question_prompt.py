"""The question writer asks for a span of a sentence: a trained one, or the base model after a few examples."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.core.chunk import Chunk
from rag.generation.generator import Generator
from rag.generation.prompt import plain_ids

OPENINGS = {
    "date": " When",
    "time": " What time",
    "amount": " How",
    "number": " How",
    "reason": " Why",
    "condition": " When",
    "duty": " What must",
    "name": " Which",
}
NAME_OF = re.compile(
    r"what (?:is|was) the name of\b", re.I
)  # of 10 that passed every filter, 2 were good (eval/LOG.md)
SHOTS = (  # headings, sentence with the span marked, span, question
    (
        "Tea Rooms > Opening",
        "From May the tea rooms stay open until <<18:30>> on Saturdays.",
        "18:30",
        "Until what time are the tea rooms open on Saturdays from May?",
    ),
    (
        "Choir Rules > Fees",
        "New singers pay a joining fee of <<£15>>, returned after a year.",
        "£15",
        "How much is the joining fee for new singers in the choir?",
    ),
    (
        "Bridge Survey",
        "The northern pier was rebuilt by <<Tomas Arlen>> after the flood of 1954.",
        "Tomas Arlen",
        "Who rebuilt the northern pier of the bridge?",
    ),
    (
        "Seed Store Manual > Sorting",
        "Seeds with a cracked coat are kept in <<the blue drawer>>.",
        "the blue drawer",
        "Where are seeds with a cracked coat kept?",
    ),
    (
        "Workshop Notice",
        "Visitors must wear goggles because <<the lathe throws hot chips>>.",
        "the lathe throws hot chips",
        "Why do visitors to the workshop have to wear goggles?",
    ),
)


@dataclass(frozen=True)
class Candidate:
    """A span to ask for. text: the sentence it stands in, with the span between << and >>; sentence: its start and end in the chunk's text. chunk: its chunk's
    position among all. kind: of finetune.mining.answer_spans."""

    chunk: int
    sentence: tuple[int, int]
    headings: str
    text: str
    span: str
    kind: str


def candidate(position: int, chunk: Chunk, sentence: tuple[int, int], start: int, span: str, kind: str) -> Candidate:
    """sentence: its start and end, start: the span's start, all in the chunk's text."""
    end = start + len(span)
    marked = f"{chunk.text[sentence[0] : start]}<<{span}>>{chunk.text[end : sentence[1]]}"
    return Candidate(position, sentence, " > ".join(chunk.headings or (chunk.title,)), marked, span, kind)


def ask_for(headings: str, text: str, span: str) -> str:
    """-> the writer's prompt, up to where the question begins."""
    return f"Text: {headings}: {_flat(text)}\nAnswer: {_flat(span)}\nQuestion:"


def write_questions(generator: Generator, candidates: list[Candidate]) -> list[list[str]]:
    """-> up to two questions a candidate, as the model wrote them: by a trained writer from the prompt alone, and once more from the opening that the kind of
    span wants, since left to itself it mostly asks what the name of something is, which is thrown away; by a base model after a few examples."""
    newline = generator.tokenizer("\n", add_special_tokens=False)["input_ids"][-1]
    shots = "" if generator.adapter else _shots()
    asked = [
        (n, start)
        for n, c in enumerate(candidates)
        for start in ("", *([_opening(c)] if generator.adapter and _opening(c) else []))
    ]
    texts = [
        f"{shots}{ask_for(candidates[n].headings, candidates[n].text, candidates[n].span)}{start}" for n, start in asked
    ]
    ids = [plain_ids(generator.tokenizer, text) for text in texts]
    written: list[list[str]] = [[] for _ in candidates]
    for (n, start), said in zip(asked, generator.generate(ids, 32, stop=newline), strict=True):
        question = f"{start}{said.text}".strip().split("\n")[0].strip()
        if question not in written[n] and not (generator.adapter and NAME_OF.match(question)):
            written[n].append(question)
    return written


def _opening(spot: Candidate) -> str:
    """-> how a question for this kind of span begins, "" where that is open."""
    if spot.kind == "amount" and spot.span[0] in "£$€":
        return " How much"
    return OPENINGS.get(spot.kind, "")


def _shots() -> str:
    return "".join(f"{ask_for(*shot[:3])} {shot[3]}\n\n" for shot in SHOTS)


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
