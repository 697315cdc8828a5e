"""Training of the span scorer that ships, on people's questions.

Each question is read with its own passage and with a nearby one that does not answer it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoTokenizer, Trainer, TrainingArguments
from transformers.trainer_pt_utils import LengthGroupedSampler

from finetune.retriever.encoder_trainer import encoder_arguments, save_encoder, train_encoder
from finetune.shipped.question_folder import QuestionFolder
from finetune.shipped.span_examples import SpanExample, read_span_examples
from finetune.shipped.span_measures import measure_span_scorer
from finetune.training_loop import checkpoint_folder
from rag.core.errors import TrainingError
from rag.core.jsonl import write_json
from rag.core.run_folder import Stage
from rag.core.sections import ModelSettings
from rag.models.cross_encoder import SHIPPED as CROSS_ENCODER
from rag.models.embedder import Embedder
from rag.models.pair_batches import batches, tokenize_pairs
from rag.models.resolve import LocalModel, find_model
from rag.models.span_scorer import LARGE as LARGE_WEIGHTS
from rag.models.span_scorer import SpanScorer, TokenOffset, load_span_model, text_tokens
from rag.models.weight_delta import IDENTITY_FILE, apply_delta, delta_name, read_delta_identity

if TYPE_CHECKING:
    from transformers import BatchEncoding, PreTrainedModel, PreTrainedTokenizerBase

STAGE = Stage("span-scorer", "training")
BATCH, EPOCHS = 16, 1  # questions a step
HEAD_RATE = 10  # learning rate of the two new outputs, which start at random, as a multiple of the encoder's
WEIGHT_DECAY = 0.01
MEASURED = 200  # held-out questions of a folder, at most
SEED = 0  # of the new outputs' random weights


def span_loss(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch: Sequence[SpanExample]) -> torch.Tensor:
    """Return the mean cross-entropy of the answers' first tokens and of their last ones.

    A token competes with those of all texts of its question (shared normalization: Clark and Gardner, ACL 2018) and
    with one "no answer": a token's logit counts less the one of its text's first token, as it does when the model is
    used, and "no answer" has 0.
    """
    rows = [(n, text) for n, example in enumerate(batch) for text in example.texts]
    questions, texts = [batch[n].question for n, _ in rows], [text for _, text in rows]
    pairs = tokenize_pairs(tokenizer, questions, texts)
    tokens = [text_tokens(pairs, row) for row in range(len(texts))]
    start_logits, end_logits = _logits(model, tokenizer, pairs)
    losses: list[torch.Tensor] = []
    first = 0
    for example in batch:
        own = range(first, first + len(example.texts))
        first += len(example.texts)
        start, end = (example.span[0], example.span[1] - 1) if example.span else (None, None)
        for logits, character in ((start_logits, start), (end_logits, end)):
            loss = _token_loss(logits, own, tokens, character)
            losses += [] if loss is None else [loss]
    return torch.stack(losses).mean()


def _logits(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, pairs: BatchEncoding
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return the start logits and the end logits of each pair's tokens."""
    starts: dict[int, torch.Tensor] = {}
    ends: dict[int, torch.Tensor] = {}
    for positions, inputs in batches(tokenizer, pairs, str(model.device)):
        out = model(**inputs)
        starts |= zip(positions, out.start_logits.float(), strict=True)
        ends |= zip(positions, out.end_logits.float(), strict=True)
    return [starts[n] for n in range(len(starts))], [ends[n] for n in range(len(ends))]


def _token_loss(
    logits: list[torch.Tensor], rows: range, tokens: list[list[TokenOffset]], character: int | None
) -> torch.Tensor | None:
    """Return the loss of one question's start or end; None where the answer was cut off.

    logits: (tokens,) of each text of the whole batch. rows: those of the question. character: of the answer in the
    first text, None where there is no answer.
    """
    scores = [logits[row][[n for n, _ in tokens[row]]] - logits[row][0] for row in rows]
    normalizer = torch.cat([scores[0].new_zeros(1), *scores]).logsumexp(0)
    if character is None:
        return normalizer
    place = next((n for n, (_, (first, last)) in enumerate(tokens[rows[0]]) if first <= character < last), None)
    return None if place is None else normalizer - scores[0][place]


class _ByLength(LengthGroupedSampler):
    """Draws batches of about one length, the same ones for an epoch when a killed training goes on."""

    def set_epoch(self, epoch: int) -> None:
        """Seed the order; the Trainer calls it before each epoch."""
        self.generator.manual_seed(epoch)


