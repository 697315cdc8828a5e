"""An answer as plain data, for `rag ask --json` and between a server and the command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from rag.answering.answer import Answer
from rag.answering.evidence.conflicts import Conflict
from rag.answering.evidence.grounding import Citation
from rag.core.chunk import Chunk
from rag.retrieval.passage import Passage


def answer_facts(answer: Answer) -> dict[str, Any]:
    """Return the answer as data that JSON can hold, without the span scorer's thousands of scores."""
    unread = [dataclasses.replace(passage, reading=None) for passage in answer.passages]
    return dataclasses.asdict(dataclasses.replace(answer, passages=unread))


def answer_from_facts(facts: Mapping[str, Any]) -> Answer:
    """Return the answer of which `facts` is `answer_facts`, also after it went through JSON."""
    passages = [Passage(**{**each, "chunk": Chunk.from_dict(each["chunk"])}) for each in facts["passages"]]
    parts = {
        "citations": [_citation(each) for each in facts["citations"]],
        "passages": passages,
        "conflicts": tuple(Conflict(**each) for each in facts["conflicts"]),
        "probable": _citation(facts["probable"]) if facts["probable"] else None,
        "unsupported": tuple(facts["unsupported"]),
    }
    return Answer(**{**facts, **parts})


def _citation(facts: Mapping[str, Any]) -> Citation:
    return Citation(**{**facts, "headings": tuple(facts["headings"])})
