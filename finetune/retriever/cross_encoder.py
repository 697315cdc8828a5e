"""The corpus's own cross-encoder: the shipped one, trained on with mined questions, their passages, and what these are confused with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from finetune.retriever.cross_encoder_pairs import RelevancePair
from finetune.retriever.cross_encoder_trainer import fit_cross_encoder, open_trainable
from finetune.retriever.hard_negatives import HardNegatives, hard_negatives_for_run
from rag.core.jsonl import write_json
from rag.core.run_folder import Stage
from rag.core.sections import ModelSettings
from rag.core.settings import Settings
from rag.models.cross_encoder import SHIPPED
from rag.models.device import choose_device
from rag.models.resolve import LocalModel, find_model
from rag.models.weight_delta import IDENTITY_FILE, apply_delta, read_delta_identity, save_delta

NAME = "corpus-reranker"  # of the stage, and of its command
WRONG = 4  # for each question
EPOCHS, LEARNING_RATE = 2, 3e-5
RANK = 64  # of the kept changes, the shipped ones among them


def pairs_of(found: Iterable[HardNegatives]) -> Iterator[RelevancePair]:
    """-> each mined question with its passage, and with the first WRONG others that it is confused with."""
    for one in found:
        yield RelevancePair(one.question, one.right.search_text, 1, "relevance")
        yield from (RelevancePair(one.question, c.search_text, 0, "relevance") for c in one.wrong[:WRONG])


def train_corpus_reranker(
    stage: Stage, found: Iterable[HardNegatives], model: LocalModel, device: str, start: Path | None = SHIPPED,
    epochs: float = EPOCHS, learning_rate: float = LEARNING_RATE,
) -> None:  # fmt: skip
    """Write weights/ in the shipped one's form, and the receipt. start: changes to train on from, None for the bare encoder."""
    pairs = list(pairs_of(found))
    encoder = open_trainable(model, device)
    about = {"threshold": 0.5, "trained_on": [], "licence": "that of the corpus"}
    if start:
        apply_delta(encoder.model, start)
        about = read_delta_identity(start)
    seconds = fit_cross_encoder(encoder, pairs, device, epochs, learning_rate, stage.folder / "trainer")
    out = stage.folder / "weights"
    save_delta(encoder.model, model, out, RANK)
    asked = sum(pair.label for pair in pairs)
    known = {key: about[key] for key in ("threshold", "licence")}
    write_json(out / IDENTITY_FILE, {**known, "base": model.digest, "base_name": model.name, "start": str(start), "trained_on": [*about["trained_on"], stage.run],
                                "questions": asked, "pairs": len(pairs), "epochs": epochs, "rank": RANK})  # fmt: skip
    stage.finish({"questions": asked, "pairs": len(pairs), "seconds": round(seconds, 1)})
    print(f"{NAME}: {asked} questions, {len(pairs)} pairs, {seconds:.0f} s, weights in {out}")


def has_base(settings: Settings) -> bool:
    """Whether the cross-encoder in use is the shipped one or one trained on from it; no other can be."""
    found = settings.section(ModelSettings).cross_encoder == "shipped"
    if not found:
        print(f"{NAME}: left out, since model.reranker or model.embedder names another than what ships")
    return found


def train_corpus_cross_encoder(stage: Stage, settings: Settings, index: Path) -> None:
    """Train on the rows that the stage's run teaches from the index, and on what misled its generator."""
    Stage(stage.run, "mine").result()
    models = settings.section(ModelSettings)
    model = find_model(ModelSettings.embedder, models.hub)
    train_corpus_reranker(
        stage, hard_negatives_for_run(stage.run, settings, index), model, choose_device(models.device)[0]
    )
