"""The settings of mining and training: sections of `ragtune.toml`, with the values that they take.

Nothing heavy is imported here, so that each command can check all settings before it loads a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rag.core.errors import SettingsError
from rag.core.sections import SettingsSection, in_range, one_of
from rag.models.adapter_methods import METHODS

# "dpo" and the keys of finetune.generator.preference_methods.BESIDE_DPO; a test holds them equal.
PREFERENCE_METHODS = ("dpo", "kto", "orpo", "grpo", "rloo")
# The keys of finetune.mining.filters.NAMES; a test holds them equal.
FILTERS = (
    "malformed",
    "points_at_text",
    "repeats_itself",
    "contains_answer",
    "unrelated",
    "asks_for_another_kind",
    "near_duplicate",
    "answered_otherwise",
    "not_found_again",
    "unsupported",
)


@dataclass(frozen=True)
class RowSettings(SettingsSection):
    """How mined questions become training rows.

    left_out: share of answerable questions whose own passage is taken out of the context, so that the right answer is
    the refusal. unanswerable: share of all rows whose right answer is the refusal; questions made unanswerable by a
    swap fill it up as far as there are any. multihop: share of all rows that need two passages. query_styles: share of
    questions turned into keywords, and the same share with spelling mistakes. reach: among how many retrieved passages
    a question must find its own. cloze: whether questions are also made from sentences by a cloze. without: names of
    filters to leave out, separated by commas, to measure what each is worth. seed: of all random choices.
    """

    section: ClassVar[str] = "mine"
    left_out: float = in_range(0.2, 0, 1)
    unanswerable: float = in_range(0.33, 0, 1, below=True)
    multihop: float = in_range(0.1, 0, 1, below=True)
    query_styles: float = in_range(0.1, 0, 0.5)
    reach: int = in_range(10, 1)
    cloze: bool = True
    without: str = ""
    seed: int = in_range(0, 0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if unknown := sorted(self.left_out_filters - {*FILTERS}):
            raise SettingsError(f"mine.without: there is no filter {unknown[0]!r}, only {', '.join(FILTERS)}")

    @property
    def left_out_filters(self) -> frozenset[str]:
        """Return the names in `without`."""
        return frozenset(filter(None, map(str.strip, self.without.split(","))))


@dataclass(frozen=True)
class MineSettings(RowSettings):
    """What is mined from the index.

    candidates: how many spans questions are written for. gate: how many questions are wanted to decide promotion by;
    where those spans give fewer, further ones of the held-out passages are asked about. checked: whether the generator
    and the cross-encoder must lead from a question back to its span. batch: spans whose questions are written together.
    written: share of spans for which the shipped question writer is asked first, and the sentence itself (a cloze) only
    after it. teacher: base URL of an OpenAI-compatible endpoint that writes questions instead, "" for none.
    teacher_answers: whether that model also trims the answer.
    """

    candidates: int = in_range(400, 1)
    gate: int = in_range(60, 0)
    checked: bool = True
    batch: int = in_range(16, 1)
    written: float = in_range(0.5, 0, 1)
    teacher: str = ""
    teacher_answers: bool = False


@dataclass(frozen=True)
class SftSettings(SettingsSection):
    """Supervised fine-tuning of the generator on the mined rows.

    method: "alora" encodes the passages once and trains on question and answer; the other PEFT methods train on the
    whole sequence with TRL. DPO uses the same method. start: "reader" continues the shipped reader where it fits base,
    prompt and method; "" starts a new adapter. rank: of LoRA's matrices in a new adapter. learning_rate: its peak, 0
    for the method's own. batch: rows a step. patience: evaluations without better development answers before training
    stops; there are at least four in a run, and one an epoch. general: share of general instructions in the training
    data of methods that act on the whole sequence. learned: weight of the trained adapter, from 0 to 1, when it is
    averaged with the reader that it started from: mined questions are narrower than people's, and the average keeps
    more of the reader (WiSE-FT: Wortsman et al., 2022, arXiv 2109.01903). fuse: folders of bottleneck adapters,
    separated by commas, among which "adapter-fusion" learns to choose.
    """

    section: ClassVar[str] = "sft"
    method: str = one_of("alora", *METHODS)
    start: str = one_of("reader", "reader", "")
    rank: int = in_range(32, 1)
    learning_rate: float = in_range(0.0, 0)
    epochs: int = in_range(4, 1)
    batch: int = in_range(8, 1)
    patience: int = in_range(2, 1)
    general: float = in_range(0.1, 0, 1, below=True)
    learned: float = in_range(0.5, 0, 1)
    fuse: str = ""

    @property
    def parts(self) -> list[Path]:
        """Return the folders in `fuse`."""
        return [Path(folder) for folder in filter(None, map(str.strip, self.fuse.split(",")))]


@dataclass(frozen=True)
class DpoSettings(SettingsSection):
    """Direct preference optimization of the SFT adapter.

    pairs: how many preference pairs. beta: strength of the pull towards the reference (0.1 in Rafailov et al., 2023,
    arXiv 2305.18290). learning_rate: a fifth of SFT's, since DPO puts no floor under the likelihood of the chosen
    answer. batch: pairs a step.
    """

    section: ClassVar[str] = "dpo"
    pairs: int = in_range(40, 1)
    beta: float = in_range(0.1, 0, above=True)
    learning_rate: float = in_range(1e-4, 0, above=True)
    epochs: int = in_range(1, 1)
    batch: int = in_range(4, 1)


@dataclass(frozen=True)
class PreferenceSettings(SettingsSection):
    """What the stage after SFT trains.

    method: "dpo", or another that learns from the same pairs or by the same checks, with the settings of DPO. The
    others act on the whole sequence, and go with adapters that do, such as those of sft.method=lora.
    """

    section: ClassVar[str] = "preference"
    method: str = one_of("dpo", *PREFERENCE_METHODS)


SECTIONS: dict[str, type[SettingsSection]] = {
    cls.section: cls for cls in (MineSettings, SftSettings, DpoSettings, PreferenceSettings)
}
