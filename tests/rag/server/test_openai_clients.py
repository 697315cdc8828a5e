"""The official clients of OpenAI's interface get text and citations in each mode."""

import json

import httpx
import openai
import pytest

from rag.core.errors import StoreError
from rag.generation.prompt import REFUSAL
from serving import ANSWER, QUESTION, UNKNOWN


@pytest.fixture
def client(served):
    made = served()
    made.openai = openai.OpenAI(base_url=f"{made.url}/v1", api_key="none", max_retries=0)
    return made


def asked(question=QUESTION):
    return [{"role": "system", "content": "Be kind."}, {"role": "user", "content": question}]


def test_models_lists_what_answers(client):
    listed = {model.id: model for model in client.openai.models.list()}
    assert list(listed) == ["ragtune", "base", "reader"]
    assert listed["ragtune"].answers_as == "reader" and client.openai.models.retrieve("base").id == "base"
    with pytest.raises(openai.NotFoundError, match="GET /v1/models lists ragtune, base, reader"):
        client.openai.models.retrieve("gpt-9")


def check_url(client, url, quote):
    """The address shows the quote: as data for programs, and in a page for a browser."""
    assert url.startswith(client.url)
    facts = httpx.get(url).json()
    assert facts["text"][facts["start"] - facts["offset"] : facts["end"] - facts["offset"]] == quote
    page = httpx.get(url, headers={"Accept": "text/html"})
    assert page.status_code == 303 and page.headers["location"].startswith("/?document=board%2Fminutes.md&start=")


def test_a_chat_completion_has_text_and_citations(client):
    found = client.openai.chat.completions.create(model="ragtune", messages=asked())
    message = found.choices[0].message
    assert message.content == ANSWER and found.choices[0].finish_reason == "stop"
    (annotation,) = message.annotations
    assert annotation.type == "url_citation" and annotation.url_citation.title == "board/minutes.md"
    assert message.content[annotation.url_citation.start_index : annotation.url_citation.end_index] == ANSWER
    check_url(client, annotation.url_citation.url, ANSWER)
    assert found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens > 10
    assert found.ragtune["confidence"] == 0.9 and not found.ragtune["refused"]


def test_a_streamed_chat_completion_has_text_and_all_citations_in_one_chunk(client):
    options = {"include_usage": True}
    chunks = list(
        client.openai.chat.completions.create(model="reader", messages=asked(), stream=True, stream_options=options)
    )
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == ANSWER and deltas[0].role == "assistant"
    (annotated,) = [delta for delta in deltas if getattr(delta, "annotations", None)]
    assert [each["index"] for each in annotated.annotations] == [0]
    assert chunks[-1].usage.total_tokens > 10 and chunks[-2].choices[0].finish_reason == "stop"


def test_the_client_that_joins_chunks_gets_the_annotations_too(client):
    with client.openai.chat.completions.stream(model="ragtune", messages=asked()) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_completion().choices[0].message
    assert "content.done" in kinds and message.content == ANSWER
    assert message.annotations[0].url_citation.url.startswith(client.url)


def test_a_response_has_text_citations_and_the_passages(client):
    response = client.openai.responses.create(model="ragtune", input=QUESTION)
    assert response.output_text == ANSWER and response.status == "completed"
    search, message = response.output
    assert search.type == "file_search_call" and search.results[0].text.count("1998") == 1
    files = [each for each in message.content[0].annotations if each.type == "file_citation"]
    assert [(each.file_id, each.index) for each in files] == [("board/minutes.md", len(ANSWER))]
    check_url(client, next(each for each in message.content[0].annotations if each.type == "url_citation").url, ANSWER)


def test_a_streamed_response_has_every_event_in_order(client):
    with client.openai.responses.stream(model="ragtune", input=asked()) as stream:
        events = list(stream)
        response = stream.get_final_response()
    assert response.output_text == ANSWER
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert kinds.count("response.output_item.done") == 2 and kinds.count("response.output_text.annotation.added") == 2
    assert [event.sequence_number for event in events] == list(range(len(events)))
    raw = list(client.openai.responses.create(model="ragtune", input=QUESTION, stream=True))
    assert [event.type for event in raw] == kinds


def test_a_follow_up_question_is_understood_in_both_interfaces(client):
    history = [
        *asked(),
        {"role": "assistant", "content": "1998"},
        {"role": "user", "content": "And the harbour office?"},
    ]
    found = client.openai.chat.completions.create(model="ragtune", messages=history)
    assert found.ragtune["asked_as"] != "And the harbour office?" and QUESTION[:8] in found.ragtune["asked_as"]
    first = client.openai.responses.create(model="ragtune", input=QUESTION)
    again = client.openai.responses.create(model="ragtune", input="Who built it?", previous_response_id=first.id)
    assert "Kestrel Bay" in again.output[0].queries[0]


def test_what_a_response_gave_can_be_sent_back_as_clients_do(client):
    """The conversation is the input, the whole output of the response, its file search too, and the next question."""
    first = client.openai.responses.create(model="ragtune", input=asked())
    told = [each.model_dump() for each in first.output]
    again = client.openai.responses.create(input=[*asked(), *told, {"role": "user", "content": "Who built it?"}])
    assert "Kestrel Bay" in again.output[0].queries[0]


def test_what_is_not_read_may_be_long_and_what_is_not_chosen_may_be_null(client):
    messages = [{"role": "system", "content": "Be kind. " * 5000}, {"role": "user", "content": QUESTION}]
    body = {"model": "ragtune", "messages": messages, "stream": None, "stream_options": {"include_usage": None}}
    found = client.client.post("/v1/chat/completions", json=body).json()
    assert found["choices"][0]["message"]["content"] == ANSWER
    assert client.client.post("/v1/responses", json={"input": QUESTION, "stream": None}).status_code == 200


