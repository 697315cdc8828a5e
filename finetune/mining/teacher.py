"""A larger model, behind an OpenAI-compatible endpoint, that writes the questions in place of the writer that ships."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from tqdm import tqdm

from finetune.mining.question_prompt import SHOTS, Candidate, ask_for, write_questions
from rag.core.chunk import Chunk
from rag.core.sections import EndpointSettings
from rag.generation.chat_endpoint import Endpoint, Messages
from rag.generation.generator import Generator
from rag.models.resolve import LocalModel

TASK = (
    "You write questions that people would put to a collection of documents. You get a passage, one sentence of it with an answer marked << >>, and that "
    "answer. Write one question that the marked answer answers and that is clear to somebody who does not see the passage: name what is meant, and "
    'never mention "the passage", "the text" or "the document". Do not use the words of the answer. Write the question alone, on one line.'
)
ANSWERED = ' On a second line write "Answer:" and the shortest answer to your question, copied from the marked sentence letter by letter.'


class Teacher:
    """Takes the shipped writer's place in mining. name: for the receipt. tokenizer: of the base that is trained, as the writer has it. answers: whether it also
    writes the short answer."""

    def __init__(self, endpoint: Endpoint, tokenizer: Any, answers: bool = False):
        self.endpoint, self.tokenizer, self.answers, self.name = (
            endpoint,
            tokenizer,
            answers,
            f"{endpoint.settings.model} at {endpoint.url}",
        )

    def write(self, spots: list[Candidate], chunks: list[Chunk]) -> list[tuple[Candidate, str]]:
        """-> each span with the question for it; where the teacher also answers, the span is its answer, if that fits (see `respan`)."""
        replies = self.endpoint.complete([conversation(spot, chunks[spot.chunk].text, self.answers) for spot in spots])
        read = [parse_reply(reply) for reply in replies]
        return [
            (respan(spot, answer) if self.answers else spot, question)
            for spot, (question, answer) in zip(spots, read, strict=True)
        ]


def open_teacher(url: str, answers: bool, settings: EndpointSettings, model: LocalModel) -> Teacher:
    """-> the teacher at the endpoint; says where passages go. Raises EndpointError when the settings can't be used."""
    from transformers import AutoTokenizer

    endpoint = Endpoint(url, settings)
    print(
        f"teacher: passages go to {settings.model} at {endpoint.url}, at most {settings.per_minute or 'any number of'} requests a minute",
        flush=True,
    )
    return Teacher(endpoint, AutoTokenizer.from_pretrained(model.path, local_files_only=True), answers)


def written(
    writer: Generator | Teacher, spots: list[Candidate], chunks: list[Chunk], bar: tqdm
) -> list[tuple[Candidate, list[str]]]:
    """-> each span with the questions for it, from either; a teacher's expense stands on the progress bar."""
    if isinstance(writer, Teacher):
        found = [(spot, [question]) for spot, question in writer.write(spots, chunks)]
        bar.set_postfix_str(writer.endpoint.usage(), refresh=False)
        return found
    return list(zip(spots, write_questions(writer, spots), strict=True))


def conversation(spot: Candidate, passage: str, answers: bool) -> Messages:
    """-> the task, the examples that the shipped writer's base is shown, and the span to ask for, as chat turns."""
    said = [{"role": "system", "content": TASK + (ANSWERED if answers else "")}]
    for headings, text, span, question in SHOTS:
        reply = f"{question}\nAnswer: {span}" if answers else question
        said += [
            _turn("user", re.sub("<<|>>", "", text), headings, text, span),
            {"role": "assistant", "content": reply},
        ]
    return [*said, _turn("user", passage, spot.headings, spot.text, spot.span)]


def _turn(role: str, passage: str, headings: str, text: str, span: str) -> dict[str, str]:
    return {"role": role, "content": f"Passage: {' '.join(passage.split())}\n{ask_for(headings, text, span)}"}


def parse_reply(reply: str) -> tuple[str, str]:
    """-> question and answer, each "" where missing; without the labels, quotes and stars that models put around them."""
    question = answer = ""
    for line in reply.splitlines():
        label, colon, rest = line.strip().strip("*").partition(":")
        if colon and label.strip("* ").lower() == "answer":
            answer = answer or _bare(rest)
        elif not question:
            question = _bare(rest if colon and label.strip("* ").lower() == "question" else line)
    return question, answer


def _bare(text: str) -> str:
    text = text.strip().strip("*").strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] + text[-1] in ('""', "“”", "''") else text


def respan(spot: Candidate, answer: str) -> Candidate:
    """-> the span replaced by the answer where that stands literally in the sentence and shares a character with it; else the span as it was."""
    if not answer or spot.text.count("<<") != 1 or spot.text.count(">>") != 1:
        return spot
    start, plain = spot.text.index("<<"), re.sub("<<|>>", "", spot.text)
    end = start + len(spot.span)
    for found in re.finditer(re.escape(answer), plain):
        if found.start() < end and start < found.end():
            return dataclasses.replace(
                spot, span=answer, text=f"{plain[: found.start()]}<<{answer}>>{plain[found.end() :]}"
            )
    return spot
