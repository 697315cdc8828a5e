"""The commands of `python -m eval` and their options; what a command does is imported only when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from eval.cli.answers import run_bench, run_compare, run_gold, run_reproduce, run_score
from eval.cli.promotion import run_attribution, run_dev
from eval.cli.suites import (
    run_agreement,
    run_attacks,
    run_faults,
    run_followup,
    run_fuzz,
    run_kinds,
    run_lookups,
    run_manuals,
    run_pdf_readers,
    run_peer,
    run_retrieval,
    run_scale,
    run_speed,
    run_splits,
)
from rag.cli.commands import Commands, Work, module_parser

DESCRIPTION = "Measure retrieval and answers, compare the base model with the tuned one, and report how sure that is."
EXAMPLES = """examples:
  python -m eval gold                               base and tuned on corpus/gold.jsonl, with report.html
  python -m eval gold --generators base,sft=var/runs/default/sft/adapter,dpo=var/runs/default/dpo/adapter
  python -m eval bench DIR --sample 200 --json out.json
  python -m eval bench DIR --train                  first mine and train on DIR's documents, never on its questions
  python -m eval compare RUN_A RUN_B                finished runs or NAME.scored.jsonl files; the first is the baseline
  python -m eval score FILE --questions Q.jsonl     predictions made elsewhere
  python -m eval retrieval ../shared/bench/xquad-32 how well each search finds the evidence
  python -m eval dev                                which training stage's adapter answers best
  python -m eval attribution                        which trained parts are better than what is live
  python -m eval agreement                          how far the groundedness check agrees with labelled answers
  python -m eval scale --chunks 100000,1000000      speed and size of the index, beside other libraries
  python -m eval speed --adapter var/runs/default/sft/adapter
  python -m eval --set endpoint.model=NAME peer var/runs/gold/predictions --url http://127.0.0.1:8080/v1
  python -m eval attacks                            100 documents that carry instructions: how many are followed
  python -m eval lookups                            120 questions for a cell, or the row of a cell, of twelve tables
  python -m eval manuals /tmp/manuals               100 questions about manuals that Debian packages
  python -m eval kinds                              60 questions for lists, yes or no, steps, comparisons, differences
  python -m eval pdf-readers                        PDF readers on 33 layouts: words in order, cells in place
  python -m eval followup                           recall for follow-up questions, before and after rewriting
  python -m eval faults --kills 43 --times 10       every stage killed, starved, damaged: a table of what came of it
  python -m eval fuzz --seconds 60                  broken input for everything that reads what others have made
  python -m eval splits                             simulated splits: wrong verdicts, and votes until there is one
  python -m eval reproduce                          run the commands of eval/published.toml and compare the figures
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser; the function that runs the command is in `work`."""
    top = module_parser("eval", DESCRIPTION, EXAMPLES)
    commands = Commands(top)
    _add_evaluations(commands)
    _add_comparisons(commands)
    _add_promotion(commands)
    _add_suites(commands)
    _add_sets(commands)
    _add_trust(commands)
    _add_speed(commands)
    _add_reproduce(commands)
    return top


def _add_measuring(commands: Commands, name: str, work: Work, text: str) -> argparse.ArgumentParser:
    """Add a command that measures something, and can write its figures to a file."""
    command = commands.add(name, work, text)
    command.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this JSON file")
    return command


def _add_evaluations(commands: Commands) -> None:
    gold = _add_measuring(commands, "gold", run_gold, "the gold questions, over corpus/ and corpus/incoming/")
    _add_folder(gold, "--corpus", "corpus", "the documents, with gold.jsonl beside them")
    text = "your own documents and questions with answers, in an index of their own"
    bench = _add_measuring(commands, "bench", run_bench, text)
    places = (
        "a folder with documents/ and questions.jsonl, .csv, .xlsx or .json, or passages.jsonl with questions.jsonl"
    )
    bench.add_argument("folder", type=Path, metavar="DIR", help=f"{places}; with --questions any folder of documents")
    questions = "questions with answers, in any form that python -m finetune import reads"
    bench.add_argument("--questions", type=Path, metavar="FILE", help=questions)
    held_out = "ask only about the tenth of the documents that nothing that ships has learned from"
    bench.add_argument("--held-out", action="store_true", help=held_out)
    train = "first mine and train on the folder's documents, in a run of its own"
    bench.add_argument("--train", action="store_true", help=train)
    for command in (gold, bench):
        _add_sample(command)
        names = "base, tuned, NAME=ADAPTER, joined by commas; the first is the baseline"
        command.add_argument("--generators", default="base,tuned", metavar="NAMES", help=f"{names} (%(default)s)")
        _add_adapter(command)
        leaks = "what to do with questions that an adapter was trained on (default %(default)s)"
        command.add_argument("--leaks", choices=("stop", "drop", "keep"), default="stop", help=leaks)


def _add_comparisons(commands: Commands) -> None:
    text = "finished runs on the same questions and passages: differences, intervals, tests and a verdict"
    compare = _add_measuring(commands, "compare", run_compare, text)
    places = "run folders or NAME.scored.jsonl files, with at least two generators in all"
    compare.add_argument("runs", type=Path, nargs="+", help=places)
    text = "predictions made elsewhere: JSON lines with id and text, or one object {id: text}"
    score = _add_measuring(commands, "score", run_score, text)
    score.add_argument("file", type=Path)
    bench = "questions in the bench format (default: each line brings its answers)"
    score.add_argument("--questions", type=Path, metavar="FILE", help=bench)
    score.add_argument("--documents", type=Path, metavar="DIR", help="check quotes against these documents")
    text = "another model, behind an OpenAI-compatible endpoint, on a finished run's questions and passages"
    peer = _add_measuring(commands, "peer", run_peer, text)
    peer.add_argument("run", type=Path, help="a run's folder of predictions, such as var/runs/gold/predictions")
    url = "what stands before /chat/completions; the passages go there; its model: --set endpoint.model=NAME"
    peer.add_argument("--url", required=True, help=url)


def _add_promotion(commands: Commands) -> None:
    text = "compare each training stage's adapter with what answers now, to choose the one that attribution tests"
    dev = commands.add("dev", run_dev, text)
    text = "test each trained part in every combination with the live ones; promotion waits for this test"
    attribution = _add_measuring(commands, "attribution", run_attribution, text)
    for command in (dev, attribution):
        _add_folder(command, "--index", "var/index", "the index that the run was mined from")
        command.add_argument("--run", default="default", help="name of the training run (default %(default)s)")


def _add_suites(commands: Commands) -> None:
    text = "recall, MRR and nDCG of each search alone, both fused, and with each reranker; and milliseconds"
    retrieval = _add_measuring(commands, "retrieval", run_retrieval, text)
    folder = "a folder with documents/ and questions.jsonl (default: the gold questions of corpus/)"
    retrieval.add_argument("folder", nargs="?", type=Path, metavar="DIR", help=folder)
    held_out = "ask only about the tenth of the documents that nothing that ships has learned from"
    retrieval.add_argument("--held-out", action="store_true", help=held_out)
    _add_sample(retrieval)
    for name, stage in (("embedder", "corpus-embedder"), ("reranker", "corpus-reranker")):
        weights = f"also measure with these weights, such as var/runs/RUN/{stage}/weights"
        retrieval.add_argument(f"--{name}", type=Path, nargs="*", default=[], metavar="DIR", help=weights)
    _add_measuring(
        commands, "agreement", run_agreement, "how far the groundedness check agrees with 200 labelled answers"
    )
    text = "PDF readers on 33 layouts: words in the right order, cells in the right place, seconds, memory"
    pdf_readers = _add_measuring(commands, "pdf-readers", run_pdf_readers, text)
    pdf_readers.add_argument("--only", default="", metavar="PART", help="only layouts whose name has this part")
    text = "follow-up questions over the sample corpus: recall as asked and as rewritten"
    _add_folder(_add_measuring(commands, "followup", run_followup, text), "--index", "var/index", "an index of corpus/")
    text = "documents that carry instructions for the reader: how many are followed, by kind"
    attacks = _add_measuring(commands, "attacks", run_attacks, text)
    _add_folder(attacks, "--corpus", "corpus", "the documents that stand beside the attacks")
    names = "base, tuned, NAME=ADAPTER (default: base, the shipped reader and the live adapter)"
    attacks.add_argument("--generators", metavar="NAMES", help=names)
    _add_adapter(attacks)


def _add_sets(commands: Commands) -> None:
    text = "look-ups in tables of seven formats: how many get the right cell, a refusal, another cell"
    lookups = _add_measuring(commands, "lookups", run_lookups, text)
    folder = "other tables and questions: a folder with documents/ and questions.jsonl"
    lookups.add_argument("folder", nargs="?", type=Path, metavar="DIR", help=folder)
    text = "100 questions about real manuals: F1, right, refused and wrong answers"
    manuals = _add_measuring(commands, "manuals", run_manuals, text)
    folder = "where the manuals are; those that are missing are fetched by apt-get into it"
    manuals.add_argument("folder", type=Path, metavar="DIR", help=folder)

    text = "60 questions for lists, yes or no, steps, comparisons and differences of two values: how much is right"
    kinds = _add_measuring(commands, "kinds", run_kinds, text)
    _add_folder(kinds, "--corpus", "corpus", "the documents, with gold_kinds.jsonl")
    text = "simulated splits of the server: how often the test of people's thumbs errs, and how many votes it needs"
    splits = _add_measuring(commands, "splits", run_splits, text)
    splits.add_argument("--runs", type=int, default=1000, metavar="N", help="of each case (default %(default)s)")


def _add_trust(commands: Commands) -> None:
    text = "every stage killed, out of disk or memory, with damaged files, a wrong clock, two writers (needs root)"
    faults = _add_measuring(commands, "faults", run_faults, text)
    _add_folder(faults, "--folder", "var/faults", "where it is tried; it must not be there yet")
    _add_folder(faults, "--corpus", "corpus", "the sample corpus")
    faults.add_argument("--kills", type=int, default=43, metavar="N", help="of each stage (default %(default)s)")
    faults.add_argument("--times", type=int, default=5, metavar="N", help="of each other fault (default %(default)s)")
    faults.add_argument("--only", default="", metavar="NAMES", help="stages or faults, joined by commas")
    text = "broken input for readers, settings, imports, index files, adapters, answers: what is not refused"
    fuzz = _add_measuring(commands, "fuzz", run_fuzz, text)
    fuzz.add_argument("--inputs", type=int, default=100_000, metavar="N", help="of each target (default %(default)s)")
    limit = "that a target may take (default %(default)s)"
    fuzz.add_argument("--seconds", type=float, default=60.0, metavar="N", help=limit)
    first = "number of the first input, which makes it (default %(default)s)"
    fuzz.add_argument("--first", type=int, default=0, metavar="N", help=first)
    fuzz.add_argument("--only", default="", metavar="TARGET", help="one target")


def _add_speed(commands: Commands) -> None:
    text = "embedding, searching, opening and adding at scale, beside other libraries in the same run (needs bm25s)"
    scale = _add_measuring(commands, "scale", run_scale, text)
    sizes = "numbers of chunks (default %(default)s; a million takes minutes and 6 GB)"
    scale.add_argument("--chunks", type=_numbers, default="100000", metavar="N,...", help=sizes)
    _add_folder(scale, "--folder", "var/scale", "where indexes are made and deleted again")
    text = "seconds an answer, beside transformers, llama.cpp and ctranslate2 (pip install -e .[peers])"
    speed = _add_measuring(commands, "speed", run_speed, text)
    _add_folder(speed, "--index", "var/index", "an index of corpus/")
    _add_folder(speed, "--corpus", "corpus", "the folder of gold.jsonl")
    speed.add_argument("--sample", type=int, default=24, metavar="N", help="questions (default %(default)s)")
    adapter = "time this adapter too (default: the live one, if there is one)"
    speed.add_argument("--adapter", type=Path, metavar="DIR", help=adapter)


def _numbers(text: str) -> list[int]:
    items = text.split(",")
    if not all(item.isdecimal() and int(item) > 0 for item in items):
        raise argparse.ArgumentTypeError(f"takes whole numbers above 0, joined by commas, not {text!r}")
    return [int(item) for item in items]


def _add_reproduce(commands: Commands) -> None:
    text = "run the published commands and compare their figures, or write the published tables"
    reproduce = commands.add("reproduce", run_reproduce, text)
    reproduce.add_argument("--only", metavar="NAME", help="one result of eval/published.toml")
    tables = "run nothing; write eval/RESULTS.md and README's table from eval/published.toml"
    reproduce.add_argument("--results", action="store_true", help=tables)


def _add_sample(command: argparse.ArgumentParser) -> None:
    command.add_argument("--sample", type=int, default=0, metavar="N", help="N questions at random (default: all)")
    command.add_argument("--seed", type=int, default=0, help="of the random sample (default %(default)s)")


def _add_adapter(command: argparse.ArgumentParser) -> None:
    text = 'the adapter that "tuned" names (default: the live one, else the newest)'
    command.add_argument("--adapter", type=Path, metavar="DIR", help=text)


def _add_folder(command: argparse.ArgumentParser, option: str, default: str, text: str) -> None:
    command.add_argument(option, type=Path, default=Path(default), metavar="DIR", help=f"{text} (default %(default)s)")
