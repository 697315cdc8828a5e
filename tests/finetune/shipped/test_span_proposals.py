"""Kept proposals belong to weights, settings, documents, questions and versions of rules, not to source files."""

import hashlib
import json

import pytest

from corpus_in_small import DOCUMENTS
from fakes import HashEmbedder
from finetune.shipped import span_proposals
from finetune.shipped.span_proposals import (
    PROPOSALS_VERSION,
    STAGE,
    proposal_weights,
    propose_spans,
)
from rag.answering.spans.span_paths import best_span_paths
from rag.answering.wording.answer_type import expected_type
from rag.core.sections import RetrievalSettings
from rag.core.settings import Settings
from rag.core.text_metrics import token_f1
from rag.generation import prompt
from rag.generation.span_tree import build_span_tree, walk_tree
from rag.models.cross_encoder import claim_and_evidence
from rag.models.span_scorer import SpanScores
from rag.retrieval.retriever import Retriever

QUESTIONS = (
    "How many tonnes does the crane lift?",
    "When does the harbour office open?",
    "Who built the mole, and why?",
    "What must be greased?",
    "Which greasing is due before lifts?",
)
# What the rules give below, by version. Where they give something else on purpose, raise PROPOSALS_VERSION, or the
# version of what has changed, and put the new digest here: else kept proposals of the old rules are taken for new ones.
RULES = {"4": "82cbb060998d"}


def test_no_source_file_decides_whether_kept_proposals_are_used():
    assert {path.suffix for path in proposal_weights(Settings())} == {".safetensors", ".json"}


@pytest.fixture
def kept_name(tmp_path, monkeypatch):
    """Return a function that returns the name of the file of proposals for a bench without questions."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bench" / "documents").mkdir(parents=True)
    (tmp_path / "bench" / "questions.jsonl").write_text("")

    def name(*overrides: str) -> str:
        before = set(STAGE.folder.iterdir()) if STAGE.folder.exists() else set()
        assert propose_spans(Settings(overrides), tmp_path / "bench") == []
        (new,) = set(STAGE.folder.iterdir()) - before
        return new.name

    return name


def test_versions_settings_and_documents_decide_it(kept_name, tmp_path, monkeypatch):
    names = {kept_name(), kept_name("retrieval.passages=4")}
    (tmp_path / "bench" / "documents" / "a.md").write_text("# A\n\nThe crane lifts 40 tonnes.\n")
    names.add(kept_name())
    monkeypatch.setattr(span_proposals, "chunker_identity", lambda chunks: "another")
    names.add(kept_name())
    monkeypatch.setattr(span_proposals, "PROPOSALS_VERSION", "another")
    names.add(kept_name())
    assert len(names) == 5


def test_the_rules_are_those_of_their_version(tiny_index, tiny_generator):
    retriever = Retriever(tiny_index(DOCUMENTS), HashEmbedder(), RetrievalSettings())
    found = [_apply_rules(question, retriever, tiny_generator.tokenizer) for question in QUESTIONS]
    digest = hashlib.sha256(json.dumps(found).encode()).hexdigest()[:12]
    assert {PROPOSALS_VERSION: digest} == RULES


def _apply_rules(question: str, retriever: Retriever, tokenizer) -> list:
    """Return what retrieval, prompt, answer types, span search, span scorer and F1 make of a question."""
    chunks = [passage.chunk for passage in retriever.search(question)]
    kind = expected_type(question)
    tree = build_span_tree(tokenizer, chunks, kind)
    places = [place for _, node in walk_tree(tree) for place in node.places]
    spans = sorted({place.text(chunks[place.passage - 1]) for place in places})
    scores = []
    for chunk in chunks:
        offsets = [(at, at + 4) for at in range(0, len(chunk.search_text), 4)]
        scores.append(SpanScores(offsets, [n % 7 for n in range(len(offsets))], [n % 5 for n in range(len(offsets))]))
    evidence = [claim_and_evidence(question, "x", chunk, (0, 20)) for chunk in chunks]
    return [
        [chunk.search_text for chunk in chunks],
        prompt.render(tokenizer, question, chunks).ids,
        kind.pattern if kind else None,
        spans,
        best_span_paths(tree, scores, chunks),
        evidence,
        [round(token_f1(span, ["40 tonnes"]), 6) for span in spans],
    ]
