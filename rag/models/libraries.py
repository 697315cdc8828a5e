"""TODO docstring of rag.models.libraries."""

from __future__ import annotations

import ctypes
import logging
import os
import warnings

M_TRIM_THRESHOLD = -1  # these two are malloc.h's
M_MMAP_THRESHOLD = -3


def prepare_libraries(hub: bool) -> None:
    """Switch the Hugging Face libraries' network access on or off and their chatter off; must run before they are imported."""
    os.environ["HF_HUB_OFFLINE"] = "0" if hub else "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "0" if hub else "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Have glibc use freed memory again: by default each large tensor on a CPU is fresh pages from the kernel, a tenth of the time of reading a prompt."""
    if hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_TRIM_THRESHOLD, 1 << 30)
        libc.mallopt(M_MMAP_THRESHOLD, 32 << 20)  # the most that it takes