def test_a_refusal_is_the_sentence_without_citations(client):
    message = client.openai.chat.completions.create(model="ragtune", messages=asked(UNKNOWN)).choices[0].message
    assert message.content == REFUSAL and message.annotations == []
    assert client.openai.responses.create(model="ragtune", input=UNKNOWN).output_text == REFUSAL


def test_sources_are_listed_in_the_text_on_request(client):
    wanted = {"sources_in_text": True}
    content = client.openai.chat.completions.create(model="ragtune", messages=asked(), extra_body=wanted)
    text = content.choices[0].message.content
    assert text.startswith(ANSWER) and "Sources:\n[1] board/minutes.md: “Kestrel Bay" in text
    response = client.openai.responses.create(model="ragtune", input=QUESTION, extra_body=wanted)
    assert response.output_text == text
    plain = client.openai.chat.completions.create(model="ragtune", messages=asked()).choices[0].message.content
    assert "Sources" not in plain


def test_a_message_holds_no_image_that_a_chat_program_would_load(served, ended):
    """A document could else let every reader's browser tell its author that, and what, was asked."""
    made = served()
    told = b"The ferry sails at noon ![x](https://evil.example/seen) daily.\n"
    ended(made.client, made.client.put("/documents/ferry.txt", content=told).json())
    body = {"messages": [{"role": "user", "content": "When does the ferry sail?"}], "sources_in_text": True}
    text = made.client.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]["content"]
    assert text.count("noon [x](https") == 2 and "![" not in text


def test_the_setting_lists_sources_for_programs_that_cannot_ask_for_them(served):
    made = served("serve.sources_in_text=true")
    client = openai.OpenAI(base_url=f"{made.url}/v1", api_key="none")
    assert "Sources:" in client.chat.completions.create(model="ragtune", messages=asked()).choices[0].message.content


def test_errors_reach_the_client_as_its_own_with_the_remedy(client):
    with pytest.raises(openai.BadRequestError, match="type one"):
        client.openai.chat.completions.create(model="ragtune", messages=asked("???"))
    with pytest.raises(openai.NotFoundError, match="no model is called 'gpt-9'"):
        client.openai.chat.completions.create(model="gpt-9", messages=asked(), stream=True)
    with pytest.raises(openai.UnprocessableEntityError, match="messages"):
        client.openai.chat.completions.create(model="ragtune", messages=[])
    with pytest.raises(openai.BadRequestError, match="type one"):
        client.openai.responses.create(model="ragtune", input="???", stream=True)


def test_an_error_in_the_middle_of_a_stream_reaches_the_client_too(client, monkeypatch):
    def fail(question, passages, on_text=None):
        raise StoreError("the index is damaged: rag index FOLDER --rebuild")

    for answerer in client.answerers.values():
        monkeypatch.setattr(answerer, "answer", fail)
    with pytest.raises(openai.APIError, match="--rebuild"):
        list(client.openai.chat.completions.create(model="ragtune", messages=asked(), stream=True))
    with pytest.raises(openai.APIError, match="--rebuild"):
        list(client.openai.responses.create(model="ragtune", input=QUESTION, stream=True))
    with pytest.raises(openai.ConflictError, match="--rebuild"):
        client.openai.responses.create(model="ragtune", input=QUESTION)


# Open WebUI 0.12 reads the stream line by line in its middleware; what follows does the same with it.


def sources_as_open_webui_reads_them(lines):
    """Return the text and the sources that Open WebUI shows: of deltas with url_citation, whose url is not empty."""
    text, sources = "", []
    for line in lines:
        if not line.startswith("data:") or (data := line.removeprefix("data:").strip()) == "[DONE]":
            continue
        choices = json.loads(data).get("choices", [])
        if not choices:
            continue
        delta = choices[0].get("delta", {})
        for annotation in delta.get("annotations") or []:
            if annotation.get("type") == "url_citation" and "url_citation" in annotation:
                citation = annotation["url_citation"]
                url, title = citation.get("url", ""), citation.get("title", citation.get("url", ""))
                if url:
                    sources.append(
                        {"source": {"name": title, "url": url}, "metadata": [{"source": url, "name": title}]}
                    )
        text += delta.get("content") or ""
    return text, sources


def test_open_webui_shows_the_sources_of_a_streamed_chat(client):
    body = {"model": "ragtune", "messages": asked(), "stream": True}
    with client.client.stream("POST", "/v1/chat/completions", json=body) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        text, sources = sources_as_open_webui_reads_them(stream.iter_lines())
    assert text == ANSWER and [each["source"]["name"] for each in sources] == ["board/minutes.md"]


def test_open_webui_shows_the_sources_of_a_streamed_response(client):
    """It reads the items of response.output_item.done, and of their annotations those with a url that is not empty."""
    body = {"model": "ragtune", "input": QUESTION, "stream": True}
    with client.client.stream("POST", "/v1/responses", json=body) as stream:
        data = [json.loads(line[5:]) for line in stream.iter_lines() if line.startswith("data:")]
    items = [event["item"] for event in data if event["type"] == "response.output_item.done"]
    message = next(item for item in items if item["type"] == "message")
    urls = [each["url"] for part in message["content"] for each in part["annotations"] if each.get("url")]
    assert message["content"][0]["text"] == ANSWER and len(urls) == 1
