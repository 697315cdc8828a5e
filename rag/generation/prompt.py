"""The prompt and its parser.

Mining, training, evaluation and serving all use these and stamp their files with `fingerprint()`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from rag.core.chunk import Chunk
from rag.core.errors import PromptError
from rag.core.invisible_characters import remove_invisible
from rag.generation.control_tokens import control_pattern, escape_control_tokens, escape_passage

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Adapters are trained on these texts: changing one makes the existing adapters unfit.
REFUSAL = "The documents do not answer this."
SYSTEM = (
    "Answer the question using only the numbered passages. Give a short answer in their words and cite the passage "
    f"like [2]. If the passages do not contain the answer, say: {REFUSAL}"
)
QUESTION_LABEL = "Question:"
CLOSED_BOOK = "Answer the question in a few words."
_CITATION = re.compile(r"\s*\[(\d+)\]")


@dataclass(frozen=True)
class PromptTokens:
    """A rendered prompt, with its completion when it is for training.

    ids: all token ids: the prefix (instructions and passages), the question, the completion.
    completion_length: number of ids of the completion, which alone is trained on; 0 when serving.
    prefix_length: number of ids of the prefix, which is the same for every question about these passages.
    passage_starts: where in the prefix each passage starts; the instructions stand before the first.
    """

    ids: list[int]
    completion_length: int
    prefix_length: int
    passage_starts: tuple[int, ...]

    @property
    def prompt(self) -> list[int]:
        """The ids before the completion."""
        return self.ids[: len(self.ids) - self.completion_length]

    @property
    def question(self) -> list[int]:
        """The ids between prefix and completion. They start with the invocation tokens."""
        return self.prompt[self.prefix_length :]

    @property
    def completion(self) -> list[int]:
        """The ids of the answer and the end-of-turn token."""
        return self.ids[len(self.ids) - self.completion_length :]

    @property
    def suffix(self) -> list[int]:
        """The ids of question and completion."""
        return self.ids[self.prefix_length :]

    def parts(self, block_attention: bool) -> tuple[tuple[int, ...], ...]:
        """Return the prefix as PrefixReader takes it: the instructions, then the passages.

        With block attention each passage is a part of its own, else all passages are one part.
        """
        starts = self.passage_starts if block_attention else self.passage_starts[:1]
        cuts = [0, *starts, self.prefix_length]
        return tuple(tuple(self.ids[a:b]) for a, b in zip(cuts, cuts[1:], strict=False))


@dataclass(frozen=True)
class Invocation:
    """The tokens that activate an adapter. blank: how many line breaks they have before the question's label."""

    ids: list[int]
    blank: int


@dataclass(frozen=True)
class ParsedAnswer:
    """A generator's output: the text without citations, the cited passage numbers (from 1), whether it is a refusal."""

    text: str
    cited: tuple[int, ...]
    refused: bool


def messages(question: str, passages: list[Chunk]) -> list[dict[str, str]]:
    """Return the chat messages of a question about passages.

    The passages come first, so that their prefix cache serves many questions. Blank lines stand between the parts and
    nowhere else: white space within a part becomes one space, so that no document can imitate the question's start.
    """
    shown = "\n\n".join(_numbered(number, passage) for number, passage in enumerate(passages, 1))
    return [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": f"{shown}\n\n{QUESTION_LABEL} {_one_line(question)}"},
    ]


def _numbered(number: int, passage: Chunk) -> str:
    return f"[{number}] {_one_line(passage.heading_path)}: {_one_line(passage.text)}"


def answer_text(text: str, *cited: int) -> str:
    """Format an answer with its citations, as the generator is trained to write it."""
    return f"{text} {''.join(f'[{number}]' for number in cited)}"


def without_citations(text: str) -> str:
    """Return a document's words without what would look like a citation of ours: its own "[2]"."""
    while (without := _CITATION.sub("", text)) != text:  # again, since "[7[9]]" leaves "[7]"
        text = without
    return text.strip()


