"""THE prompt and its parser: mining, training, evaluation and serving all use these, and stamp their files with `fingerprint()`."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from rag.core.chunk import Chunk
from rag.core.errors import PromptError
from rag.core.invisible_characters import remove_invisible

REFUSAL = "The documents do not answer this."
SYSTEM = (
    "Answer the question using only the numbered passages. Give a short answer in their words and cite the passage like [2]. "
    f"If the passages do not contain the answer, say: {REFUSAL}"
)
QUESTION_LABEL = "Question:"
CLOSED_BOOK = "Answer the question in a few words."
_CITATION = re.compile(r"\s*\[(\d+)\]")


@dataclass(frozen=True)
class PromptTokens:
    """A rendered prompt. ids: token ids. supervised: how many of the last ids are the answer, which alone is trained on (0 when serving).
    prefix: how many of the first ids depend on the passages alone and are the same for every question; the rest starts with `invocation`.
    starts: where in the prefix each passage starts; before the first stand the instructions."""

    ids: list[int]
    supervised: int
    prefix: int
    starts: tuple[int, ...]

    @property
    def rest(self) -> list[int]:
        """What follows the prefix."""
        return self.ids[self.prefix :]

    def parts(self, apart: bool) -> tuple[tuple[int, ...], ...]:
        """-> the prefix as rag.generation.prefill reads it: the instructions, which all prompts share, and what follows them, whole or each passage for itself."""
        cuts = [0, *(self.starts if apart else self.starts[:1]), self.prefix]
        return tuple(tuple(self.ids[a:b]) for a, b in zip(cuts, cuts[1:], strict=False))


@dataclass(frozen=True)
class Invocation:
    """ids: the tokens that wake an adapter up. blank: how many characters of them stand before the word that asks."""

    ids: list[int]
    blank: int


@dataclass(frozen=True)
class ParsedAnswer:
    """What a generator said: the text without citations, the passage numbers cited (from 1), whether it is the refusal."""

    text: str
    cited: tuple[int, ...]
    refused: bool


def messages(question: str, passages: list[Chunk]) -> list[dict[str, str]]:
    """-> chat messages. The passages come before the question, so that they can be read once for many questions. A blank line stands between
    them and nowhere else: within passages and question white space is a single blank, so that nothing in them looks like the question's start."""
    shown = "\n\n".join(_shown(n, p) for n, p in enumerate(passages, 1))
    return [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": f"{shown}\n\n{QUESTION_LABEL} {_flat(question)}"},
    ]


def _shown(n: int, passage: Chunk) -> str:
    return f"[{n}] {_flat(' > '.join(passage.headings or (passage.title,)))}: {_flat(passage.text)}"


def answer_text(text: str, *cited: int) -> str:
    """-> the answer as the generator is taught to write it."""
    return f"{text} {''.join(f'[{number}]' for number in cited)}"


def citation_start(tokenizer: Any) -> int:
    """-> the token that follows an answer's text. Raises PromptError when it merges with the text."""
    text, whole = _ids(tokenizer, "word"), _ids(tokenizer, answer_text("word", 1))
    if whole[: len(text)] != text:
        raise PromptError("tokens merge across the end of an answer: --set answer.extractive=false")
    return whole[len(text)]


def render(tokenizer: Any, question: str, passages: list[Chunk], answer: str | None = None) -> PromptTokens:
    """-> token ids of the prompt; with `answer`, of prompt, answer and end-of-turn token, the last two supervised. What looks like a control token in
    question, passages or answer is spelt out as text.

    Raises PromptError when the tokens of the prompt, or of its part before the question or before a passage, are not a prefix of the whole.
    """
    control = _control(tokenizer)
    question, answer = _defused(question, control), None if answer is None else _defused(answer, control)
    passages = [_defused_passage(passage, control) for passage in passages]
    text = tokenizer.apply_chat_template(messages(question, passages), tokenize=False, add_generation_prompt=True)
    prompt = _ids(tokenizer, text)
    whole = prompt if answer is None else _ids(tokenizer, text + answer) + [tokenizer.eos_token_id]
    if whole[: len(prompt)] != prompt:
        raise PromptError(
            f"tokens merge across the start of the answer {answer[:30]!r}: this tokenizer needs another chat template"
        )
    start = invocation(tokenizer)
    prefix = _ids(tokenizer, text[: text.rindex(f"{QUESTION_LABEL} {_flat(question)}") - start.blank])
    if whole[: len(prefix)] != prefix or question_start(whole, start.ids) != len(prefix):
        raise PromptError(
            f"tokens merge across the start of the question {question[:30]!r}, or it begins again later: ask in other words"
        )
    return PromptTokens(
        whole, len(whole) - len(prompt), len(prefix), _starts(tokenizer, text, prefix, passages, start.blank)
    )


