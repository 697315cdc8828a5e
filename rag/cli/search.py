"""`rag search`: passages with the scores of each stage of the search."""

from __future__ import annotations

import argparse
import json
import re

from rag.core.errors import PromptError, StoreError
from rag.core.settings import Settings
from rag.index.document_names import matching

SNIPPET = 240  # characters
STAGES = {"dense": "dense", "bm25": "BM25", "fused": "fused", "reranked": "reranked"}


def run_search(args: argparse.Namespace, settings: Settings) -> None:
    """Print the passages that are found for words or a question, the best first."""
    words = " ".join(args.words)
    if not any(map(str.isalnum, words)):
        raise PromptError('there is nothing to search for: rag search "words"')
    if args.k < 1:
        raise PromptError("-k is a whole number of at least 1")
    from rag.factory import open_retriever, open_store
    from rag.retrieval.passage import passage_facts

    documents = matching(open_store(settings, args.index).documents(), args.within) if args.within else None
    passages = open_retriever(settings, args.index).search(words, args.k, documents)
    if not passages:
        raise StoreError("the index holds no text to search: rag index FOLDER")
    if args.json:
        print(json.dumps([passage_facts(passage) for passage in passages], ensure_ascii=False, indent=2))
        return
    for number, passage in enumerate(passages, 1):
        scores = ", ".join(f"{STAGES[stage]} {_number(score)}" for stage, score in passage.stage_scores.items())
        print(f"[{number}] {passage.chunk.location}\n    {scores}\n    {snippet(passage.chunk.text, words)}")


def _number(score: float | None) -> str:
    return "-" if score is None else f"{score:.3g}" if abs(score) < 1 else f"{score:.2f}"


def snippet(text: str, words: str) -> str:
    """Return at most SNIPPET characters of a text in one line: from where most of the words stand closest."""
    from rag.core.words import search_terms

    line = " ".join(text.split())
    if len(line) <= SNIPPET:
        return line
    wanted = set(search_terms(words))
    starts = [found.start() for found in re.finditer(r"(?<!\S)\S", line)]
    begin = max(starts, key=lambda at: (len(wanted.intersection(search_terms(line[at : at + SNIPPET]))), -at))
    cut = line[begin : begin + SNIPPET].rsplit(" ", 1)[0] if begin + SNIPPET < len(line) else line[begin:]
    return f"{'... ' if begin else ''}{cut}{' ...' if begin + SNIPPET < len(line) else ''}"
