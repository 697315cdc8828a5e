"""Schemathesis sends what OpenAPI allows, and what it does not, and finds no answer that OpenAPI does not know."""

import subprocess
import sys
from pathlib import Path

# Not checked is whether all that has the right form is accepted: a question without a word has it, and is refused.
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance")
CHECKS += ("response_schema_conformance", "negative_data_rejection", "unsupported_method")


def test_schemathesis_finds_nothing(served, tmp_path):
    made = served("serve.per_minute=0")
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{made.url}/openapi.json"]
    command += ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "30"]
    command += ["--seed", "1", "--no-color"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-6000:]
    assert "No issues found" in run.stdout
