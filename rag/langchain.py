"""For LangChain: a retriever and a chat model over a pipeline.

from rag import open_pipeline
from rag.langchain import PipelineChat, PipelineRetriever

pipeline = open_pipeline()
PipelineRetriever(pipeline=pipeline).invoke("notice period")
PipelineChat(pipeline=pipeline).invoke("When was Kestrel Bay built?")
"""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.retrievers import BaseRetriever

from rag.answering.answer_facts import answer_facts
from rag.core.errors import PromptError
from rag.pipeline import Pipeline
from rag.retrieval.passage import Passage, passage_facts
from rag.retrieval.query_rewriting import Turn, rewrite_followup


class PipelineRetriever(BaseRetriever):
    """Finds passages. k: how many; those that the generator is shown if None."""

    pipeline: Any  # a Pipeline; pydantic would want to check its type by importing torch
    k: int | None = None

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        retriever = _of(self.pipeline).retriever
        retriever.refresh()
        return [_document(passage) for passage in retriever.search(query, self.k)]


class PipelineChat(BaseChatModel):
    """Answers the last message from the documents. The answer's facts, citations among them, are its metadata."""

    pipeline: Any  # as in PipelineRetriever

    @property
    def _llm_type(self) -> str:
        return "ragtune"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer = _of(self.pipeline).ask(_question(messages))
        message = AIMessage(answer.text, response_metadata=answer_facts(answer))
        return ChatResult(generations=[ChatGeneration(message=message)])


def _of(pipeline: Pipeline) -> Pipeline:
    return pipeline


def _document(passage: Passage) -> Document:
    facts = passage_facts(passage)
    return Document(facts.pop("text"), id=f"{passage.chunk.document}:{passage.chunk.start}", metadata=facts)


def _question(messages: list[BaseMessage]) -> str:
    """Return the last message as a question that stands alone."""
    said = [message for message in messages if message.type in ("human", "ai")]
    if not said or said[-1].type != "human":
        raise PromptError("the last message is not the user's: put the question there")
    former: Turn | None = None
    for message, after in zip(said, said[1:], strict=False):
        if message.type == "human":
            answer = after.text if after.type == "ai" else ""
            former = Turn(rewrite_followup(message.text, former), answer)
    return rewrite_followup(said[-1].text, former)
