"""python -m eval: measure retrieval and answers, base against tuned, and prove the difference."""

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
  python -m eval attacks                            100 documents with hidden or plain instructions: how many are followed
  python -m eval followup                           recall of the passages for follow-up questions, as asked and as rewritten
  python -m eval reproduce                          run the commands of eval/published.toml and compare their figures
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("python -m eval", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--set", action="append", metavar="SECTION.KEY=VALUE", help="override a setting, as ragtune.toml would")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_runs(commands)
    compare = commands.add_parser("compare", help="finished runs on the same questions and passages: intervals, McNemar, wins and losses, verdict")
    compare.add_argument("runs", type=Path, nargs="+", help="run folders or NAME.scored.jsonl files, at least two generators in all")
    compare.set_defaults(work=run_compare)
    score = commands.add_parser("score", help="score predictions made elsewhere: JSON lines with id and text, or one object {id: text}")
    score.add_argument("file", type=Path)
    score.add_argument("--questions", type=Path, metavar="FILE", help="questions in the bench shape (default: each line brings its answers)")
    score.add_argument("--documents", type=Path, metavar="DIR", help="check quotes against these documents")
    score.set_defaults(work=run_score)
    for command in (compare, score):
        command.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    table = commands.add_parser("retrieval", help="recall, MRR and nDCG of each search alone, both fused, and with the cross-encoder; time a question")
    table.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="with documents/ and questions.jsonl (default: the gold questions of corpus/)")
    table.add_argument("--sample", type=int, default=0, metavar="N", help="a random sample of N questions (default: all)")
    table.add_argument("--seed", type=int, default=0, help="of the sample")
    table.add_argument("--reranker", type=Path, nargs="*", default=[], metavar="DIR", help="also these cross-encoders, as var/runs/RUN/corpus-reranker/weights")
    table.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    table.set_defaults(work=run_retrieval)
    dev = commands.add_parser("dev", help="each stage of the generator against what answers now: which of them attribution compares")
    dev.set_defaults(work=run_dev)
    cells = commands.add_parser("attribution", help="every combination of live and trained components on those questions: the test that promotion waits for")
    cells.add_argument("--index", type=Path, default=Path("var/index"), metavar="DIR", help="(default %(default)s)")
    cells.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    cells.set_defaults(work=run_attribution)
    for command in (dev, cells):
        command.add_argument("--run", default="default")
    agreement = commands.add_parser("agreement", help="groundedness against answers labelled by hand")
    agreement.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    agreement.set_defaults(work=run_agreement)
    scale = commands.add_parser("scale", help="embedding, searching, opening and adding at scale, as ratios to peers in the same run (bm25s is needed)")
    scale.add_argument("--chunks", default="100000", metavar="N,...", help="numbers of chunks (default %(default)s; a million takes some minutes and 6 GB)")
    scale.add_argument("--folder", type=Path, default=Path("var/scale"), metavar="DIR", help="where indexes are made and deleted again (default %(default)s)")
    scale.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    scale.set_defaults(work=run_scale)
    fast = commands.add_parser("speed", help="seconds an answer, against transformers, llama.cpp and ctranslate2 (pip install -e .[peers])")
    fast.add_argument("--index", type=Path, default=Path("var/index"), metavar="DIR", help="(default %(default)s)")
    fast.add_argument("--corpus", type=Path, default=Path("corpus"), metavar="DIR", help="folder of gold.jsonl (default %(default)s)")
    fast.add_argument("--sample", type=int, default=24, metavar="N", help="questions (default %(default)s)")
    fast.add_argument("--adapter", type=Path, metavar="DIR", help="time it too (default: the live one, if there is one)")
    fast.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    fast.set_defaults(work=run_speed)
    followup = commands.add_parser("followup", help="follow-up questions over the sample corpus: recall as asked and as rewritten (eval/conversations.jsonl)")
    followup.add_argument("--index", type=Path, default=Path("var/index"), metavar="DIR", help="an index of corpus/ (default %(default)s)")
    followup.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    followup.set_defaults(work=run_followup)
    attacks = commands.add_parser("attacks", help="documents that give the reader orders: how many are followed, by kind (eval/attacks.jsonl)")
    attacks.add_argument("--corpus", type=Path, default=Path("corpus"), metavar="DIR", help="documents that stand around them (default %(default)s)")
    attacks.add_argument("--generators", metavar="NAMES", help="base, tuned, NAME=ADAPTER (default: base, the reader that ships, the live adapter)")
    attacks.add_argument("--adapter", type=Path, metavar="DIR", help="the adapter called tuned (default: the live one, else the newest)")
    attacks.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    attacks.set_defaults(work=run_attacks)
    reproduce = commands.add_parser("reproduce", help="run the published commands and compare their figures; or only write README's table")
    reproduce.add_argument("--only", metavar="NAME", help="one result of eval/published.toml")
    reproduce.add_argument("--readme", action="store_true", help="run nothing; write README's table from eval/published.toml")
    reproduce.set_defaults(work=run_reproduce)
    return top


