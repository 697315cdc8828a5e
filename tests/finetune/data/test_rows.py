"""Training rows on disk."""

import dataclasses

from fakes import passage
from finetune.data.rows import TrainingRow, read_rows
from rag.core.jsonl import write_lines

QUESTION = "How much does the crane lift?"


TEXTS = (
    "It closed on 30 June 2025. In June 2025 the port was quiet.",
    "The crane lifts 40 tonnes.",
    "The office opens at 08:30 on Mondays.",
)
PASSAGES = tuple(passage(text, f"{n}.md").chunk for n, text in enumerate(TEXTS))


def row(answer="30 June 2025", cited=1):
    return TrainingRow("id", QUESTION, answer, "answerable" if cited else "left out", "0.md", (0, 9), PASSAGES, cited)


def test_rows_are_read_as_they_were_written(tmp_path):
    odd = TrainingRow("é", "What\u2028about\x85this?", "it", "multi-hop", "0.md", (0, 9), PASSAGES, 1, (2,))
    write_lines(tmp_path / "rows.jsonl", [row(), odd])
    assert read_rows(tmp_path / "rows.jsonl") == [row(), odd]
    assert [p.name for p in tmp_path.iterdir()] == ["rows.jsonl"]


def test_multi_hop_rows_mined_under_their_former_name_are_read_as_such(tmp_path):
    write_lines(tmp_path / "rows.jsonl", [dataclasses.replace(row(), kind="joined", also=(2,))])
    (found,) = read_rows(tmp_path / "rows.jsonl")
    assert (found.kind, found.target) == ("multi-hop", "30 June 2025 [1][2]")
