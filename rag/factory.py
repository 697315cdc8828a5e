"""TODO docstring of rag.factory."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rag.answering.answerer import Answerer
from rag.answering.confidence import Recalibration, read_recalibration
from rag.answering.span_scorer import SpanScorer
from rag.answering.span_selector import SpanSelector, read_base_recalibration, read_weights
from rag.core.errors import StoreError
from rag.core.sections import AnswerSettings, ChunkSettings, ModelSettings, PrefixSettings, RetrievalSettings
from rag.core.settings import Settings
from rag.documents import chunking
from rag.generation.generator import Generator
from rag.generation.kv_cache import PrefixCache
from rag.index.reembedding import reembed
from rag.index.store import STORE_FILE, DocumentStore
from rag.index.writer import StoreWriter
from rag.models.adapters import SHIPPED_READER, read_identity, reader_fits
from rag.models.cross_encoder import SHIPPED, Reranker
from rag.models.device import choose_device
from rag.models.embedder import Embedder
from rag.models.registry import LIVE, live_weights
from rag.models.resolve import LocalModel, find_model
from rag.models.weight_delta import delta_name, read_delta_identity
from rag.pipeline import Pipeline
from rag.retrieval.retriever import Retriever

INDEX = Path("var/index")


def index_identity(embedder: LocalModel, chunks: ChunkSettings) -> dict[str, str]:
    """What an index must have been made with to be used."""
    return {"embedder": embedder.digest[:12], "chunker": chunking.chunker_identity(chunks)}


def open_index_for_writing(settings: Settings, folder: Path) -> tuple[StoreWriter, Embedder]:
    """-> the index in `folder` for writing, made if there is none, and the embedder that serves, by which its passages are read anew if it was made by the one
    before. Raises StoreError when it was made with another model."""
    model = _embedder_model(settings)
    embedder = _embedder(settings, model, embedder_delta(settings))
    store = StoreWriter(
        folder, index_identity(model, settings.section(ChunkSettings)), create=True, delta=embedder.delta
    )
    if store.delta != embedder.delta:
        reembed(store, embedder)
    return store, embedder


def needs_reembedding(settings: Settings, folder: Path) -> bool:
    """Whether there is an index in `folder` whose passages another embedder than the live one has read."""
    wanted = embedder_delta(settings)
    return (folder / STORE_FILE).exists() and open_store(settings, folder).delta != (
        delta_name(wanted) if wanted else ""
    )


def reembed_if_needed(settings: Settings, folder: Path) -> None:
    """Have the live embedder read the passages of the index in `folder`, if there is one and another has."""
    if needs_reembedding(settings, folder):
        open_index_for_writing(settings, folder)[0].close()


def open_writer(settings: Settings, folder: Path) -> StoreWriter:
    """-> the index in `folder` for writing, without a model loaded. Raises StoreError when there is none or it was made with another embedder."""
    return StoreWriter(folder, index_identity(_embedder_model(settings), settings.section(ChunkSettings)))


def open_store(settings: Settings, folder: Path = INDEX) -> DocumentStore:
    """-> the index in `folder` for reading, without a model loaded. Raises StoreError as open_index does."""
    return DocumentStore(folder, index_identity(_embedder_model(settings), settings.section(ChunkSettings)))


def _embedder_model(settings: Settings) -> LocalModel:
    models = settings.section(ModelSettings)
    return find_model(models.embedder, models.hub)


def open_embedder(settings: Settings, delta: Path | None = None) -> Embedder:
    """-> the configured embedder, without an index. changes: what training changed in it."""
    return _embedder(settings, _embedder_model(settings), delta)


def check_embedder(settings: Settings) -> None:
    """Raises SettingsError or ModelError when the configured embedder can't be had."""
    _embedder_model(settings)
    choose_device(settings.section(ModelSettings).device)


def _embedder(settings: Settings, model: LocalModel, delta: Path | None = None) -> Embedder:
    return Embedder(model, choose_device(settings.section(ModelSettings).device)[0], delta=delta)


def embedder_delta(settings: Settings) -> Path | None:
    """-> the folder of what was promoted, where it belongs to the configured embedder."""
    found = live_weights("embedder")
    return found if found and read_delta_identity(found)["base"] == _embedder_model(settings).digest else None


def open_index_embedder(settings: Settings, record: DocumentStore) -> Embedder:
    """-> the embedder that made the index's vectors, which is the one before where passages are still being read by a newer one. Raises StoreError when what
    training had changed in it is gone."""
    folder = next(LIVE.parent.glob(f"*-embedder-{record.delta}"), None) if record.delta else None
    if record.delta and not folder:
        raise StoreError(
            f"the trained embedder {record.delta} that {record.folder} was made with is gone from {LIVE.parent}: rag index FOLDER --rebuild"
        )
    return open_embedder(settings, folder)


