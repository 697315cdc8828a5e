"""python -m eval: measure retrieval and answers, base against tuned, and prove the difference."""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

from eval.cli.suites import add_suites, write
from eval.runs.generators import parse_generators
from rag.cli.shell import exit_status, load_settings
from rag.core.settings import Settings

EXAMPLES = """examples:
  python -m eval gold                               base and tuned on corpus/gold.jsonl
  python -m eval gold --generators base,sft=var/runs/default/sft/adapter,dpo=var/runs/default/dpo/adapter
  python -m eval bench DIR --sample 200 --json out.json
  python -m eval bench DIR --train                  mine and train on DIR's documents first, never its questions
  python -m eval compare RUN_A RUN_B                finished runs, or single NAME.scored.jsonl files; the first is the baseline
  python -m eval score FILE --questions Q.jsonl     predictions made elsewhere
  python -m eval retrieval ../shared/bench/xquad-32 how well each order of passages finds the evidence
  python -m eval dev                                base against the adapters of a run, on its mined development questions
  python -m eval attribution                        which trained component earned what: live and trained ones in every combination
  python -m eval agreement                          how far the groundedness measure agrees with labelled answers
  python -m eval scale --chunks 100000,1000000      speed and room of the index, against peers in the same run
  python -m eval speed --adapter var/runs/default/sft/adapter
  python -m eval --set endpoint.model=NAME peer var/runs/gold/predictions --url http://127.0.0.1:8080/v1
  python -m eval attacks                            100 documents with hidden or plain instructions: how many are followed
  python -m eval followup                           recall of the passages for follow-up questions, as asked and as rewritten
  python -m eval reproduce                          run the commands of eval/published.toml and compare their figures
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        "python -m eval", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument(
        "--set", action="append", metavar="SECTION.KEY=VALUE", help="override a setting, as ragtune.toml would"
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_runs(commands)
    compare = commands.add_parser(
        "compare", help="finished runs on the same questions and passages: intervals, McNemar, wins and losses, verdict"
    )
    compare.add_argument(
        "runs", type=Path, nargs="+", help="run folders or NAME.scored.jsonl files, at least two generators in all"
    )
    compare.set_defaults(work=run_compare)
    score = commands.add_parser(
        "score", help="score predictions made elsewhere: JSON lines with id and text, or one object {id: text}"
    )
    score.add_argument("file", type=Path)
    score.add_argument(
        "--questions",
        type=Path,
        metavar="FILE",
        help="questions in the bench shape (default: each line brings its answers)",
    )
    score.add_argument("--documents", type=Path, metavar="DIR", help="check quotes against these documents")
    score.set_defaults(work=run_score)
    for command in (compare, score):
        command.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    table = commands.add_parser(
        "retrieval",
        help="recall, MRR and nDCG of each search alone, both fused, and with the cross-encoder; time a question",
    )
    table.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="DIR",
        help="with documents/ and questions.jsonl (default: the gold questions of corpus/)",
    )
    table.add_argument(
        "--sample", type=int, default=0, metavar="N", help="a random sample of N questions (default: all)"
    )
    table.add_argument("--seed", type=int, default=0, help="of the sample")
    table.add_argument(
        "--reranker",
        type=Path,
        nargs="*",
        default=[],
        metavar="DIR",
        help="also these cross-encoders, as var/runs/RUN/corpus-reranker/weights",
    )
    table.add_argument(
        "--embedder",
        type=Path,
        nargs="*",
        default=[],
        metavar="DIR",
        help="also these embedders, as var/runs/RUN/corpus-embedder/weights",
    )
    table.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    table.set_defaults(work=run_retrieval)
    dev = commands.add_parser(
        "dev", help="each stage of the generator against what answers now: which of them attribution compares"
    )
    dev.set_defaults(work=run_dev)
    cells = commands.add_parser(
        "attribution",
        help="every combination of live and trained components on those questions: the test that promotion waits for",
    )
    cells.add_argument("--index", type=Path, default=Path("var/index"), metavar="DIR", help="(default %(default)s)")
    cells.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    cells.set_defaults(work=run_attribution)
    for command in (dev, cells):
        command.add_argument("--run", default="default")
    add_suites(commands)
    reproduce = commands.add_parser(
        "reproduce", help="run the published commands and compare their figures; or only write README's table"
    )
    reproduce.add_argument("--only", metavar="NAME", help="one result of eval/published.toml")
    reproduce.add_argument(
        "--readme", action="store_true", help="run nothing; write README's table from eval/published.toml"
    )
    reproduce.set_defaults(work=run_reproduce)
    return top


def _add_runs(commands) -> None:
    gold = commands.add_parser("gold", help="the corpus's gold questions, over corpus/ and corpus/incoming/")
    gold.add_argument("--corpus", type=Path, default=Path("corpus"), metavar="DIR")
    gold.set_defaults(work=run_gold)
    bench = commands.add_parser("bench", help="any folder with documents/ and questions.jsonl, in an index of its own")
    bench.add_argument("folder", type=Path)
    bench.add_argument(
        "--train", action="store_true", help="first mine and train on its documents, in a run of its own"
    )
    bench.set_defaults(work=run_bench)
    for command in (gold, bench):
        command.add_argument(
            "--sample", type=int, default=0, metavar="N", help="a random sample of N questions (default: all)"
        )
        command.add_argument("--seed", type=int, default=0, help="of the sample")
        command.add_argument(
            "--generators",
            default="base,tuned",
            metavar="NAMES",
            help="base, tuned, NAME=ADAPTER; the first is the baseline (%(default)s)",
        )
        command.add_argument(
            "--adapter",
            type=Path,
            metavar="DIR",
            help="the adapter called tuned (default: the live one, else the newest)",
        )
        command.add_argument(
            "--leaks",
            choices=("stop", "drop", "keep"),
            default="stop",
            help="what to do with questions that an adapter was trained on",
        )
        command.add_argument("--json", type=Path, metavar="OUT", help="write the summary there too")


def run_dev(args: argparse.Namespace, settings: Settings) -> None:
    from eval.promotion.stages import compare_stages

    compare_stages(settings, args.run)


def run_attribution(args: argparse.Namespace, settings: Settings) -> None:
    from eval.promotion.attribution import as_text, attribute

    told = attribute(settings, args.run, args.index)
    write(args.json, told)
    print(as_text(told))


def run_gold(args: argparse.Namespace, settings: Settings) -> None:
    generators, (folder, file) = parse_generators(args.generators, args.adapter), indexed_gold(args.corpus, settings)
    measure(args, settings, folder, file, generators)


def indexed_gold(corpus: Path, settings: Settings) -> tuple[Path, Path]:
    """-> the run's folder, an index of all of the corpus in it, and the file of questions."""
    from eval.runs.evaluation_index import build_index
    from rag.core.run_folder import RUNS

    incoming = corpus / "incoming"
    build_index(settings, RUNS / "gold" / "index", [corpus, incoming] if incoming.exists() else [corpus])
    return RUNS / "gold", corpus / "gold.jsonl"


