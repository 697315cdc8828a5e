"""Free answers, cut into claims: each is borne out by a sentence of a passage and cited, or it is left out.

Attribution after the fact, as RARR does it (Gao et al., ACL 2023, arXiv 2210.08726), but nothing is edited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.answering.evidence.grounding import Citation, ground
from rag.answering.wording.negation import contradicts
from rag.core.sentences import sentence_spans
from rag.generation.prompt import ParsedAnswer, parse_answer
from rag.generation.span_tree import IsOpen
from rag.retrieval.passage import Passage

_CITED_AFTER_STOP = re.compile(r"([.!?]+)((?:\s*\[\d+\])+)")
_ITEM = re.compile(r"^\s*(?:#+|[-*+•]|\d{1,2}[.)])\s+")
_THOUGHTS = re.compile(r"<(think(?:ing)?|reasoning|reflection)>.*?(?:</\1>\s*|\Z)", re.S | re.I)
_NAME, _WORD = re.compile(r"(?<=[\w,;:)] )[A-Z][^\W_]+"), re.compile(r"[^\W_]+")
# What a model says of its sources: "Based on the information provided in the first passage, ..."
_SOURCE = r"(?:\w+ ){0,2}(?:passages?|documents?|text|context|information|sources?)"
_LEAD_IN = re.compile(
    rf"^(?:(?:based on|according to|as (?:stated|mentioned|described) in) (?:the )?{_SOURCE}"
    rf"(?: (?:provided|given|above|shown))?(?: in (?:the )?{_SOURCE})?,|(?:the )?{_SOURCE} (?:states?|says?|mentions?)"
    rf"(?: that)?:?)\s+(?=\S)",
    re.I,
)
_SHORT = 6  # words of a claim that has no verb of its own, most likely: "40 tonnes"
_VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|may|might|can|could|must|will|would|shall|should|do|does|did|has|have|had"
    r"|\w{2,}ed)\b",
    re.I,
)


@dataclass(frozen=True)
class Attribution:
    """What became of a free answer.

    kept: the claims that a passage bears out. citations: their evidence, each once. unsupported: the other claims.
    """

    kept: list[str]
    citations: list[Citation]
    unsupported: list[str]


def attribute(question: str, output: str, passages: list[Passage], is_open: IsOpen | None = None) -> Attribution:
    """Find a sentence or table row of the passages for each claim of a generator's output.

    A claim has all its numbers in that sentence, all its names there or in the headings above it or in the question,
    most of the other words that the question does not have, and agrees with it in negation. is_open: whether a cell of
    a passage may answer; all may if None.
    """
    found = Attribution([], [], [])
    for claim in claims_of(output):
        found_for = ground(claim, passages, is_open, question)
        agreeing = [citation for citation in found_for if not _is_denied(claim.text, citation.quote, question)]
        citations = [citation for citation in agreeing if not _other_names(claim, question, citation)]
        if citations:
            found.kept.append(claim.text)
            found.citations.extend(citation for citation in citations if citation not in found.citations)
        else:
            found.unsupported.append(claim.text)
    return found


def without_thoughts(output: str) -> str:
    """Return an output without what a model that thinks first wrote before its answer; "" where it never ended."""
    return _THOUGHTS.sub("", output)


def claims_of(output: str) -> Iterator[ParsedAnswer]:
    """Yield the sentences and list items of an output with the passages that each cites; no refusal among them.

    What they say of their sources ("According to the passage,") is left out.
    """
    for line in output.splitlines():
        text = _CITED_AFTER_STOP.sub(r"\2\1", _ITEM.sub("", line))
        for start, end in sentence_spans(text):
            said = _LEAD_IN.sub("", text[start:end])
            claim = parse_answer(said[:1].upper() + said[1:] if said != text[start:end] else said)
            if any(map(str.isalnum, claim.text)) and not claim.refused:
                yield claim


def _other_names(claim: ParsedAnswer, question: str, evidence: Citation) -> set[str]:
    """Return the names in a claim, but for its first word, that neither question nor evidence has."""
    known = " ".join((question, evidence.quote, evidence.location, *evidence.headings)).lower()
    return {name.lower() for name in _NAME.findall(claim.text)} - set(_WORD.findall(known))


def _is_denied(claim: str, sentence: str, question: str) -> bool:
    """Return whether claim and sentence differ in negation; without a verb, a claim has that of the question."""
    if len(claim.split()) < _SHORT or not contradicts(claim, sentence):
        return False
    return _VERB.search(claim) is not None or contradicts(f"{question} {claim}", sentence)