def open_reranker(settings: Settings) -> Reranker | None:
    """-> the configured cross-encoder, if there is one."""
    models = settings.section(ModelSettings)
    delta = reranker_delta(models)
    if delta:
        return open_trained_reranker(settings, delta)
    return (
        Reranker(find_model(models.cross_encoder, models.hub), choose_device(models.device)[0])
        if models.cross_encoder
        else None
    )


def reranker_delta(models: ModelSettings) -> Path | None:
    """-> the folder of what makes a cross-encoder of the default embedder: the promoted one before the one in this package, unless that is named. None where
    a whole model is named, or none."""
    if models.cross_encoder != "shipped":
        return None
    return (live_weights("reranker") if models.reranker == "auto" else None) or SHIPPED


def open_shipped_reranker(settings: Settings) -> Reranker:
    """-> the cross-encoder in this package."""
    return open_trained_reranker(settings, SHIPPED)


def open_trained_reranker(settings: Settings, delta: Path) -> Reranker:
    """-> the cross-encoder that the default embedder's wheel becomes with the changes in this folder."""
    models = settings.section(ModelSettings)
    return _changed_reranker(find_model(ModelSettings.embedder, models.hub), choose_device(models.device)[0], delta)


@cache
def _changed_reranker(model: LocalModel, device: str, delta: Path) -> Reranker:
    """Loaded once, though while mining it both orders passages and judges spans."""
    return Reranker(model, device, delta)


@cache
def _span_scorer(model: LocalModel, device: str) -> SpanScorer:
    return SpanScorer(model, device)


def open_span_scorer(settings: Settings) -> SpanScorer:
    """-> what marks where answers begin and end, made of the default embedder as the cross-encoder is."""
    models = settings.section(ModelSettings)
    return _span_scorer(find_model(ModelSettings.embedder, models.hub), choose_device(models.device)[0])


def open_span_selector(settings: Settings, recalibration: Recalibration | None = None) -> SpanSelector:
    """Open the span selector that ships, its confidence recalibrated for another generator than the shipped reader."""
    return SpanSelector(open_span_scorer(settings), *read_weights(), recalibration)


def open_retriever(settings: Settings, folder: Path = INDEX, reranked: bool = True) -> Retriever:
    """-> the retriever that serves; the same one mines and evaluates. reranked: false leaves the fused order."""
    record, reranker = open_store(settings, folder), open_reranker(settings) if reranked else None
    return Retriever(record, open_index_embedder(settings, record), settings.section(RetrievalSettings), reranker)


def live_adapter() -> Path | None:
    """-> the generator's promoted adapter, if there is one."""
    return live_weights("generator")


def shipped_reader(settings: Settings) -> Path | None:
    """-> the adapter that answers before any training, where it fits the configured base."""
    models = settings.section(ModelSettings)
    return SHIPPED_READER if reader_fits(find_model(models.generator, models.hub)) else None


def open_generator(settings: Settings, adapter: Path | None, cache: PrefixCache | None = None) -> Generator:
    """-> the generator; with an adapter, on the precision that it was trained on unless model.precision says otherwise. cache: of passages that other
    generators have read."""
    models = settings.section(ModelSettings)
    model = find_model(models.generator, models.hub)
    trained = read_identity(adapter)["precision"] if adapter else "auto"
    wanted = trained if trained == "nf4" and models.precision == "auto" else models.precision
    device, precision = choose_device(models.device, wanted)
    return Generator(model, device, precision, adapter, prefix=settings.section(PrefixSettings), cache=cache)


def open_answerer(settings: Settings, generator: Generator) -> Answerer:
    """Open what answers with the generator as the settings say, its confidence fitted for that generator."""
    answer = settings.section(AnswerSettings)
    if not answer.extractive:
        return Answerer(generator, answer, None)
    return Answerer(generator, answer, open_span_selector(settings, _recalibration(settings, generator)))


def _recalibration(settings: Settings, generator: Generator) -> Recalibration | None:
    if generator.adapter:
        return read_recalibration(generator.adapter)
    return read_base_recalibration() if shipped_reader(settings) else None


def open_pipeline(
    settings: Settings, folder: Path = INDEX, adapter: Path | None = None, base: bool = False
) -> Pipeline:
    """-> everything that answering needs. Unless it is to be the base alone, with the adapter given, else the live one, else the reader that ships."""
    chosen = None if base else adapter or live_adapter()
    retriever = open_retriever(
        settings, folder
    )  # before what may take a model to be converted: without an index there is no need
    chosen = None if base else chosen or shipped_reader(settings)
    return Pipeline(retriever, open_answerer(settings, open_generator(settings, chosen)))