def run_bench(args: argparse.Namespace, settings: Settings) -> None:
    from eval.runs.generators import newest_adapter

    folder, file = indexed_bench(args, settings)
    if args.train:
        train(args, folder.name, folder / "index")
    generators = parse_generators(
        args.generators, args.adapter or (newest_adapter(folder.name) if args.train else None)
    )
    measure(args, settings, folder, file, generators)


def indexed_bench(args: argparse.Namespace, settings: Settings) -> tuple[Path, Path]:
    """-> the run's folder, the bench's index in it, and the file of questions. Raises EvaluationError when the folder is no bench."""
    from eval.runs.evaluation_index import build_index
    from rag.core.errors import EvaluationError
    from rag.core.run_folder import RUNS

    bench = args.folder
    if not (bench / "documents").is_dir() or not (bench / "questions.jsonl").is_file():
        raise EvaluationError(f"{bench} is no bench: a folder documents/ and a file questions.jsonl are expected")
    folder = RUNS / bench_run(bench, settings)
    build_index(settings, folder / "index", [bench / "documents"])
    return folder, bench / "questions.jsonl"


def run_retrieval(args: argparse.Namespace, settings: Settings) -> None:
    from eval.runs.questions import read_questions
    from eval.suites.retrieval import as_text, compare_orders

    folder, file = indexed_bench(args, settings) if args.folder else indexed_gold(Path("corpus"), settings)
    bench, questions = (
        args.folder.resolve().name if args.folder else "gold",
        read_questions(file, args.sample, args.seed),
    )
    found = compare_orders(settings, folder / "index", bench, questions, args.embedder, args.reranker)
    write(args.json, found)
    print(as_text(found))