def _add_runs(commands) -> None:
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
        command.add_argument("--generators", default="base,tuned", metavar="NAMES", help="base, tuned, NAME=ADAPTER; the first is the baseline (%(default)s)")
        command.add_argument("--adapter", type=Path, metavar="DIR", help="the adapter called tuned (default: the live one, else the newest)")
        command.add_argument("--leaks", choices=("stop", "drop", "keep"), default="stop", help="what to do with questions that an adapter was trained on")
        command.add_argument("--json", type=Path, metavar="OUT", help="write the summary there too")


def run_dev(args: argparse.Namespace, settings: Settings) -> None:
    from eval.dev import evaluate_dev

    evaluate_dev(settings, args.run)


def run_attribution(args: argparse.Namespace, settings: Settings) -> None:
    from eval.attribution import as_text, attribute

    told = attribute(settings, args.run, args.index)
    write(args.json, told)
    print(as_text(told))


def run_gold(args: argparse.Namespace, settings: Settings) -> None:
    generators, (folder, file) = generators_of(args.generators, args.adapter), indexed_gold(args.corpus, settings)
    measure(args, settings, folder, file, generators)


def indexed_gold(corpus: Path, settings: Settings) -> tuple[Path, Path]:
    """-> the run's folder, an index of all of the corpus in it, and the file of questions."""
    from eval.run import RUNS, build_index

    incoming = corpus / "incoming"
    build_index(settings, RUNS / "gold" / "index", [corpus, incoming] if incoming.exists() else [corpus])
    return RUNS / "gold", corpus / "gold.jsonl"


def run_bench(args: argparse.Namespace, settings: Settings) -> None:
    from eval.run import newest_adapter

    folder, file = indexed_bench(args, settings)
    if args.train:
        train(args, folder.name, folder / "index")
    generators = generators_of(args.generators, args.adapter or (newest_adapter(folder.name) if args.train else None))
    measure(args, settings, folder, file, generators)


def indexed_bench(args: argparse.Namespace, settings: Settings) -> tuple[Path, Path]:
    """-> the run's folder, the bench's index in it, and the file of questions. Raises EvaluationError when the folder is no bench."""
    from eval.questions import EvaluationError
    from eval.run import RUNS, build_index

    bench = args.folder
    if not (bench / "documents").is_dir() or not (bench / "questions.jsonl").is_file():
        raise EvaluationError(f"{bench} is no bench: a folder documents/ and a file questions.jsonl are expected")
    folder = RUNS / bench_run(bench, args.set or [])
    build_index(settings, folder / "index", [bench / "documents"])
    return folder, bench / "questions.jsonl"


def run_retrieval(args: argparse.Namespace, settings: Settings) -> None:
    from eval.questions import read_questions
    from eval.retrieval import as_text, compare

    folder, file = indexed_bench(args, settings) if args.folder else indexed_gold(Path("corpus"), settings)
    bench, questions = args.folder.resolve().name if args.folder else "gold", read_questions(file, args.sample, args.seed)
    found = compare(settings, folder / "index", bench, questions, args.reranker)
    write(args.json, found)
    print(as_text(found))


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


