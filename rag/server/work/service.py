"""What the server does for its clients, over HTTP and over MCP: ask, search, and the documents' jobs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.core.errors import PromptError, RagtuneError
from rag.core.sections import ServeSettings
from rag.core.settings import Settings
from rag.index.left_documents import clear_left, left_documents
from rag.pipeline import Pipeline, check_question
from rag.server.state.feedback import FeedbackFile
from rag.server.state.jobs import JobFile
from rag.server.state.recent import GivenAnswer, RecentAnswers
from rag.server.work.documents_worker import DocumentsWorker
from rag.server.work.generators import DEFAULT, Choice, Generators
from rag.server.work.library import Library
from rag.server.work.worker import LeftError, ModelWorker, Task

if TYPE_CHECKING:
    from rag.answering.answer import Answer
    from rag.answering.answerer import Answerer
    from rag.retrieval.passage import Passage

Listener = Callable[[str, Any], None]  # gets "passages" with a list of passages, and "text" with a piece of it


@dataclass(frozen=True)
class Wish:
    """What a client wants to know.

    asked: the question as it was asked. question: as it stands alone. documents: names of those that are searched, all
    if there are none. model: the name of what answers. conversation: what tells it from others, "" for a question that
    stands alone and is no part of a split.
    """

    asked: str
    question: str
    documents: tuple[str, ...] = ()
    model: str = DEFAULT
    conversation: str = ""


class Service:
    """Everything that a running server holds."""

    def __init__(self, settings: Settings, index: Path, adapters: Mapping[str, Path] | None = None):
        """adapters: more adapters that requests can name, by name."""
        self.settings, self.index = settings, index
        self.limits = settings.section(ServeSettings)
        self.library, self.generators = Library(settings, index), Generators(settings, index, adapters)
        self.worker, self.recent = ModelWorker(self.limits.queue), RecentAnswers()
        self.feedback = FeedbackFile(index)
        self.trouble = ""  # why the default model could not be loaded
        self.documents = DocumentsWorker(settings, index, JobFile(index), self._forget_left)

    def _forget_left(self) -> None:
        """Forget what shows documents that have left the index, by a job or by a command beside the server."""
        documents = left_documents(self.index)
        if not documents:
            return
        self.recent.forget(set(documents))
        self.feedback.forget(documents)
        clear_left(self.index, documents)

    def start(self) -> None:
        """Begin with jobs that wait, and load what answers by default."""
        self.documents.start()
        self.warm_up()

    def warm_up(self) -> None:
        """Load what answers by default and the search, so that the first question need not wait for them."""
        task = self.worker.submit(lambda task: self._load())
        task.future.add_done_callback(self._note_trouble)

    def _load(self) -> Answerer:
        answerer = self.generators.open(self.generators.resolve())
        if self.library.exists():
            with suppress(RagtuneError):  # whoever asks is told
                self.library.retriever()
        return answerer

    def _note_trouble(self, opened: Future[Answerer]) -> None:
        error = None if opened.cancelled() else opened.exception()
        if isinstance(error, LeftError):  # the server ends
            return
        self.trouble = str(error) if isinstance(error, RagtuneError) else type(error).__name__ if error else ""

    def close(self) -> None:
        """End all work."""
        self.worker.close()
        self.documents.close()
        self.documents.jobs.close()
        self.feedback.close()

    def ask(self, wish: Wish, on_event: Listener | None = None) -> Task[GivenAnswer]:
        """Let a question be answered. What answers is decided now, whatever is switched while it waits.

        on_event: called in the model's thread. Raises PromptError for what is no question, ModelError for an unknown
        model, StoreError for unknown documents, BusyError when too many wait.
        """
        check_question(wish.question)
        choice, documents = self.generators.resolve(wish.model, wish.conversation), self.library.named(wish.documents)
        return self.worker.submit(lambda task: self._answer(task, wish, choice, documents, on_event))

    def _answer(
        self, task: Task, wish: Wish, choice: Choice, documents: list[str] | None, on_event: Listener | None
    ) -> GivenAnswer:
        def tell(kind: str, what: Any) -> None:
            task.check()
            if on_event:
                on_event(kind, what)

        pipeline = Pipeline(self.library.retriever(), self.generators.open(choice))
        task.check()
        answer = pipeline.ask(
            wish.question, lambda text: tell("text", text), documents, lambda found: tell("passages", found)
        )
        read, written = _count_tokens(pipeline, wish.question, answer)
        id = f"ans_{secrets.token_hex(12)}"
        facts = wish.asked, wish.question, choice.name, answer, int(time.time()), read, written
        given = GivenAnswer(id, *facts, wish.conversation, choice.assigned)
        self.recent.put(given)
        return given

    def given(self, id: str) -> GivenAnswer | None:
        """Return an answer that was given of late, None where a document that it shows has been removed since."""
        given = self.recent.get(id)
        if not given or not self.library.exists():
            return None
        with self.library.reading() as store:
            there = store.documents()
        return given if all(passage.chunk.document in there for passage in given.answer.passages) else None

    def search(self, words: str, k: int, names: tuple[str, ...] = ()) -> Task[list[Passage]]:
        """Let passages be found. Raises PromptError for nothing to search, StoreError and BusyError as `ask` does."""
        if not any(map(str.isalnum, words)):
            raise PromptError("there is no word to search for: type one")
        documents = self.library.named(names)
        return self.worker.submit(lambda task: self.library.search(words, k, documents))


def _count_tokens(pipeline: Pipeline, question: str, answer: Answer) -> tuple[int, int]:
    """Return the tokens of the prompt and of the answer, as clients of OpenAI's interface want to know them."""
    from rag.generation.prompt import messages

    tokenizer = pipeline.generator.tokenizer
    prompt = messages(question, [passage.chunk for passage in answer.passages])
    read, written = "\n".join(each["content"] for each in prompt), answer.text
    return len(tokenizer(read)["input_ids"]), len(tokenizer(written)["input_ids"])
