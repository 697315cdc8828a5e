"""What must be set before the Hugging Face libraries are imported: network access, log output, threads, memory."""

from __future__ import annotations

import ctypes
import logging
import os
import warnings

SPIN_COUNT = "3000"  # of GNU OpenMP, whose default is 300,000; on idle cores an answer takes as long with either
# What keeps libraries from telling others that they are used.
SILENCED = ("HF_HUB_DISABLE_TELEMETRY", "DISABLE_TELEMETRY", "DO_NOT_TRACK", "HF_HUB_DISABLE_UPDATE_CHECK")
# What keeps langchain-core from sending questions and passages to a host, whatever the user's shell says.
TRACING = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")
M_TRIM_THRESHOLD = -1  # these two are glibc's, from malloc.h
M_MMAP_THRESHOLD = -3


def prepare_libraries(hub: bool) -> None:
    """Allow or forbid the libraries' network access, silence their log output, and set how threads wait.

    hub: whether the Hugging Face hub may be asked. Must run before the libraries are imported.
    """
    os.environ["HF_HUB_OFFLINE"] = "0" if hub else "1"
    for name in SILENCED:
        os.environ[name] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "0" if hub else "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Threads that wait for each other spin for some microseconds only, then sleep. Beside other programs a spinning
    # thread keeps a core from the one that it waits for: an answer took ten times as long (eval/LOG.md).
    os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    _keep_freed_memory()


def forbid_tracing() -> None:
    """Keep langchain-core from tracing. For the programs of this project; an application of others decides itself."""
    for name in TRACING:
        os.environ[name] = "false"


def _keep_freed_memory() -> None:
    """Make glibc use freed memory again.

    By default each large tensor on a CPU is made of fresh pages from the kernel: a tenth of the time of a prefill.
    """
    if hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_TRIM_THRESHOLD, 1 << 30)
        libc.mallopt(M_MMAP_THRESHOLD, 32 << 20)  # the most that it takes
