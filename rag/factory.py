"""Opens the parts of a pipeline as the settings say: store, retriever, embedder, cross-encoder, generator, answerer.

Heavy libraries are imported inside the functions, so that commands which need no model start at once. Weights that
training has promoted belong to an index (`rag.models.registry`): functions take the index whose weights they use.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rag.core.errors import StoreError
from rag.core.sections import AnswerSettings, ChunkSettings, ModelSettings, PrefixSettings, RetrievalSettings
from rag.core.settings import Settings
from rag.documents.identity import chunker_identity
from rag.encoder_factory import device_of, open_reranker, open_span_scorer, reads_large
from rag.models.adapters import SHIPPED_READER, read_identity, reader_fits
from rag.models.device import choose_device
from rag.models.libraries import prepare_libraries
from rag.models.registry import INDEX, adapters_folder, embedder_weights, live_weights
from rag.models.resolve import LocalModel, find_model
from rag.models.weight_delta import delta_name, read_delta_identity

if TYPE_CHECKING:
    from rag.answering.answerer import Answerer
    from rag.answering.spans.confidence import Recalibration
    from rag.answering.spans.span_selector import SpanSelector
    from rag.generation.base_models import BaseModels
    from rag.generation.generator import Generator
    from rag.index.indexing_run import IndexingReport
    from rag.index.store import DocumentStore
    from rag.index.writer import StoreWriter
    from rag.models.embedder import Embedder
    from rag.pipeline import Pipeline
    from rag.retrieval.retriever import Retriever


# The pipeline


def open_pipeline(
    settings: Settings | None = None,
    index: str | Path = INDEX,
    adapter: str | Path | None = None,
    base: bool = False,
) -> Pipeline:
    """Open everything that answering needs.

    The generator uses the adapter that is given, else the index's live one, else the shipped reader; with `base`, none.
    Raises StoreError when there is no index, ModelError when a model is missing.
    """
    settings, index = settings or Settings(), Path(index)
    prepare_libraries(settings.section(ModelSettings).hub)
    open_store(settings, index).close()  # first: without an index no model needs to be imported or converted
    from rag.pipeline import Pipeline

    retriever = open_retriever(settings, index)
    chosen = None
    if not base:
        chosen = Path(adapter) if adapter else live_adapter(index) or shipped_reader(settings)
    return Pipeline(retriever, open_answerer(settings, open_generator(settings, chosen)))


def index_folder(
    folder: str | Path, settings: Settings | None = None, index: str | Path = INDEX, remove_most: bool = False
) -> IndexingReport:
    """Index the documents of a folder: new and changed files are added, files that are gone are removed.

    Returns what was added, changed, removed and skipped. Documents of other folders stay, but not the sample corpus's.
    Where most of the folder's documents would be removed, as when its disk is not there, they stay and are named in the
    report's `kept`. remove_most: remove even those. Raises StoreError when the index was made with other models.
    """
    return index_folders([Path(folder)], settings or Settings(), Path(index), remove_most=remove_most)


def index_folders(
    folders: list[Path], settings: Settings, index: Path, *, rebuild: bool = False, remove_most: bool = False
) -> IndexingReport:
    """Index folders as `index_folder` does.

    folders: none for those that the index was made from, the sample corpus for a new index. rebuild: make the whole
    index anew, with its documents of other folders.
    """
    from rag.index.folder_update import choose_folders, mass_loss, update_folders
    from rag.index.indexing import IndexingSettings
    from rag.index.indexing_run import IndexingReport
    from rag.index.rebuilding import is_stopped, remember

    prepare_libraries(settings.section(ModelSettings).hub)
    held, rebuild = remember(index), rebuild or is_stopped(index)
    folders = choose_folders(folders, held, rebuild)
    if rebuild and held and not remove_most and (kept := mass_loss(held)):
        return IndexingReport(kept=kept)
    store, embedder = _open_anew(settings, index, folders) if rebuild else open_index_for_writing(settings, index)
    try:
        return update_folders(store, embedder, folders, IndexingSettings.of(settings), remove_most)
    finally:
        store.close()


def _open_anew(settings: Settings, index: Path, folders: list[Path]) -> tuple[StoreWriter, Embedder]:
    """Open an index in the place of another, whose documents it knows by name."""
    from rag.index.folder_update import documents_to_read_again
    from rag.index.rebuilding import Remembered, make_anew, remember

    embedder = open_embedder(settings, embedder_delta(settings, index))  # an index is only deleted if one can be made
    held = remember(index) or Remembered()
    documents = documents_to_read_again(folders, held)
    return make_anew(index, _identity(settings), embedder.delta, documents, held.folders), embedder


# The index


def index_identity(embedder: LocalModel, chunks: ChunkSettings) -> dict[str, str]:
    """Return what an index must have been made with to be usable."""
    return {"embedder": embedder.digest[:12], "chunker": chunker_identity(chunks)}


def _identity(settings: Settings) -> dict[str, str]:
    return index_identity(_embedder_model(settings), settings.section(ChunkSettings))


def open_store(settings: Settings, index: Path = INDEX) -> DocumentStore:
    """Open an index for reading, without loading a model.

    Raises StoreError when there is none, or it was made with another embedder or chunker.
    """
    from rag.index.store import STORE_FILE, DocumentStore

    identity = (
        _identity(settings) if (index / STORE_FILE).exists() else {}
    )  # no model is needed to see that it is missing
    return DocumentStore(index, identity)


def open_writer(settings: Settings, index: Path) -> StoreWriter:
    """Open an index for writing, without loading a model. Raises StoreError as `open_store` does."""
    from rag.index.writer import StoreWriter

    return StoreWriter(index, _identity(settings))


def open_index_for_writing(
    settings: Settings, index: Path, weights_from: Path | None = None
) -> tuple[StoreWriter, Embedder]:
    """Open an index with its live embedder, to add documents; an index that does not exist is made.

    If another embedder made the vectors, all passages are embedded anew first. weights_from: the index whose promoted
    weights are used, if not `index`. Raises StoreError when the index was made with another model.
    """
    from rag.index.reembedding import reembed
    from rag.index.writer import StoreWriter

    embedder = open_embedder(settings, embedder_delta(settings, weights_from or index))
    store = StoreWriter(index, _identity(settings), create=True, delta=embedder.delta)
    if store.delta != embedder.delta:
        reembed(store, embedder)
    return store, embedder


def needs_reembedding(settings: Settings, index: Path = INDEX) -> bool:
    """Return whether another embedder than the live one made the index's vectors."""
    from rag.index.store import STORE_FILE

    live = embedder_delta(settings, index)
    return (index / STORE_FILE).exists() and open_store(settings, index).delta != (delta_name(live) if live else "")


