"""Write a lock with hashes from pip's own reports: python .ci/lock.py OUT REPORT... (a later report wins).

pip install --dry-run --ignore-installed --report REPORT -c .constraints.txt '.[test,serve,ocr]' makes a report.
"""

import json
import re
import sys
from pathlib import Path

HOW = "pip install --no-deps --require-hashes -r"


def pinned(reports: list[Path]) -> dict[str, tuple[str, str]]:
    """Return version and SHA-256 of each package of the reports, by its name."""
    found = {}
    for report in reports:
        for item in json.loads(report.read_text(encoding="utf-8"))["install"]:
            about, hashes = item["metadata"], item["download_info"].get("archive_info", {}).get("hashes")
            if hashes:  # this project itself has none
                name = re.sub(r"[-_.]+", "-", about["name"]).lower()
                found[name] = about["version"], hashes["sha256"]
    return found


def main(out: Path, reports: list[Path]) -> None:
    """Write the lock."""
    first = json.loads(reports[0].read_text(encoding="utf-8"))["environment"]
    where = f"{first['sys_platform']} {first['platform_machine']}, Python {first['python_version']}"
    lines = [f"# {where}: {HOW} {out}", "# made by .ci/lock.py"]
    for name, (version, sha256) in sorted(pinned(reports).items()):
        lines.append(f"{name}=={version} --hash=sha256:{sha256}")
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
