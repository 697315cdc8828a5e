import numpy as np
import pytest

from eval.suites.index_scale import measure_size, size_lines
from eval.suites.scale_texts import VariedChunks, real_chunks
from fakes import HashEmbedder


@pytest.fixture(scope="module")
def varied():
    chunks = real_chunks()[:150]
    return VariedChunks(chunks, HashEmbedder().passages([c.text for c in chunks]))


def test_real_chunks_are_of_the_standard_library_and_each_is_there_once():
    chunks = real_chunks()
    assert (
        len(chunks) > 3000
        and len({c.text for c in chunks}) == len(chunks)
        and any("iterable" in c.text for c in chunks)
    )


def test_variations_differ_and_stay_near(varied):
    made = list(varied.documents(450, each=100))
    chunks = [c for _, found, _ in made for c in found]
    vectors = np.concatenate([v for _, _, v in made])
    assert len({c.text for c in chunks}) == len(chunks) == 450
    assert all(document.text[c.start : c.end] == c.text for document, found, _ in made for c in found)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert (vectors[150:300] * vectors[:150]).sum(1).mean() == pytest.approx(0.94, abs=0.03)


def test_a_small_run_gives_every_figure_and_leaves_nothing(varied, tmp_path):
    found = measure_size(varied, 400, tmp_path / "index", HashEmbedder())
    assert found["recall@10"] == 1.0 and found["bm25 largest difference"] < 1e-6
    assert {
        "open s",
        "hybrid p50 ms",
        "lexical p95 ms",
        "bm25s p50 ms",
        "rank_bm25 p50 ms",
        "add one document s",
        "memory bytes a chunk",
    } <= set(found)
    assert len(size_lines(400, found)) == len(found) + 1 and not (tmp_path / "index").exists()
