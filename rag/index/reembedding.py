"""From one embedder to another, of the same model with other changes: every passage is read anew, while readers go on with the vectors that they have."""

from __future__ import annotations

from tqdm import tqdm

from rag.index.indexing import GROUP
from rag.index.snapshot import delete_leftovers, refresh_files
from rag.index.store import vector_key
from rag.index.writer import StoreWriter
from rag.models.embedder import Embedder


def reembed(store: StoreWriter, embedder: Embedder) -> int:
    """Make the embedder's vector of each text of the index, then put all of them in the place of the ones before, in one step. -> how many were made.

    A killed process loses at most GROUP of them: what was made is kept aside, and the next call goes on. The vectors before are kept as well, so that the way
    back makes none but those of newer documents."""
    with store.writing():
        if store.delta == embedder.delta:  # another process has done it while this one waited
            return 0
        lacking = store.spare.lacking(embedder.delta)
        wanted = [c for key, c in {vector_key(c): c for c in store.all_chunks()}.items() if key in lacking]
        with tqdm(total=len(wanted), desc="embedding anew", unit=" passages", delay=1) as bar:
            for at in range(0, len(wanted), GROUP):
                piece = wanted[at : at + GROUP]
                store.keep_spare(
                    embedder.delta, piece, embedder.passages([c.embedding_text for c in piece], bar.update)
                )
        store.serve(embedder.delta)
        delete_leftovers(store)
        refresh_files(store)
        return len(wanted)
