"""Several LoRA adapters of one base made into one, by PEFT's ways of combining them."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.core.errors import ModelError
from rag.models.adapter_methods import check_use
from rag.models.adapters import IDENTITY, TRAINING_RECORD, read_identity, serving_config

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

# "cat": the exact weighted sum of the changes, of the sum of the ranks. "linear": of one rank, and no exact sum. TIES:
# Yadav et al., 2023, arXiv 2306.01708. DARE: Yu et al., 2023, arXiv 2311.03099.
WAYS = ("cat", "linear", "ties", "dare_linear", "dare_ties")
EQUAL = ("base", "precision", "prompt", "activation", "apart")  # what the adapters' identities must agree in
INVOCATION = "alora_invocation_tokens"
COMPOSED = "composed"  # PEFT's name of the new adapter, in memory


def check_composable(adapters: Sequence[Path], weights: Sequence[float], way: str) -> None:
    """Raise ModelError where the adapters cannot be combined in that way.

    They must have been trained by methods that can be, on one base, precision and prompt, and, as activated LoRA, with
    equal invocation tokens, of which PEFT would silently take the first adapter's. All ways but "cat" want equal ranks.
    """
    if len(adapters) < 2 or len(weights) != len(adapters):
        raise ModelError(f"two adapters or more and a weight for each, not {len(adapters)} with {len(weights)} weights")
    identities = [read_identity(adapter) for adapter in adapters]
    configs = [json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8")) for adapter in adapters]
    for adapter, identity in zip(adapters, identities, strict=True):
        check_use(identity.get("method", "lora"), "compose", adapter)
    keys = [*EQUAL, INVOCATION, *(() if way == "cat" else ("r",))]
    for adapter, identity, config in zip(adapters, identities, configs, strict=True):
        for key in keys:
            mine, first = (
                {**each[0], **each[1]}.get(key) for each in ((identity, config), (identities[0], configs[0]))
            )
            if mine != first:
                remedy = "; --how cat takes any ranks" if key == "r" else ""
                raise ModelError(f"{adapters[0]} and {adapter} differ in {key}: {first} and {mine}{remedy}")


def compose_adapters(
    base: PreTrainedModel, adapters: Sequence[Path], weights: Sequence[float], way: str, density: float, out: Path
) -> None:
    """Write one adapter that does what several do together to the folder `out`, with identity and training record.

    base: in the precision of the adapters; layers of PEFT are put into it. weights: of each adapter. way: one of WAYS.
    density: share of each adapter's entries that TIES and DARE keep. Raises ModelError as `check_composable` does, and
    where `out` is there already.
    """
    check_composable(adapters, weights, way)
    if out.exists():
        raise ModelError(f"{out} is there already: choose another folder")
    tuned = _load_together(base, adapters)
    names = [_name(number) for number in range(len(adapters))]
    pruned = {} if way in ("cat", "linear") else {"density": density}
    tuned.add_weighted_adapter(names, [*weights], COMPOSED, combination_type=way, **pruned)
    config = json.loads((adapters[0] / "adapter_config.json").read_text(encoding="utf-8"))
    tuned.peft_config[COMPOSED].alora_invocation_tokens = config.get(INVOCATION)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as aside:
        tuned.save_pretrained(aside, selected_adapters=[COMPOSED])
        folder = Path(aside) / COMPOSED
        parts = [{"adapter": str(adapter), "weight": weight} for adapter, weight in zip(adapters, weights, strict=True)]
        identity = {
            key: value for key, value in read_identity(adapters[0]).items() if key in (*EQUAL, "base_name", "method")
        }
        (folder / IDENTITY).write_text(json.dumps({**identity, "composed": parts, "way": way}, indent=2) + "\n")
        (folder / TRAINING_RECORD).write_text(json.dumps(_joined_records(adapters)) + "\n")
        shutil.move(folder, out)


def _load_together(base: PreTrainedModel, adapters: Sequence[Path]) -> PeftModel:
    """Return the base with all adapters in memory."""
    from peft import PeftModel

    tuned = PeftModel.from_pretrained(base, str(adapters[0]), adapter_name=_name(0), config=serving_config(adapters[0]))
    for number, adapter in enumerate(adapters[1:], 1):
        tuned.load_adapter(str(adapter), _name(number), peft_config=serving_config(adapter))
    return tuned


def _name(number: int) -> str:
    return f"part{number}"  # a bare number would be taken for that of a layer when PEFT saves


def _joined_records(adapters: Sequence[Path]) -> dict[str, Any]:
    """Return all questions and documents of the adapters' records, so that evaluation knows what was trained on."""
    documents: dict[str, list[str]] = {}
    questions: list[Any] = []
    for adapter in adapters:
        path = adapter / TRAINING_RECORD
        record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"documents": {}, "questions": []}
        questions += record["questions"]
        for part, names in record["documents"].items():
            documents[part] = sorted({*documents.get(part, ()), *names})
    mined = {name for part, names in documents.items() if part != "unmined" for name in names}
    if "unmined" in documents:
        documents["unmined"] = [name for name in documents["unmined"] if name not in mined]
    return {"documents": documents, "questions": questions}
