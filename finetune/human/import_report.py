"""What became of an imported file, for the person who wrote it."""

from __future__ import annotations

from collections.abc import Sequence

from finetune.human.import_questions import Imported
from rag.labels.label_file import LabelFile

LISTED = 20  # rows of each kind that are printed; files of the stage list all


def import_report(labels: LabelFile, imported: Imported) -> str:
    """Return lines that count what was kept and rejected, and name each row that was rejected or respelt."""
    kept = {part: sum(kinds.values()) for part, kinds in imported.stage.result()["kept"].items()}
    counts = f"{sum(kept.values())} kept ({', '.join(f'{part} {count}' for part, count in kept.items())})"
    lines = [f"{labels.path}: {counts}, {len(imported.rejected)} rejected; {imported.stage.folder}"]
    lines += [f"  {note}" for note in labels.notes]
    lines += _listed(imported.respelled, f"{imported.stage.folder}/respelled.jsonl")
    if imported.rejected:
        lines.append("rejected:")
        lines += _listed(imported.rejected, f"{imported.stage.folder}/rejects.jsonl")
    return "\n".join(lines)


def _listed(rows: Sequence[object], file: str) -> list[str]:
    more = len(rows) - LISTED
    return [*(f"  {row}" for row in rows[:LISTED]), *([f"  and {more} more: {file}"] if more > 0 else [])]
