"""An adapter's folder: what it was trained on, and how the adapter is attached to its base model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.core.errors import ModelError
from rag.core.jsonl import file_digest, json_object
from rag.models.resolve import LocalModel

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel
    from transformers import PreTrainedModel

IDENTITY = "identity.json"  # what serving checks: base model, precision, prompt
TRAINING_RECORD = "record.json"  # what evaluation checks: the questions and documents that it was trained on
WEIGHTS = "adapter_model.safetensors"
CURVES = "curves.json"  # what reports draw: the training log of each stage
ANOTHER = "rag adapters --rollback, or make train"
CHECKED = ("base", "precision", "prompt")  # the identity's keys without which an adapter cannot be served
AT_QUESTION = "question"  # the identity's "activation" of adapters that are inactive before the question
SHIPPED_READER = Path(__file__).parents[1] / "weights" / "reader"


def read_identity(adapter: Path) -> dict[str, Any]:
    """Return what the adapter was trained on: base digest and precision, prompt fingerprint, data.

    Raises ModelError when the folder has no such file, or that of something else.
    """
    try:
        identity = json_object((adapter / IDENTITY).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{adapter} is not an adapter of ours ({error}): make train") from error
    if missing := [key for key in CHECKED if key not in identity]:  # as in the folder of a weight delta
        raise ModelError(f"{adapter} is not an adapter of ours ({IDENTITY} has no {missing[0]!r}): make train")
    return identity


def require_whole(adapter: Path) -> None:
    """Raise ModelError where an adapter's weights are not those that its identity names; older ones name none."""
    named = read_identity(adapter).get("weights") if (adapter / IDENTITY).exists() else None
    if not (adapter / WEIGHTS).exists():  # PEFT would take pickled ones
        raise ModelError(f"{adapter} has no {WEIGHTS}, and no other weights are loaded: {ANOTHER}")
    if named and file_digest(adapter / WEIGHTS) != named:
        raise ModelError(f"{adapter / WEIGHTS} is damaged, it is not what training wrote: {ANOTHER}")


def questions_about(adapter: Path, documents: list[str]) -> int:
    """Return how many questions in the adapter's training record were made from the documents."""
    try:
        questions = json_object((adapter / TRAINING_RECORD).read_text(encoding="utf-8"))["questions"]
        starts = tuple(f"{document}:" for document in documents)
        return sum(
            question["id"].startswith(starts) or not {*documents}.isdisjoint(question.get("documents", ()))
            for question in questions
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # without a record it is served as well
        return 0


def reader_fits(model: LocalModel, prompt: str | None = None) -> bool:
    """Tell whether the shipped reader was trained on this base and, if one is given, with this prompt fingerprint."""
    if not (SHIPPED_READER / IDENTITY).exists():
        return False
    identity = read_identity(SHIPPED_READER)
    return identity["base"] == model.digest and prompt in (None, identity["prompt"])


def serving_config(adapter: Path) -> PeftConfig:
    """Return the adapter's PEFT configuration without its invocation tokens.

    The adapter is only called on what follows the question's start. There plain LoRA computes the same, without looking
    for the start at every step. Raises ModelError as `require_whole` does.
    """
    from peft import PeftConfig

    from rag.models import bottleneck  # noqa: F401  (makes its type known to PEFT)

    require_whole(adapter)
    config = PeftConfig.from_pretrained(str(adapter))
    if getattr(config, "alora_invocation_tokens", None):
        config.alora_invocation_tokens = None
    if getattr(config, "use_qalora", False):
        from rag.models.qalora import support_linear_layers

        config = support_linear_layers(config)
    return config


def attach_adapter(base: PreTrainedModel, adapter: Path, at_question: bool) -> PreTrainedModel | PeftModel:
    """Return the model that generates with the adapter; the base stays unchanged, and shares its other weights.

    An adapter that is inactive before the question (`at_question`), on weights of full precision, is merged into copies
    of the weights that it changes: generating then costs no more than with the base. Every other adapter is attached by
    PEFT, which is imported only where it is needed.
    """
    from rag.models.cpu_kernels import copy_modules, unpack

    quantized = any(type(module).__module__.startswith("bitsandbytes") for module in base.modules())
    mergeable = at_question and not quantized
    if mergeable:
        from rag.models.merge_lora import merged_copy

        require_whole(adapter)
        if merged := merged_copy(base, adapter):
            return merged
    from peft import PeftModel

    model = unpack(copy_modules(base, own_weights=mergeable))
    tuned = PeftModel.from_pretrained(model, str(adapter), is_trainable=False, config=serving_config(adapter))
    return (tuned.merge_and_unload() if mergeable else tuned).eval()
