"""A server without models: it embeds by hashing words, and answers with the sentence that shares most words."""

import contextlib
import re
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

from hash_embedder import HashEmbedder
from rag.answering.answer import extractive_answer
from rag.answering.evidence.grounding import cite
from rag.answering.spans.selected_span import SelectedSpan
from rag.core.settings import Settings
from rag.core.words import content_words

HARBOUR = {
    "harbour.md": "# Harbour\n\nThe harbour office opens at 08:30. The crane lifts 40 tonnes.\n",
    "leave.md": "# Leave\n\nAnnual leave is 25 days a year. Leave must be asked for two weeks before.\n",
    "board/minutes.md": "# Minutes\n\nThe board met on 3 March 2025. Kestrel Bay was built in 1998.\n",
}
QUESTION, ANSWER = "When was Kestrel Bay built?", "Kestrel Bay was built in 1998."
UNKNOWN = "Which colour does happiness taste of?"


class SentenceAnswerer:
    """Answers with the sentence of the passages that shares most words with the question; refuses if no two do.

    adapter: whose answers these are to be. Each question waits for `free`, and is noted in `asked` when it begins.
    """

    selector, settings = object(), SimpleNamespace(least=0.2)

    def __init__(self, adapter=None):
        self.generator = SimpleNamespace(
            adapter=adapter,
            name="words",
            device="cpu",
            precision="float32",
            tokenizer=lambda text: {"input_ids": text.split()},
        )
        self.free, self.asked, self.seconds, self.finished = threading.Event(), [], 0.0, []
        self.free.set()

    def answer(self, question, passages, on_text=None):
        self.asked.append(question)
        self.free.wait(20)
        time.sleep(self.seconds)
        wanted = set(content_words(question))
        found = [
            (len(wanted & set(content_words(each[0]))), -number, each.start(), each.end())
            for number, passage in enumerate(passages, 1)
            for each in re.finditer(r"[^.\n]+\.", passage.chunk.text)
        ]
        shared, number, start, end = max(found, default=(0, 0, 0, 0))
        selected = None
        if shared >= 2:
            chunk = passages[-number - 1].chunk
            start += len(chunk.text[start:end]) - len(chunk.text[start:end].lstrip())
            selected = SelectedSpan(chunk.text[start:end], (cite(chunk, -number, start, end),), 0.9, 0.9)
        answer = extractive_answer(selected, 0.2, passages)
        if on_text:
            on_text(answer.text)
        self.finished.append(question)
        return answer


def without_models(patch):
    """Replace what loads a model, and return the answerers that are made, by adapter.

    patch(name, value): as monkeypatch.setattr.
    """
    made = {}

    def open_generator(settings, adapter, bases):
        return SimpleNamespace(adapter=adapter)

    def open_answerer(settings, generator):
        made[generator.adapter] = SentenceAnswerer(generator.adapter)
        return made[generator.adapter]

    without_encoders(patch)
    patch("rag.server.work.generators.open_answerer", open_answerer)
    patch("rag.server.work.generators.open_generator", open_generator)
    patch("rag.server.work.generators.shipped_reader", lambda settings: Path("shipped-reader"))
    return made


def without_encoders(patch):
    """Replace what loads the models of the search. patch: as in `without_models`."""
    patch("rag.factory._embedder_model", lambda settings: SimpleNamespace(digest="0123456789abcdef", name="words"))
    patch("rag.factory.open_embedder", lambda settings, delta=None: HashEmbedder())
    patch("rag.factory.open_reranker", lambda settings, index: None)


def settings_of(*overrides: str) -> Settings:
    return Settings([*overrides], Path("none.toml"))


def write_documents(folder: Path, texts: dict[str, str] = HARBOUR) -> Path:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@contextlib.contextmanager
def on_a_socket(app):
    """Serve an application on a real socket of this machine; yields its address."""
    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


def until(true, seconds: float = 20.0):
    """Wait until `true()` is, and return it; an AssertionError if it never is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")
