import pytest

from eval.runs.benches import bench_run_name, index_bench
from rag.core.errors import EvaluationError
from rag.core.settings import Settings


def test_a_bench_has_a_run_of_its_own_for_other_documents_or_settings(tmp_path):
    bench = tmp_path / "b"
    (bench / "documents").mkdir(parents=True)
    (bench / "documents" / "a.md").write_text("one")
    first = bench_run_name(bench, Settings([]))
    assert first.startswith("bench-b-") and first == bench_run_name(bench, Settings([]))
    (bench / "questions.jsonl").write_text("other questions are asked of the same run")
    assert first == bench_run_name(bench, Settings([]))
    assert (
        bench_run_name(bench, Settings(["sft.rank=4", "mine.candidates=9"]))
        == bench_run_name(bench, Settings(["mine.candidates=9", "sft.rank=4"]))
        != first
    )
    (tmp_path / "ragtune.toml").write_text("[sft]\nrank = 4\n")
    assert (
        bench_run_name(bench, Settings([], tmp_path / "ragtune.toml"))
        == bench_run_name(bench, Settings(["sft.rank=4"]))
        != first
    ), "wherever it is set"
    (bench / "documents" / "a.md").write_text("two")
    assert bench_run_name(bench, Settings([])) != first


def test_a_folder_that_is_no_bench_says_what_is_expected(tmp_path):
    with pytest.raises(EvaluationError, match="documents/ and a file questions.jsonl are expected"):
        index_bench(tmp_path, Settings([]))
