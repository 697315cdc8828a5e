"""What the programs `rag`, `finetune` and `eval` share: settings, exit status, and errors in one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

from rag.cli.unforeseen import in_one_line
from rag.core.errors import RagtuneError
from rag.core.sections import ModelSettings, SettingsSection
from rag.core.settings import Settings
from rag.models.libraries import forbid_tracing, prepare_libraries

INTERRUPTED = 130  # the shell's exit status for a program that Ctrl-C ended


def load_settings(overrides: list[str] | None, extra: Mapping[str, type[SettingsSection]] | None = None) -> Settings:
    """Return the checked settings, with the model libraries prepared for them.

    extra: sections beyond those of `rag`, by name, as finetune has them.
    """
    settings = Settings(overrides, extra=extra)
    prepare_libraries(settings.section(ModelSettings).hub)
    forbid_tracing()
    return settings


def exit_status(run: Callable[[], int | None]) -> int:
    """Call `run` and return the exit status: what it returns, 0 for None.

    An error becomes one line on stderr and status 1.
    """
    try:
        return run() or 0
    except RagtuneError as error:
        return _failed(str(error))
    except BrokenPipeError:  # head, or whatever else reads the output, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("interrupted; what was saved so far is kept", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - nobody is shown a traceback
        return _failed(in_one_line(error))


def _failed(reason: str) -> int:
    if "tqdm" in sys.modules:  # a line of its own, not the end of a progress bar
        from tqdm import tqdm

        for bar in list(getattr(tqdm, "_instances", ())):
            bar.close()
    print(f"error: {reason}", file=sys.stderr)
    return 1


def flush_output() -> None:
    """Write out what is still buffered."""
    sys.stdout.flush()
    sys.stderr.flush()
