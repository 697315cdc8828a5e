"""A folder of people's questions as a command names it, with the share of them that is taken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class QuestionFolder:
    """A folder of people's questions. share: of its questions that are trained on, 0 to 1."""

    path: Path
    share: float = 1.0

    @classmethod
    def parse(cls, text: str) -> QuestionFolder:
        """Read "FOLDER" or "FOLDER=SHARE". Raises ValueError for a share that is no number from 0 to 1."""
        path, equals, share = text.partition("=")
        folder = cls(Path(path), float(share) if equals else 1.0)
        if not 0 <= folder.share <= 1:
            raise ValueError(text)
        return folder
