"""Schemathesis sends what OpenAPI allows, and what it does not, and finds no answer that OpenAPI does not know."""

import re
import subprocess
import sys
from pathlib import Path

from finetune.api.router import router
from training_run import write_run

# Not checked is whether all that has the right form is accepted: a question without a word has it, and is refused.
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance")
CHECKS += ("response_schema_conformance", "negative_data_rejection", "unsupported_method")


def test_schemathesis_finds_nothing(served, tmp_path):
    # The form is to refuse what is too long.
    made = served("serve.per_minute=0", "serve.max_request=100000000", more=[router])
    write_run()
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{made.url}/openapi.json"]
    command += ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "30"]
    command += ["--seed", "1", "--no-color", "--suppress-health-check", "all"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, _faults(run.stdout)
    assert re.search(r"(\d{3,}) generated, \1 passed", run.stdout), _faults(run.stdout)


def _faults(output: str) -> str:
    """What schemathesis found, without the long texts that it sent."""
    return "\n".join(line[:300] for line in output.splitlines())[-8000:]
