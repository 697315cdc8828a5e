"""The prompt of the local question writer: a trained one, or the base model after a few examples."""

from __future__ import annotations

import re
from typing import NamedTuple

from finetune.mining.candidates import Candidate
from rag.generation.generator import Generator
from rag.generation.prompt import PromptTokens, plain_ids

MAX_TOKENS = 32  # of a question
OPENINGS = {  # how a question for a kind of span begins
    "date": " When",
    "time": " What time",
    "amount": " How",
    "number": " How",
    "reason": " Why",
    "condition": " When",
    "duty": " What must",
    "name": " Which",
}
# "What is the name of the crane?": of ten such questions that passed every filter, two were good (eval/LOG.md).
NAME_OF = re.compile(r"what (?:is|was) the name of\b", re.I)


class Example(NamedTuple):
    """An example for models that are not trained to write questions."""

    headings: str
    marked: str  # a sentence with the span between << and >>
    span: str
    question: str


EXAMPLES = (
    Example(
        "Tea Rooms > Opening",
        "From May the tea rooms stay open until <<18:30>> on Saturdays.",
        "18:30",
        "Until what time are the tea rooms open on Saturdays from May?",
    ),
    Example(
        "Choir Rules > Fees",
        "New singers pay a joining fee of <<£15>>, returned after a year.",
        "£15",
        "How much is the joining fee for new singers in the choir?",
    ),
    Example(
        "Bridge Survey",
        "The northern pier was rebuilt by <<Tomas Arlen>> after the flood of 1954.",
        "Tomas Arlen",
        "Who rebuilt the northern pier of the bridge?",
    ),
    Example(
        "Seed Store Manual > Sorting",
        "Seeds with a cracked coat are kept in <<the blue drawer>>.",
        "the blue drawer",
        "Where are seeds with a cracked coat kept?",
    ),
    Example(
        "Workshop Notice",
        "Visitors must wear goggles because <<the lathe throws hot chips>>.",
        "the lathe throws hot chips",
        "Why do visitors to the workshop have to wear goggles?",
    ),
)


def question_prompt(headings: str, marked: str, span: str) -> str:
    """Return the writer's prompt up to where the question begins. marked: the sentence with its span in << >>."""
    return f"Text: {headings}: {_on_one_line(marked)}\nAnswer: {_on_one_line(span)}\nQuestion:"


def write_questions(writer: Generator, candidates: list[Candidate]) -> list[list[str]]:
    """Return up to two questions for each candidate, as the model wrote them.

    A trained writer writes one from the prompt alone and one from the opening that suits the kind of span, since left
    to itself it mostly asks for names. A base model writes one, after examples.
    """
    newline = writer.tokenizer("\n", add_special_tokens=False)["input_ids"][-1]
    examples = "" if writer.adapter else "".join(f"{question_prompt(*e[:3])} {e.question}\n\n" for e in EXAMPLES)
    starts: list[tuple[int, str]] = []
    for number, candidate in enumerate(candidates):
        opening = question_opening(candidate)
        starts += [(number, "")] + ([(number, opening)] if writer.adapter and opening else [])
    prompts = [f"{examples}{prompt_for(candidates[number])}{opening}" for number, opening in starts]
    ids: list[PromptTokens | list[int]] = [plain_ids(writer.tokenizer, prompt) for prompt in prompts]
    questions: list[list[str]] = [[] for _ in candidates]
    for (number, opening), written in zip(starts, writer.generate(ids, MAX_TOKENS, stop=newline), strict=True):
        question = f"{opening}{written.text}".strip().split("\n")[0].strip()
        if question not in questions[number] and not (writer.adapter and NAME_OF.match(question)):
            questions[number].append(question)
    return questions


def question_opening(candidate: Candidate) -> str:
    """Return how a question for this kind of span begins, with a space before it, or "" where that is open."""
    if candidate.kind == "amount" and candidate.span[0] in "£$€":
        return " How much"
    return OPENINGS.get(candidate.kind, "")


def prompt_for(candidate: Candidate) -> str:
    """Return the writer's prompt for a candidate."""
    return question_prompt(candidate.headings, candidate.marked, candidate.span)


def _on_one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