def reembed_if_needed(settings: Settings, index: Path = INDEX) -> None:
    """Embed the index's passages anew if another embedder than the live one made their vectors."""
    if needs_reembedding(settings, index):
        open_index_for_writing(settings, index)[0].close()


# Retrieval


def open_retriever(
    settings: Settings, index: Path = INDEX, reranked: bool = True, weights_from: Path | None = None
) -> Retriever:
    """Open the retriever; serving, mining and evaluation use the same one.

    reranked: whether the reranker reorders the fused ranking. weights_from: as in `open_index_for_writing`.
    """
    from rag.retrieval.retriever import Retriever

    weights_from = weights_from or index
    store = open_store(settings, index)
    reranker = open_reranker(settings, weights_from) if reranked else None
    embedder = open_index_embedder(settings, store, weights_from)
    return Retriever(store, embedder, settings.section(RetrievalSettings), reranker)


def _embedder_model(settings: Settings) -> LocalModel:
    models = settings.section(ModelSettings)
    return find_model(models.embedder, models.hub)


def open_embedder(settings: Settings, delta: Path | None = None) -> Embedder:
    """Open the configured embedder. delta: the folder of a weight delta that training made."""
    from rag.models.embedder import Embedder

    return Embedder(_embedder_model(settings), device_of(settings), delta=delta)


