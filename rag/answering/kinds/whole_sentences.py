"""Questions of how to do something, or what to do: a few words do not answer them.

They get the sentence around the selected span, and steps where that sentence is part of a list.
"""

from __future__ import annotations

import re

from rag.answering.kinds.lists import item_lines
from rag.core.chunk import Chunk
from rag.core.sentences import sentence_spans

Span = tuple[int, int]
MOST_CHARACTERS = 500  # of steps that are shown; a chunk has 520

_YOU = "(?:i|we|you|one|people|users?)"
_PROCEDURE = re.compile(
    rf"\bhow (?:(?:do|does|did|can|could|should|would|must|shall|may) {_YOU}|to)\b"
    rf"|\bwhat (?:should|must|can|could|do|shall) {_YOU} (?:do|try|check)\b|\b(?:what|which) (?:are the )?steps\b"
    rf"|\bwhat(?:['’]s| is| are) the (?:steps?|procedure|instructions?|drill|way)\b|\bwhat to do\b"
    rf"|\bwhat (?:am|are) {_YOU} (?:supposed|meant|to) (?:to )?do\b|\bstep by step\b",
    re.I,
)
_TOLD = re.compile(
    r"(?:do not|don['’]t|never|always|then|next|finally|afterwards?|after that|first|second(?:ly)?|third(?:ly)?|lastly"
    r"|if|when|once|make sure|be sure|add|adjust|allow|apply|ask|attach|bring|call|change|check|choose|clean|clear"
    r"|click|close|come|connect|contact|copy|create|cut|delete|disconnect|drain|dry|edit|empty|enter|fill|find|fit|fix|follow"
    r"|get|give|go|hang|hold|insert|install|keep|leave|lift|light|lock|look|lower|mark|measure|move|note|open|pay|phone"
    r"|photograph|place|plug|pour|press|pull|push|put|raise|read|record|release|remove|repeat|replace|report|reset"
    r"|restart|return|ring|rinse|run|save|see|select|send|set|show|sign|sound|start|stay|stop|store|switch|take|tap|tell"
    r"|test|tie|tighten|touch|try|turn|type|unplug|update|use|wait|walk|warn|wash|wear|wipe|write)\b",
    re.I,
)
MOST_FOLLOWING = 3  # sentences that go on telling what to do


def asks_for_sentences(question: str) -> bool:
    """Return whether a sentence answers the question better than a few words of it."""
    return bool(_PROCEDURE.search(question))


def with_steps(question: str, chunk: Chunk, sentence: Span) -> Span:
    """Return the characters of the sentence and, where something is to be done, of what is to be done with it.

    That is the list that it is part of, with what leads to it ("Proceed as follows:"), or the next sentences of its
    paragraph that go on telling what to do. sentence: its characters in the chunk's text.
    """
    if not _PROCEDURE.search(question):
        return sentence
    steps = _list_around(chunk.text, sentence) or _told_further(chunk.text, sentence)
    return steps if steps[1] - steps[0] <= MOST_CHARACTERS else sentence


def _told_further(text: str, sentence: Span) -> Span:
    """Return the sentence with those after it in its paragraph that tell what to do; an item of a list alone."""
    end = sentence[1]
    if item_lines(text, sentence):
        return sentence
    following = [span for span in sentence_spans(text) if span[0] >= end][:MOST_FOLLOWING]
    for start, last in following:
        if "\n\n" in text[end:start] or not _TOLD.match(text, start):
            break
        end = last
    return sentence[0], end


def _list_around(text: str, sentence: Span) -> Span | None:
    """Return the list that the sentence stands in or leads to, with the sentence before it; None for no list."""
    lines = item_lines(text, sentence)
    if not lines or len(lines) == 1 and lines[0][0] < sentence[1]:
        return None
    first, last = lines[0][0], lines[-1][1]
    before = [span for span in sentence_spans(text) if span[1] <= first]
    led = before and text[before[-1][0] : before[-1][1]].rstrip().endswith(":")
    return (before[-1][0] if led else first), last
