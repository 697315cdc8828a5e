"""Nothing that a library does tells others of it."""

import os
import subprocess
import sys
from pathlib import Path

from rag.models.libraries import SILENCED, TRACING

ROOT = Path(__file__).parents[3]
ASKED = """
from rag.cli.shell import load_settings
load_settings([])
from huggingface_hub import constants
from langsmith.utils import tracing_is_enabled
print(constants.HF_HUB_DISABLE_TELEMETRY, constants.HF_HUB_OFFLINE, bool(tracing_is_enabled()))
"""


def test_the_libraries_themselves_say_that_telemetry_and_tracing_are_off_whatever_the_shell_says(tmp_path):
    said = {**dict.fromkeys(SILENCED, "0"), **dict.fromkeys(TRACING, "true"), "LANGSMITH_API_KEY": "x"}
    environment = {**os.environ, **said, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", ASKED], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "True", "False"], done.stderr
