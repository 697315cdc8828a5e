"""The corpus's own cross-encoder: the shipped one, trained further on mined questions with their hard negatives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.core.run_folder import Stage
from rag.core.sections import ModelSettings
from rag.core.settings import Settings
from rag.models.cross_encoder import SHIPPED
from rag.models.device import choose_device
from rag.models.resolve import LocalModel, find_model
from rag.models.weight_delta import apply_delta, read_delta_identity

if TYPE_CHECKING:
    from finetune.retriever.cross_encoder_pairs import RelevancePair
    from finetune.retriever.hard_negatives import HardNegatives

STAGE = "corpus-reranker"  # in a run, and the command
NEGATIVES = 4  # hard negatives of each question
EPOCHS, LEARNING_RATE = 2, 3e-5
RANK = 64  # of the weight delta, which holds the shipped one's as well


def relevance_pairs(found: Iterable[HardNegatives]) -> Iterator[RelevancePair]:
    """Yield each mined question with its passage, and with its first NEGATIVES hard negatives."""
    from finetune.retriever.cross_encoder_pairs import RELEVANCE, RelevancePair

    for one in found:
        yield RelevancePair(one.question, one.passage.search_text, 1, RELEVANCE)
        for chunk in one.negatives[:NEGATIVES]:
            yield RelevancePair(one.question, chunk.search_text, 0, RELEVANCE)


def train_cross_encoder(
    stage: Stage,
    found: Iterable[HardNegatives],
    model: LocalModel,
    device: str,
    start: Path | None = SHIPPED,
    epochs: float = EPOCHS,
    learning_rate: float = LEARNING_RATE,
) -> None:
    """Train a cross-encoder and write its weight delta to the stage's folder `weights`, then the stage's result.

    start: weight delta that training starts from, None for the bare encoder `model`.
    """
    from finetune.retriever.cross_encoder_trainer import fit_cross_encoder, open_cross_encoder
    from finetune.retriever.encoder_trainer import save_encoder

    pairs = list(relevance_pairs(found))
    encoder = open_cross_encoder(model, device)
    before: dict[str, Any] = {"threshold": 0.5, "trained_on": [], "licence": "that of the corpus"}
    if start:
        apply_delta(encoder.model, start)
        before = read_delta_identity(start)
    seconds = fit_cross_encoder(encoder, pairs, device, epochs, learning_rate, stage.folder, "cross-encoder")
    counts = {"questions": sum(pair.label for pair in pairs), "pairs": len(pairs)}
    known = {key: before[key] for key in ("threshold", "licence")}
    trained_on = [*before["trained_on"], stage.run]
    out = stage.folder / "weights"
    facts = {**known, "start": str(start), "trained_on": trained_on, **counts, "epochs": epochs}
    save_encoder(encoder.model, model, out, RANK, facts)
    stage.finish({**counts, "seconds": round(seconds, 1)})
    print(f"{STAGE}: {counts['questions']} questions, {len(pairs)} pairs, {seconds:.0f} s, weights in {out}")


def can_be_trained(settings: Settings) -> bool:
    """Return whether the cross-encoder in use is the shipped one or was trained from it; no other can be trained."""
    shipped = settings.section(ModelSettings).cross_encoder == "shipped"
    if not shipped:
        print(f"{STAGE}: left out, since model.reranker or model.embedder names another model than the shipped one")
    return shipped


def train_cross_encoder_for_run(stage: Stage, settings: Settings, index: Path) -> None:
    """Train on the mined rows of the stage's run, with the hard negatives of retriever and generator."""
    from finetune.retriever.hard_negatives import hard_negatives_for_run

    Stage(stage.run, "mine").result()
    models = settings.section(ModelSettings)
    model = find_model(ModelSettings.embedder, models.hub)
    found = hard_negatives_for_run(stage.run, settings, index)
    train_cross_encoder(stage, found, model, choose_device(models.device)[0])