def citation_start(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the token that starts the citation after an answer's text.

    Raises PromptError when that token merges with the text.
    """
    text, whole = _encode(tokenizer, "word"), _encode(tokenizer, answer_text("word", 1))
    if whole[: len(text)] != text:
        raise PromptError("tokens merge across the end of an answer: --set answer.extractive=false")
    return whole[len(text)]


def render(
    tokenizer: PreTrainedTokenizerBase, question: str, passages: list[Chunk], answer: str | None = None
) -> PromptTokens:
    """Tokenize the prompt; with `answer`, also the completion (answer and end-of-turn token).

    Control tokens in question, passages or answer are spelt out as text. Raises PromptError when tokens merge across
    the start of a passage, the question or the answer, because a prefix cache is then not reusable.
    """
    control = control_pattern(tokenizer)
    question = escape_control_tokens(question, control)
    passages = [escape_passage(passage, control) for passage in passages]
    text = _chat_text(tokenizer, messages(question, passages))
    prompt = whole = _encode(tokenizer, text)
    if answer is not None:
        answer = escape_control_tokens(answer, control)
        whole = [*_encode(tokenizer, text + answer), tokenizer.eos_token_id]
        if whole[: len(prompt)] != prompt:
            reason = "this tokenizer needs another chat template"
            raise PromptError(f"tokens merge across the start of the answer {answer[:30]!r}: {reason}")
    start = invocation(tokenizer)
    prefix = _encode(tokenizer, text[: text.rindex(f"{QUESTION_LABEL} {_one_line(question)}") - start.blank])
    if whole[: len(prefix)] != prefix or question_start(whole, start.ids) != len(prefix):
        reason = f"tokens merge across the start of the question {question[:30]!r}, or it begins again later"
        raise PromptError(f"{reason}: ask in other words")
    passage_starts = _passage_starts(tokenizer, text, prefix, passages, start.blank)
    return PromptTokens(whole, len(whole) - len(prompt), len(prefix), passage_starts)


def _passage_starts(
    tokenizer: PreTrainedTokenizerBase, text: str, prefix: list[int], passages: list[Chunk], blank: int
) -> tuple[int, ...]:
    starts, at = [], 0
    for number, passage in enumerate(passages, 1):
        at = text.index(_numbered(number, passage), at)
        before = _encode(tokenizer, text[: at - (blank if number > 1 else 0)])
        if prefix[: len(before)] != before:
            remedy = "choose another model with --set model.generator=..."
            raise PromptError(f"tokens merge across the start of passage {number}: {remedy}")
        starts.append(len(before))
    return tuple(starts)


def invocation(tokenizer: PreTrainedTokenizerBase) -> Invocation:
    """Return the tokens that the question starts with in every prompt.

    Adapters of activated LoRA (Greenewald et al. 2025, arXiv 2504.12397) are active from their last occurrence on.
    They include the blank line before the label if the tokenizer keeps it apart from the passage before it. No
    question holds a blank line, so no question can move the start. Raises PromptError when the tokens always merge.
    """
    for blank in ("\n\n", ""):
        ids = _encode(tokenizer, blank + QUESTION_LABEL)
        if all(_starts_apart(tokenizer, end + ("" if blank else "\n\n"), blank, ids) for end in _PASSAGE_ENDS):
            return Invocation(ids, len(blank))
    remedy = "choose another model with --set model.generator=..."
    raise PromptError(f"tokens merge across the start of the question {QUESTION_LABEL!r}: {remedy}")


_PASSAGE_ENDS = [f"A passage ends{end}" for end in (".", "", " 7", ")", "\u201d")]  # samples to test a tokenizer with


def _starts_apart(tokenizer: PreTrainedTokenizerBase, before: str, blank: str, ids: list[int]) -> bool:
    whole, expected = _encode(tokenizer, f"{before}{blank}{QUESTION_LABEL} Why?"), _encode(tokenizer, before) + ids
    return whole[: len(expected)] == expected


def question_start(ids: list[int], start: list[int]) -> int | None:
    """Return where the invocation `start` occurs last in `ids`, None if it does not: PEFT's rule of activation."""
    return next((i for i in range(len(ids) - len(start), -1, -1) if ids[i : i + len(start)] == start), None)


def render_plain(tokenizer: PreTrainedTokenizerBase, text: str, system: str | None = None) -> list[int]:
    """Tokenize a chat without passages.

    That is a general instruction, or with system=CLOSED_BOOK a question to be answered from memory.
    """
    chat = [{"role": "system", "content": system}] if system else []
    chat.append({"role": "user", "content": escape_control_tokens(text, control_pattern(tokenizer))})
    return _encode(tokenizer, _chat_text(tokenizer, chat))


def plain_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Tokenize text from a document, with control tokens spelt out."""
    return _encode(tokenizer, escape_control_tokens(text, control_pattern(tokenizer)))


def parse_answer(output: str) -> ParsedAnswer:
    """Parse the first line of a generator's output; the rest is dropped."""
    line = output.strip().split("\n")[0].strip()
    if line.startswith(REFUSAL.rstrip(".")):
        return ParsedAnswer(REFUSAL, (), True)
    cited: list[int] = []
    while found := _CITATION.findall(line):  # removing one citation may leave another: [7[9]]
        cited += map(int, found)
        line = _CITATION.sub("", line)
    return ParsedAnswer(line.strip(), tuple(dict.fromkeys(cited)), False)


def fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return 12 hex digits that change with the wording, the layout of passages or the model's chat template."""
    sample = Chunk("d", "t", 0, 1, "x", ("h",), None)
    text = _chat_text(tokenizer, messages("q", [sample, sample]))
    content = text + answer_text("a", 1) + REFUSAL + cast(str, tokenizer.eos_token)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def check_fingerprint(found: str, expected: str, what: str, remedy: str) -> None:
    """Raise PromptError unless `what` was made with the prompt in use."""
    if found != expected:
        raise PromptError(f"{what} was made with prompt {found}, the one in use is {expected}: {remedy}")


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", remove_invisible(text)).strip()


def _chat_text(tokenizer: PreTrainedTokenizerBase, chat: list[dict[str, str]]) -> str:
    return cast(str, tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True))


def _encode(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return cast(list[int], tokenizer(text, add_special_tokens=False)["input_ids"])