def generators_of(text: str, adapter: Path | None) -> dict[str, Path | None]:
    """-> name: adapter, None for the base model. Raises EvaluationError on a name that is neither base, tuned nor NAME=ADAPTER."""
    from eval.questions import EvaluationError
    from eval.run import tuned_adapter

    found: dict[str, Path | None] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        name, equals, folder = item.partition("=")
        if not equals and name not in ("base", "tuned") or not name.replace("-", "").isalnum() or equals and not Path(folder).is_dir():
            raise EvaluationError(f"--generators takes base, tuned and NAME=ADAPTER, joined by commas, not {item!r}")
        found[name] = Path(folder) if equals else tuned_adapter(adapter) if name == "tuned" else None
    if not found:
        raise EvaluationError("--generators names nothing: base,tuned")
    return found


def measure(args: argparse.Namespace, settings: Settings, folder: Path, file: Path, generators: dict[str, Path | None]) -> None:
    from eval.leaks import parts_of, without_leaks
    from eval.questions import read_questions
    from eval.report import as_text
    from eval.run import Task, evaluate

    adapters = {name: adapter for name, adapter in generators.items() if adapter}
    questions, notes = without_leaks(read_questions(file, args.sample, args.seed), adapters, args.leaks)
    parts = parts_of(sorted({q.document for q in questions}), next(reversed(adapters.values()), None))
    summary = evaluate(settings, Task(folder / "predictions", folder / "index", questions, generators, parts, notes))
    write(args.json, summary)
    print(f"{as_text(summary)}\n\nreport: {folder / 'predictions' / 'report.html'}")


def write(path: Path | None, figures: dict) -> None:
    from eval.resume import write_json

    if path:
        write_json(path, figures)


def run_compare(args: argparse.Namespace, settings: Settings) -> None:
    from eval.compare import compare, read_scored
    from eval.questions import EvaluationError
    from eval.report import as_text

    named = [(f"{place.name}:{name}" if place.is_dir() else name, rows) for place in args.runs for name, rows in read_scored(place).items()]
    if len(named) < 2:
        raise EvaluationError("a comparison needs two generators at least: name another run")
    (first, before), *others = named
    found = {"notes": [], "n": len(before), "generators": {}, "comparisons": [compare(first, before, name, rows) for name, rows in others]}
    write(args.json, found)
    print(as_text(found))


def run_score(args: argparse.Namespace, settings: Settings) -> None:
    from eval.groundedness import open_meaning
    from eval.report import as_text
    from eval.score import score
    from rag.pipeline import open_embedder

    summary, _ = score(args.file, args.questions, args.documents, open_meaning(settings), open_embedder(settings))
    write(args.json, summary)
    print(as_text(summary))


def run_agreement(args: argparse.Namespace, settings: Settings) -> None:
    from eval.agreement import agreement, as_lines
    from eval.groundedness import open_meaning

    found = agreement(open_meaning(settings))
    write(args.json, found)
    print(as_lines(found))


def run_scale(args: argparse.Namespace, settings: Settings) -> None:
    from eval.scale import scale
    from rag.models import ModelSettings, choose_device, find_model

    models = settings.section("model", ModelSettings)
    sizes = [int(size) for size in args.chunks.split(",")]
    write(args.json, scale(find_model(models.embedder, models.hub), choose_device(models.device)[0], sizes, args.folder))


def run_speed(args: argparse.Namespace, settings: Settings) -> None:
    from eval.questions import read_questions
    from eval.speed import as_lines, speed
    from rag.pipeline import live_adapter

    found = speed(settings, args.index, read_questions(args.corpus / "gold.jsonl", args.sample, 0), args.adapter or live_adapter())
    write(args.json, found)
    print(as_lines(found))


def run_followup(args: argparse.Namespace, settings: Settings) -> None:
    from eval.followup import as_lines, measure_followups
    from rag.pipeline import open_retriever

    found = measure_followups(open_retriever(settings, args.index))
    write(args.json, found)
    print(as_lines(found))


def run_attacks(args: argparse.Namespace, settings: Settings) -> None:
    from eval.attacks import as_lines, generators_by_default, measure_attacks

    generators = generators_of(args.generators, args.adapter) if args.generators else generators_by_default(settings)
    found = measure_attacks(settings, args.corpus, generators)
    write(args.json, found)
    print(as_lines(found))


def run_reproduce(args: argparse.Namespace, settings: Settings) -> None:
    from eval.published import reproduce, write_readme

    write_readme() if args.readme else reproduce(args.only)


if __name__ == "__main__":
    args = parser().parse_args()
    sys.exit(guarded(lambda: args.work(args, load_settings(args.set))))
