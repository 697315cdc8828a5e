"""How far the groundedness check agrees with answers that were labelled as supported by their passage or not."""

from __future__ import annotations

from pathlib import Path

from eval.metrics.groundedness import CitedPassage, SupportModel, add_support
from eval.metrics.prediction import Figures, Prediction
from eval.metrics.statistics import bootstrap, cohen_kappa
from rag.answering.evidence.grounding import MIN_SUPPORT
from rag.core.jsonl import read_lines

FILE = Path(__file__).parent / "labelled.jsonl"


def measure_agreement(model: SupportModel, path: Path = FILE) -> Figures:
    """Compare three methods with the labels: the words, the model, and both together.

    path: JSON lines with question, text, passage, headings and supported. Returns for each method what `against`
    does.
    """
    labels = read_lines(path)
    rows: list[Prediction] = [{"question": r["question"], "text": r["text"], "refused": False} for r in labels]
    add_support(rows, [[CitedPassage(r["passage"], r["headings"])] for r in labels], model)
    expected = [r["supported"] for r in labels]
    methods = {
        "lexical": [all(c["lexical"] >= MIN_SUPPORT for c in row["support"]) for row in rows],
        "meaning": [all(c["meaning"] >= model.threshold for c in row["support"]) for row in rows],
        "both": [all(c["supported"] for c in row["support"]) for row in rows],
    }
    return {
        "n": len(expected),
        "labelled_supported": sum(expected),
        "meaning": model.name,
        "methods": {name: against(expected, found) for name, found in methods.items()},
    }


def against(expected: list[bool], found: list[bool]) -> Figures:
    """Return the share of labels met with its interval, Cohen's kappa, and precision and recall of "unsupported"."""
    same = bootstrap([float(x == y) for x, y in zip(expected, found, strict=True)])
    caught = sum(not x and not y for x, y in zip(expected, found, strict=True))
    flagged, unsupported = found.count(False), expected.count(False)
    return {
        "agreement": same.difference,
        "low": same.low,
        "high": same.high,
        "kappa": cohen_kappa(expected, found),
        "unsupported_precision": round(caught / flagged, 4) if flagged else None,
        "unsupported_recall": round(caught / unsupported, 4) if unsupported else None,
    }


def as_text(found: Figures) -> str:
    """Format the agreement of each method, a line each."""
    labelled = f"{found['n']} labelled answers, {found['labelled_supported']} supported by the passage they cite"
    return "\n".join([f"{labelled}; meaning: {found['meaning']}", *map(_line, found["methods"].items())])


def _line(item: tuple[str, Figures]) -> str:
    name, method = item
    agreement = f"agreement {method['agreement']:.3f} [{method['low']:.3f}, {method['high']:.3f}]"
    unsupported = f"precision {method['unsupported_precision']}, recall {method['unsupported_recall']}"
    return f"{name}: {agreement}, kappa {method['kappa']:.2f}; of unsupported answers: {unsupported}"
