"""From one weight delta of the embedder to another: all passages are embedded anew, readers keep the old vectors."""

from __future__ import annotations

from rag.core.progress import progress_bar
from rag.index.indexing_run import GROUP
from rag.index.snapshot import delete_leftovers, refresh_files
from rag.index.store import vector_key
from rag.index.writer import StoreWriter
from rag.models.embedder import Embedder


def reembed(store: StoreWriter, embedder: Embedder) -> int:
    """Make the embedder's vector of each text of the index, then exchange all vectors in one step.

    Returns how many were made. A killed process loses at most GROUP of them: the others are staged, and the next call
    continues. The former vectors are kept too, so that going back makes only those of newer documents.
    """
    with store.writing():
        if store.delta == embedder.delta:  # another process did it while this one waited
            return 0
        lacking = store.staged.lacking(embedder.delta)
        by_key = {vector_key(chunk): chunk for chunk in store.all_chunks()}
        wanted = [chunk for key, chunk in by_key.items() if key in lacking]
        with progress_bar(len(wanted), "embedding anew", " passages") as bar:
            for at in range(0, len(wanted), GROUP):
                some = wanted[at : at + GROUP]
                vectors = embedder.passages([chunk.embedding_text for chunk in some], bar.update)
                store.stage_vectors(embedder.delta, some, vectors)
        store.use_staged_vectors(embedder.delta)
        delete_leftovers(store)
        refresh_files(store)
        return len(wanted)