class SpanTrainer(Trainer):
    """transformers' Trainer on SpanExamples; the new outputs learn faster than the encoder below them."""

    def __init__(self, *args: Any, tokenizer: PreTrainedTokenizerBase, **options: Any) -> None:
        super().__init__(*args, data_collator=lambda examples: {"examples": list(examples)}, **options)
        self._tokenizer = tokenizer
        self.model_accepts_loss_kwargs = False  # the loss is a mean over questions

    def _get_train_sampler(self, train_dataset: Any = None) -> _ByLength:
        """Put questions with texts of about one length into a batch, so that little is computed for padding."""
        lengths = [max(map(len, example.texts)) for example in self.train_dataset]
        return _ByLength(self.args.train_batch_size, lengths=lengths, generator=torch.Generator())

    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Return the loss of the batch."""
        return span_loss(model, self._tokenizer, inputs["examples"])

    def create_optimizer(self, model: PreTrainedModel | None = None) -> torch.optim.Optimizer:
        """Make AdamW with a learning rate for the encoder and one for the new outputs."""
        body = [parameter for parameter in self.model.base_model.parameters() if parameter.requires_grad]
        rate = self.args.learning_rate
        groups = [
            {"params": body, "lr": rate},
            {"params": list(self.model.qa_outputs.parameters()), "lr": HEAD_RATE * rate},
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=WEIGHT_DECAY, fused=True)
        return self.optimizer


@dataclass(frozen=True)
class Recipe:
    """How a span scorer is trained.

    start: weight delta that training starts from, None for the model as it is. frozen: its lowest layers that keep
    their weights, which saves the time of training them. learning_rate: of its other layers. rank: of the weight delta.
    """

    start: Path | None
    frozen: int
    learning_rate: float
    rank: int


SMALL = Recipe(CROSS_ENCODER, 0, 1.5e-4, 128)  # MiniLM
LARGE = Recipe(None, 6, 1e-4, 96)  # MPNet, of twelve layers; all weights that ship stay under 40 MB
LARGE_FURTHER = replace(LARGE, start=LARGE_WEIGHTS, learning_rate=6e-5)


def train_span_scorer(model: LocalModel, device: str, folders: list[QuestionFolder], recipe: Recipe, out: Path) -> None:
    """Train a span scorer and write its weight delta to `out`.

    folders: people's questions, of which those about held-out documents are left out. Training that starts from a
    weight delta draws other questions than that was trained on, as far as there are some. Raises TrainingError when no
    question has an answer in the documents.
    """
    embedder = Embedder(find_model(ModelSettings.embedder), device)
    seed = delta_name(recipe.start) if recipe.start else ""
    examples = read_span_examples(folders, embedder, seed=seed)
    if not any(example.span for example in examples):
        raise TrainingError("no question whose answer stands in the documents: name folders with answers")
    scorer = untrained_span_scorer(model, recipe).to(device)
    tokenizer = AutoTokenizer.from_pretrained(model.path, local_files_only=True)
    steps = fit_span_scorer(scorer, tokenizer, examples, EPOCHS, recipe.learning_rate, STAGE.folder)
    facts = {
        "licence": "CC BY-SA 4.0",
        "trained_on": {folder.path.name: folder.share for folder in folders},
        "questions": len(examples),
        "answered": sum(bool(example.span) for example in examples),
        "epochs": EPOCHS,
        "steps": steps,
        **({"after": read_delta_identity(recipe.start)} if recipe.start else {}),
    }
    save_encoder(scorer, model, out, recipe.rank, facts)
    measures = _write_measures(folders, SpanScorer(model, device, out), embedder, out)
    print(f"{len(examples)} questions, {steps} steps, weights in {out}")
    print("\n".join(f"{name}: {measured}" for name, measured in measures.items()))


def untrained_span_scorer(model: LocalModel, recipe: Recipe) -> PreTrainedModel:
    """Load the encoder as training finds it: new outputs, no dropout, and what stays as it is frozen."""
    torch.manual_seed(SEED)
    settings = {"attention_probs_dropout_prob": 0.0, "hidden_dropout_prob": 0.0}
    scorer = load_span_model(model, torch.float32, attn_implementation="eager", **settings)
    if recipe.start:
        apply_delta(scorer, recipe.start)
    encoder = scorer.base_model.encoder
    frozen = [scorer.base_model.embeddings, *encoder.layer[: recipe.frozen]]
    if recipe.frozen and hasattr(encoder, "relative_attention_bias"):
        frozen.append(encoder.relative_attention_bias)  # all layers use it: its gradient would pass the frozen ones
    for part in frozen:
        part.requires_grad_(False)
    return scorer


def _write_measures(
    folders: list[QuestionFolder], scorer: SpanScorer, embedder: Embedder, out: Path
) -> dict[str, dict[str, float | None]]:
    """Measure the weights as they are kept on the folders' held-out documents, and add that to their identity."""
    measured = {}
    for folder in folders:
        if examples := read_span_examples([folder], embedder, held=True)[:MEASURED]:
            measured[folder.path.name] = measure_span_scorer(scorer, examples).as_dict()
    write_json(out / IDENTITY_FILE, {**read_delta_identity(out), "held_out": measured})
    return measured


def fit_span_scorer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[SpanExample],
    epochs: float,
    learning_rate: float,
    folder: Path,
) -> int:
    """Train the parameters that are not frozen, and return the number of steps.

    folder: where checkpoints go; a killed call goes on from them.
    """
    facts = [asdict(example) for example in examples]
    checkpoints = checkpoint_folder(folder, facts, epochs, learning_rate, BATCH, model.config.model_type)
    arguments = encoder_arguments(checkpoints, model.device.type, epochs, BATCH, learning_rate)
    trainer = SpanTrainer(
        model,
        TrainingArguments(**arguments, remove_unused_columns=False),
        train_dataset=list(examples),
        tokenizer=tokenizer,
    )
    train_encoder(trainer, "span scorer")
    return int(trainer.state.global_step)
