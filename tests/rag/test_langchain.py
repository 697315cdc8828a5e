"""LangChain's retriever and chat model over a pipeline, used as LangChain's own parts are."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from rag.core.errors import PromptError
from rag.core.sections import RetrievalSettings
from rag.langchain import PipelineChat, PipelineRetriever
from rag.pipeline import Pipeline
from rag.retrieval.retriever import Retriever
from serving import ANSWER, HARBOUR, QUESTION, SentenceAnswerer


@pytest.fixture
def pipeline(tiny_index, tiny_embedder):
    retriever = Retriever(tiny_index(HARBOUR), tiny_embedder, RetrievalSettings())
    return Pipeline(retriever, SentenceAnswerer())


def test_the_retriever_gives_passages_with_their_places_and_scores(pipeline):
    first, *others = PipelineRetriever(pipeline=pipeline, k=2).invoke("crane tonnes")
    assert len(others) == 1 and "40 tonnes" in first.page_content
    assert first.metadata["document"] == "harbour.md" and first.metadata["bm25"] > 0
    place = slice(first.metadata["start"], first.metadata["end"])
    assert HARBOUR["harbour.md"][place] == first.page_content
    assert len(PipelineRetriever(pipeline=pipeline).invoke("crane")) == 3


def test_the_chat_model_answers_in_a_chain_with_its_citations(pipeline):
    model = PipelineChat(pipeline=pipeline)
    message = model.invoke(QUESTION)
    assert message.text == ANSWER and not message.response_metadata["refused"]
    assert message.response_metadata["citations"][0]["document"] == "board/minutes.md"
    chain = (
        ChatPromptTemplate.from_messages([("system", "Be kind."), ("human", "{question}")]) | model | StrOutputParser()
    )
    assert chain.invoke({"question": QUESTION}) == ANSWER
    assert "".join(chain.stream({"question": QUESTION})) == ANSWER


def test_the_chat_model_understands_a_follow_up_question(pipeline):
    said = [SystemMessage("Be kind."), HumanMessage(QUESTION), AIMessage("1998"), HumanMessage("Who built it?")]
    PipelineChat(pipeline=pipeline).invoke(said)
    assert pipeline.answerer.asked[0].startswith("Who built it") and "Kestrel Bay" in pipeline.answerer.asked[0]
    with pytest.raises(PromptError, match="the last message"):
        PipelineChat(pipeline=pipeline).invoke(said[:3])
