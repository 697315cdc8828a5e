"""python -m eval: measure retrieval and answers, base against tuned."""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

from rag.cli import guarded, load_settings
from rag.settings import Settings

EXAMPLES = """examples:
  python -m eval gold                               base and tuned on corpus/gold.jsonl
  python -m eval gold --sample 40 --generators base
  python -m eval bench DIR --sample 200 --json out.json
  python -m eval bench DIR --train                  mine and train on DIR's documents first, never its questions
  python -m eval dev                                base against the adapters of a run, on its mined development questions
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("python -m eval", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--set", action="append", metavar="SECTION.KEY=VALUE", help="override a setting, as ragtune.toml would")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    gold = commands.add_parser("gold", help="the corpus's gold questions, over corpus/ and corpus/incoming/")
    gold.add_argument("--corpus", type=Path, default=Path("corpus"), metavar="DIR")
    gold.set_defaults(work=run_gold)
    bench = commands.add_parser("bench", help="any folder with documents/ and questions.jsonl, in an index of its own")
    bench.add_argument("folder", type=Path)
    bench.add_argument("--train", action="store_true", help="first mine and train on its documents, in a run of its own")
    bench.set_defaults(work=run_bench)
    for command in (gold, bench):
        command.add_argument("--sample", type=int, default=0, metavar="N", help="a random sample of N questions (default: all)")
        command.add_argument("--seed", type=int, default=0, help="of the sample")
        command.add_argument("--generators", default="base,tuned", metavar="NAMES", help="base, tuned, or both (default %(default)s)")
        command.add_argument("--adapter", type=Path, metavar="DIR", help="the adapter called tuned (default: the live one, else the newest)")
        command.add_argument("--json", type=Path, metavar="OUT", help="write the summary there too")
    dev = commands.add_parser("dev", help="the paired test that promotion waits for")
    dev.add_argument("--run", default="default")
    dev.set_defaults(work=run_dev)
    return top


def run_dev(args: argparse.Namespace, settings: Settings) -> None:
    from eval.dev import evaluate_dev

    evaluate_dev(settings, args.run)


def run_gold(args: argparse.Namespace, settings: Settings) -> None:
    from eval.run import RUNS, build_index

    names, folder = generator_names(args.generators), RUNS / "gold"
    incoming = args.corpus / "incoming"
    build_index(settings, folder / "index", [args.corpus, incoming] if incoming.exists() else [args.corpus])
    measure(args, settings, folder, args.corpus / "gold.jsonl", names, args.adapter)


def run_bench(args: argparse.Namespace, settings: Settings) -> None:
    from eval.questions import EvaluationError
    from eval.run import RUNS, build_index, newest_adapter

    if not (args.folder / "documents").is_dir() or not (args.folder / "questions.jsonl").is_file():
        raise EvaluationError(f"{args.folder} is no bench: a folder documents/ and a file questions.jsonl are expected")
    names, run = generator_names(args.generators), bench_run(args.folder, args.set or [])
    folder = RUNS / run
    build_index(settings, folder / "index", [args.folder / "documents"])
    if args.train:
        train(args, run, folder / "index")
    measure(args, settings, folder, args.folder / "questions.jsonl", names, args.adapter or (newest_adapter(run) if args.train else None))


def bench_run(folder: Path, overrides: list[str]) -> str:
    """-> the run's name, other for other documents or settings, so that nothing of an earlier bench is taken for this one."""
    digest = hashlib.sha256(json.dumps(sorted(overrides)).encode())
    for path in sorted((folder / "documents").rglob("*")):
        digest.update(f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()}".encode() if path.is_file() else b"")
    return f"bench-{folder.resolve().name}-{digest.hexdigest()[:8]}"


def train(args: argparse.Namespace, run: str, index: Path) -> None:
    """Run the training package as a user would; a run that was cut off goes on."""
    options = [word for item in args.set or [] for word in ("--set", item)]
    command = [sys.executable, "-m", "finetune", *options, "train", "--run", run, "--index", str(index), "--resume"]
    if subprocess.run(command).returncode:
        from eval.questions import EvaluationError

        raise EvaluationError(f"training failed: {' '.join(command[1:])}")


def measure(args: argparse.Namespace, settings: Settings, folder: Path, file: Path, names: list[str], adapter: Path | None) -> None:
    from eval.questions import read_questions
    from eval.report import as_text
    from eval.run import evaluate, mined_parts, tuned_adapter

    questions = read_questions(file, args.sample, args.seed)
    adapter = tuned_adapter(adapter) if "tuned" in names else None
    parts = mined_parts(sorted({q.document for q in questions}), adapter)
    summary = evaluate(settings, folder / "predictions", folder / "index", questions, names, adapter, parts)
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(summary, indent=2))
    print(f"{as_text(summary)}\n\nreport: {folder / 'predictions' / 'report.html'}")


def generator_names(text: str) -> list[str]:
    """-> the names, each base or tuned. Raises EvaluationError on another."""
    from eval.questions import EvaluationError

    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or set(names) - {"base", "tuned"}:
        raise EvaluationError(f"--generators takes base, tuned or base,tuned, not {text!r}")
    return names


if __name__ == "__main__":
    args = parser().parse_args()
    sys.exit(guarded(lambda: args.work(args, load_settings(args.set))))
