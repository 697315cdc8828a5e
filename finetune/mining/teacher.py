"""A larger model behind an OpenAI-compatible endpoint that writes questions in place of the shipped question writer."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from finetune.mining.candidates import Candidate
from finetune.mining.question_prompt import EXAMPLES, question_prompt
from rag.core.sections import EndpointSettings
from rag.generation.chat_endpoint import Endpoint, Messages
from rag.models.resolve import LocalModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TASK = (
    "You write questions that people would put to a collection of documents. You get a passage, one sentence of it "
    "with an answer marked << >>, and that answer. Write one question that the marked answer answers and that is clear "
    "to somebody who does not see the passage: name what is meant, and "
    'never mention "the passage", "the text" or "the document". Do not use the words of the answer. Write the question '
    "alone, on one line."
)
ANSWER_TASK = (
    ' On a second line write "Answer:" and the shortest answer to your question, copied from the marked sentence '
    "letter by letter."
)


class Teacher:
    """Writes one question for each candidate.

    tokenizer: of the base that is trained, whose prompt the mined rows are for. answers: whether the model also trims
    the answer. name: the model and where it runs, for the run's result.
    """

    def __init__(self, endpoint: Endpoint, tokenizer: PreTrainedTokenizerBase, answers: bool = False):
        self.endpoint, self.tokenizer, self.answers = endpoint, tokenizer, answers
        self.name = f"{endpoint.settings.model} at {endpoint.url}"

    def write(self, candidates: list[Candidate]) -> list[tuple[Candidate, str]]:
        """Return each candidate with its question; where the teacher also answers, `with_answer` of the candidate."""
        conversations = [build_conversation(candidate, self.answers) for candidate in candidates]
        replies = map(parse_reply, self.endpoint.complete(conversations))
        return [
            (with_answer(candidate, answer) if self.answers else candidate, question)
            for candidate, (question, answer) in zip(candidates, replies, strict=True)
        ]


def open_teacher(url: str, answers: bool, settings: EndpointSettings, model: LocalModel) -> Teacher:
    """Return the teacher at an endpoint, and print where passages will go.

    model: the base that is trained. Raises EndpointError where the settings can't be used.
    """
    from transformers import AutoTokenizer

    endpoint = Endpoint(url, settings)
    rate = settings.per_minute or "any number of"
    print(f"teacher: passages go to {settings.model} at {endpoint.url}, at most {rate} requests a minute", flush=True)
    return Teacher(endpoint, AutoTokenizer.from_pretrained(model.path, local_files_only=True), answers)


def build_conversation(candidate: Candidate, answers: bool) -> Messages:
    """Return the chat messages that ask for a question: the task, examples, and the candidate with its passage."""
    messages = [{"role": "system", "content": TASK + (ANSWER_TASK if answers else "")}]
    for headings, marked, span, question in EXAMPLES:
        reply = f"{question}\nAnswer: {span}" if answers else question
        passage = re.sub("<<|>>", "", marked)
        messages += [_user_message(passage, headings, marked, span), {"role": "assistant", "content": reply}]
    return [
        *messages,
        _user_message(candidate.chunk.text, candidate.headings, candidate.marked, candidate.span),
    ]


def _user_message(passage: str, headings: str, marked: str, span: str) -> dict[str, str]:
    content = f"Passage: {' '.join(passage.split())}\n{question_prompt(headings, marked, span)}"
    return {"role": "user", "content": content}


def parse_reply(reply: str) -> tuple[str, str]:
    """Return question and answer, each "" where missing, without the labels, quotes and stars that models add."""
    question = answer = ""
    for line in reply.splitlines():
        label, colon, rest = line.strip().strip("*").partition(":")
        if colon and label.strip("* ").lower() == "answer":
            answer = answer or _without_quotes(rest)
        elif not question:
            question = _without_quotes(rest if colon and label.strip("* ").lower() == "question" else line)
    return question, answer


def _without_quotes(text: str) -> str:
    text = text.strip().strip("*").strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] + text[-1] in ('""', "“”", "''") else text


def with_answer(candidate: Candidate, answer: str) -> Candidate:
    """Return the candidate with the answer as its span, where the sentence has it literally and the two overlap.

    Otherwise the candidate stays as it was.
    """
    first = candidate.sentence[0]
    start, end = candidate.start - first, candidate.start - first + len(candidate.span)
    for match in re.finditer(re.escape(answer), candidate.sentence_text) if answer else ():
        if match.start() < end and start < match.end():
            return dataclasses.replace(candidate, start=first + match.start(), span=answer)
    return candidate