def bench_run(folder: Path, settings: Settings) -> str:
    """-> the run's name, other for other documents or settings, so that nothing of an earlier bench is taken for this one."""
    from rag.core.run_folder import as_run_name

    digest = hashlib.sha256(json.dumps(settings.overrides).encode())
    for path in sorted((folder / "documents").rglob("*")):
        digest.update(
            f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()}".encode() if path.is_file() else b""
        )
    return as_run_name(f"bench-{folder.resolve().name}-{digest.hexdigest()[:8]}")


def train(args: argparse.Namespace, run: str, index: Path) -> None:
    """Run the training package as a user would; a run that was cut off goes on."""
    options = [word for item in args.set or [] for word in ("--set", item)]
    command = [sys.executable, "-m", "finetune", *options, "train", "--run", run, "--index", str(index), "--resume"]
    if subprocess.run(command).returncode:
        from rag.core.errors import EvaluationError

        raise EvaluationError(f"training failed: {' '.join(command[1:])}")


def measure(
    args: argparse.Namespace, settings: Settings, folder: Path, file: Path, generators: dict[str, Path | None]
) -> None:
    from eval.report.report import as_text, write_report
    from eval.runs.evaluate import Task, evaluate
    from eval.runs.leakage import document_parts, without_leaks
    from eval.runs.questions import read_questions

    adapters = {name: adapter for name, adapter in generators.items() if adapter}
    questions, notes = without_leaks(read_questions(file, args.sample, args.seed), adapters, args.leaks)
    parts = document_parts(sorted({q.document for q in questions}), next(reversed(adapters.values()), None))
    summary = evaluate(settings, Task(folder / "predictions", folder / "index", questions, generators, parts, notes))
    write_report(folder / "predictions")
    write(args.json, summary)
    print(f"{as_text(summary)}\n\nreport: {folder / 'predictions' / 'report.html'}")


def run_compare(args: argparse.Namespace, settings: Settings) -> None:
    from eval.report.report import as_text
    from eval.runs.compare import compare_generators, read_scored
    from rag.core.errors import EvaluationError

    named = [
        (f"{place.name}:{name}" if place.is_dir() else name, rows)
        for place in args.runs
        for name, rows in read_scored(place).items()
    ]
    if len(named) < 2:
        raise EvaluationError("a comparison needs two generators at least: name another run")
    (first, before), *others = named
    found = {
        "notes": [],
        "n": len(before),
        "generators": {},
        "comparisons": [compare_generators(first, before, name, rows) for name, rows in others],
    }
    write(args.json, found)
    print(as_text(found))


def run_score(args: argparse.Namespace, settings: Settings) -> None:
    from eval.metrics.groundedness import open_support_model
    from eval.report.report import as_text
    from eval.runs.compare import SCORED
    from eval.runs.score import score_predictions
    from eval.runs.summary import SUMMARY
    from rag.core.jsonl import write_lines
    from rag.factory import open_embedder

    summary, rows = score_predictions(
        args.file, args.questions, args.documents, open_support_model(settings), open_embedder(settings)
    )
    write(args.json, summary)
    print(as_text(summary))
    if not (args.file.parent / SUMMARY).exists():  # a run's folder has its own
        scored = args.file.with_name(f"{args.file.stem}{SCORED}")
        write_lines(scored, rows)
        print(f"\nto compare with another: python -m eval compare {scored} OTHER")


def run_reproduce(args: argparse.Namespace, settings: Settings) -> None:
    from eval.report.published import reproduce, write_readme

    write_readme() if args.readme else reproduce(args.only)


if __name__ == "__main__":
    args = parser().parse_args()
    sys.exit(exit_status(lambda: args.work(args, load_settings(args.set))))