def _starts(tokenizer: Any, text: str, prefix: list[int], passages: list[Chunk], blank: int) -> tuple[int, ...]:
    found, at = [], 0
    for n, passage in enumerate(passages, 1):
        at = text.index(_shown(n, passage), at)
        before = _ids(tokenizer, text[: at - (blank if n > 1 else 0)])
        if prefix[: len(before)] != before:
            raise PromptError(
                f"tokens merge across the start of passage {n}: choose another model with --set model.generator=..."
            )
        found.append(len(before))
    return tuple(found)


def invocation(tokenizer: Any) -> Invocation:
    """-> the tokens that the question's part starts with in every prompt: adapters of activated LoRA (arXiv 2504.12397) wake up at their last
    occurrence. With the blank line before it where the tokenizer keeps that apart from any passage's end: no question holds a blank line, and so
    none can move the start."""
    for blank in ("\n\n", ""):
        ids = _ids(tokenizer, blank + QUESTION_LABEL)
        before = [f"A passage ends{end}" + ("" if blank else "\n\n") for end in (".", "", " 7", ")", "\u201d")]
        if all(
            _ids(tokenizer, b + blank + QUESTION_LABEL + " Why?")[: len(_ids(tokenizer, b)) + len(ids)]
            == _ids(tokenizer, b) + ids
            for b in before
        ):
            return Invocation(ids, len(blank))
    raise PromptError(
        f"tokens merge across the start of the question {QUESTION_LABEL!r}: choose another model with --set model.generator=..."
    )


def question_start(ids: list[int], start: list[int]) -> int | None:
    """-> where the invocation `start` occurs last in `ids`, None where it does not: the rule by which PEFT activates an adapter."""
    return next((i for i in range(len(ids) - len(start), -1, -1) if ids[i : i + len(start)] == start), None)


def render_plain(tokenizer: Any, text: str, system: str | None = None) -> list[int]:
    """-> token ids of a chat without passages: a general instruction, or with system=CLOSED_BOOK a question to be answered from memory."""
    chat = [{"role": "system", "content": system}] if system else []
    chat = [*chat, {"role": "user", "content": _defused(text, _control(tokenizer))}]
    return _ids(tokenizer, tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True))


def plain_ids(tokenizer: Any, text: str) -> list[int]:
    """-> token ids of text that holds a document's words, no control token among them."""
    return _ids(tokenizer, _defused(text, _control(tokenizer)))


def parse_answer(output: str) -> ParsedAnswer:
    """-> the parts of a generator's output; anything after a second line is dropped."""
    line = output.strip().split("\n")[0].strip()
    if line.startswith(REFUSAL.rstrip(".")):
        return ParsedAnswer(REFUSAL, (), True)
    cited: list[int] = []
    while found := _CITATION.findall(line):  # taking one out may leave another: [7[9]]
        cited += map(int, found)
        line = _CITATION.sub("", line)
    return ParsedAnswer(line.strip(), tuple(dict.fromkeys(cited)), False)


def fingerprint(tokenizer: Any) -> str:
    """-> 12 hex digits that change with the wording, the layout of passages, or the model's chat template."""
    sample = Chunk("d", "t", 0, 1, "x", ("h",), None)
    text = tokenizer.apply_chat_template(messages("q", [sample, sample]), tokenize=False, add_generation_prompt=True)
    return hashlib.sha256((text + answer_text("a", 1) + REFUSAL + tokenizer.eos_token).encode()).hexdigest()[:12]


def check_fingerprint(found: str, expected: str, what: str, remedy: str) -> None:
    """Raises PromptError unless `what` was made with the prompt in use."""
    if found != expected:
        raise PromptError(f"{what} was made with prompt {found}, the one in use is {expected}: {remedy}")


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", remove_invisible(text)).strip()


@lru_cache(maxsize=8)
def _control(tokenizer: Any) -> re.Pattern[str]:
    """-> what would become a token of the chat's own making, if it stood in a document: its special tokens, and all that are spelt like <|this|>."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    special = sorted(
        {token.content for token in added if token.special and len(token.content) > 1}, key=len, reverse=True
    )
    return re.compile("|".join([r"<\|[^|<>\s]{0,40}\|>", *map(re.escape, special)]))


def _defused(text: str, control: re.Pattern[str]) -> str:
    """-> the text with a blank after the first character of each control token, so that the tokenizer reads it as text."""
    text = remove_invisible(text)  # first, lest taking a character out afterwards join a token together
    while control.search(text):
        text = control.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
    return text


def _defused_passage(passage: Chunk, control: re.Pattern[str]) -> Chunk:
    headings = tuple(_defused(heading, control) for heading in passage.headings)
    return replace(
        passage, title=_defused(passage.title, control), headings=headings, text=_defused(passage.text, control)
    )


def _ids(tokenizer: Any, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]
