"""TODO docstring of rag.cli.shell."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

from rag.core.errors import RagtuneError
from rag.core.sections import ModelSettings, SettingsSection
from rag.core.settings import Settings
from rag.models.libraries import prepare_libraries


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def load_settings(overrides: list[str] | None, extra: Mapping[str, type[SettingsSection]] | None = None) -> Settings:
    """Return the checked settings, with the model libraries prepared for them.

    extra: sections beyond those of `rag`, by name, as finetune has them.
    """
    settings = Settings(overrides, extra=extra)
    prepare_libraries(settings.section(ModelSettings).hub)
    return settings


def exit_status(run: Callable[[], int | None]) -> int:
    """-> exit status: what `run` gives, 0 if nothing; errors meant for people become one line on stderr and 1."""
    try:
        return run() or 0
    except RagtuneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # head, or whatever else read this output, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("stopped; what was committed is kept", file=sys.stderr)
        return 130
