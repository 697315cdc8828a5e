"""Ask questions of your own documents with a small, locally fine-tuned language model.

In Python:

    from rag import index_folder, open_pipeline

    index_folder("corpus")
    pipeline = open_pipeline()
    answer = pipeline.ask("When was Kestrel Bay built?")
    print(answer.text, answer.confidence)
    for citation in answer.citations:
        print(citation.document, citation.quote)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.answering.answer import Answer
    from rag.core.errors import RagtuneError
    from rag.core.settings import Settings
    from rag.factory import index_folder, open_pipeline
    from rag.pipeline import Pipeline

__all__ = ["Answer", "Pipeline", "RagtuneError", "Settings", "index_folder", "open_pipeline"]

# `pipeline.py` is a question's path, `factory.py` opens its parts (`encoder_factory.py` the encoders), and only `cli/`
# prints.
_MODULES = {
    "Answer": "rag.answering.answer",
    "Pipeline": "rag.pipeline",
    "RagtuneError": "rag.core.errors",
    "Settings": "rag.core.settings",
    "index_folder": "rag.factory",
    "open_pipeline": "rag.factory",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that `import rag` stays fast."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