def embedder_delta(settings: Settings, index: Path = INDEX) -> Path | None:
    """Return the folder of the index's promoted embedder, None if there is none for the configured model."""
    live = live_weights(index, "embedder")
    return live if live and read_delta_identity(live)["base"] == _embedder_model(settings).digest else None


def open_index_embedder(settings: Settings, store: DocumentStore, weights_from: Path | None = None) -> Embedder:
    """Open the embedder that made the index's vectors; a newer one may be live but not have embedded them yet.

    weights_from: as in `open_index_for_writing`. Raises StoreError when its weights are gone.
    """
    index = weights_from or store.folder
    delta = embedder_weights(index, store.delta) if store.delta else None
    if store.delta and not delta:
        made_with = f"the trained embedder {store.delta} that made {store.folder}"
        raise StoreError(f"{made_with} is gone from {adapters_folder(index)}: rag index FOLDER --rebuild")
    return open_embedder(settings, delta)


# Answering


def live_adapter(index: Path = INDEX) -> Path | None:
    """Return the folder of the index's promoted adapter, None if there is none."""
    return live_weights(index, "generator")


def shipped_reader(settings: Settings) -> Path | None:
    """Return the adapter that answers before any training; None if it does not fit the configured generator."""
    models = settings.section(ModelSettings)
    return SHIPPED_READER if reader_fits(find_model(models.generator, models.hub)) else None


def open_generator(settings: Settings, adapter: Path | None, bases: BaseModels | None = None) -> Generator:
    """Open the generator with an adapter or, with None, the base model.

    An adapter that was trained on NF4 weights is served on them unless model.precision names another precision. bases:
    base models to share with other generators.
    """
    from rag.generation.base_models import BaseModels
    from rag.generation.generator import Generator

    models = settings.section(ModelSettings)
    model = find_model(models.generator, models.hub)
    trained_on = read_identity(adapter)["precision"] if adapter else "auto"
    wanted = "nf4" if trained_on == "nf4" and models.precision == "auto" else models.precision
    device, precision = choose_device(models.device, wanted)
    bases = bases or BaseModels(settings.section(PrefixSettings))
    return Generator(model, device, precision, adapter, bases=bases)


def open_answerer(settings: Settings, generator: Generator) -> Answerer:
    """Open the answerer around a generator, with the confidence that was calibrated for that generator."""
    from rag.answering.answerer import Answerer

    answer = settings.section(AnswerSettings)
    if not answer.extractive:
        return Answerer(generator, answer, None)
    return Answerer(generator, answer, open_span_selector(settings, _recalibration(settings, generator)))


def _recalibration(settings: Settings, generator: Generator) -> Recalibration | None:
    from rag.answering.spans.confidence import read_recalibration
    from rag.answering.spans.span_selector import read_base_recalibration

    if generator.adapter:
        return read_recalibration(generator.adapter)
    return read_base_recalibration(selector_weights(settings)) if shipped_reader(settings) else None


def open_span_selector(settings: Settings, recalibration: Recalibration | None = None) -> SpanSelector:
    """Open the shipped span selector. recalibration: of its confidence, for a generator it was not fitted on."""
    from rag.answering.spans.span_selector import SpanSelector, read_weights

    return SpanSelector(open_span_scorer(settings), read_weights(selector_weights(settings)), recalibration)


def selector_weights(settings: Settings) -> Path:
    """Return the file of the span selector that was fitted to the span scorer which finds the answers."""
    from rag.answering.spans import span_selector

    return span_selector.LARGE if reads_large(settings) else span_selector.SHIPPED
