"""The commands of `python -m finetune` and their options; what a command does is imported only when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from finetune.cli import experiments, exports, human, shipped, stages
from finetune.settings import METHODS
from finetune.shipped.question_folder import QuestionFolder
from rag.cli.commands import Commands, module_parser

DESCRIPTION = (
    "Mine questions from the indexed documents, train generator, embedder and cross-encoder, and promote them."
)
EXAMPLES = """examples:
  python -m finetune train              mine, SFT, DPO, embedder, cross-encoder, with an estimate first
  python -m finetune train --resume     go on after a kill
  python -m finetune train --minutes 40 mine fewer spans on a slow machine
  python -m finetune mine --run trial   one stage, in a run of its own
  python -m finetune --set sft.epochs=3 sft
  python -m finetune --set sft.method=dora train
  python -m finetune --set mine.teacher=http://127.0.0.1:8080/v1 --set endpoint.model=NAME mine
  python -m finetune import questions.csv asked.jsonl    people's questions join the mined ones
  python -m finetune export out/axolotl --to axolotl    rows, pairs and configuration for another trainer
  python -m finetune review --sample 50  look at 50 rows: keep, mend, drop
  python -m finetune lineage board/minutes-2025-03.md    the rows and adapters that a document has taught
  python -m finetune against-people BENCH OTHER --writer DIR    what mined rows teach, compared with people's
"""
BENCH = "folder with documents/ and questions.jsonl"
RUN = "name of the run, a folder under var/runs"


def parser() -> argparse.ArgumentParser:
    """Return the parser; the function that runs the command is in `work`."""
    top = module_parser("finetune", DESCRIPTION, EXAMPLES)
    commands = Commands(top)
    _add_stages(commands)
    _add_human(commands)
    _add_experiments(commands)
    _add_shipped(commands)
    return top


def _add_stages(commands: Commands) -> None:
    train = commands.add("train", stages.run_train, "run the five stages below in order, after an estimate of the time")
    minutes = "mine only as many spans as fit, a fifth of them at least; then their number depends on the machine"
    train.add_argument("--minutes", type=float, metavar="N", help=f"{minutes} (default: mine all)")
    trained = (
        train,
        commands.add("mine", stages.run_mine, "mine questions, contexts and labels from the index"),
        commands.add("sft", stages.run_sft, "fine-tune the generator on the mined rows, with QLoRA"),
        commands.add("dpo", stages.run_dpo, "make preference pairs, and train the SFT adapter further on them"),
        commands.add("corpus-embedder", stages.run_corpus_embedder, "train the embedder on the mined rows"),
        commands.add(
            "corpus-reranker",
            stages.run_corpus_cross_encoder,
            "train the cross-encoder on the mined rows and their hard negatives",
            "corpus-cross-encoder",
        ),
    )
    promote = commands.add("promote", stages.run_promote, "make live what the run's evaluation shows to be better")
    for command in (*trained, promote):
        _add_run(command)
        _add_index(command, "the index that is mined")
    for command in trained:
        resume = "keep finished stages, and go on from the last checkpoint"
        command.add_argument("--resume", action="store_true", help=resume)
    merge = commands.add("merge", stages.run_merge, "merge an adapter into its base, if the answers stay the same")
    merge.add_argument("adapter", type=Path, help="the adapter's folder")
    merge.add_argument("out", type=Path, help="the folder to write; then --set model.generator=FOLDER")
    _add_run(merge, "the run whose development questions are asked")
    _add_export(commands)


def _add_export(commands: Commands) -> None:
    text = "write a run's rows and pairs for another trainer, or model and adapter as GGUF for llama.cpp"
    export = commands.add("export", exports.run_export, text)
    export.add_argument("out", type=Path, metavar="FOLDER", help="the folder to write")
    export.add_argument("--to", choices=exports.TARGETS, required=True, help="the program that is to read it")
    adapter = "an adapter that goes with it: as plain LoRA beside activated LoRA; merged for llama.cpp where it can be"
    export.add_argument("--adapter", type=Path, metavar="DIR", help=adapter)
    _add_run(export, "the run whose rows are written, or whose development questions are asked")


def _add_human(commands: Commands) -> None:
    text = "add people's questions with answers, or the log of `rag ask --log`, to the run's rows"
    imported = commands.add("import", human.run_import, text)
    columns = (
        "CSV, Excel, JSON or JSON lines of any program: a question, its answers in the words of a passage, and the "
        "document where it is known"
    )
    imported.add_argument("files", type=Path, nargs="+", metavar="FILE", help=columns)
    _add_run(imported)
    _add_index(imported, "the index that answers them")
    review = commands.add("review", human.run_review, "look at a run's rows and keep, mend or drop them for training")
    _add_run(review)
    sample = "stop after N rows, those judged before among them (default: all)"
    _add_index(review, "the index whose users' feedback is looked at first")
    review.add_argument("--sample", type=int, metavar="N", help=sample)
    text = "list the rows and adapters that a document has taught, in any run"
    lineage = commands.add("lineage", human.run_lineage, text)
    lineage.add_argument("document", help="its name as `rag documents` lists it, also after it was removed")
    lineage.add_argument("--json", action="store_true", help="print JSON")
    _add_index(lineage, "the index whose promoted adapters are looked at")


def _add_experiments(commands: Commands) -> None:
    speed = commands.add("speed", experiments.run_speed, "time training on cached passages against TRL")
    _add_run(speed, "the run whose mined rows are trained on")
    speed.add_argument("--rows", type=int, default=16, metavar="N", help="rows, and pairs (default %(default)s)")
    speed.add_argument("--epochs", type=int, default=4, metavar="N", help="(default %(default)s)")
    _add_json(speed, "var/runs/speed.json")
    text = "train a few steps with every method of fine-tuning, on the same mined rows"
    methods = commands.add("methods", experiments.run_methods, text)
    _add_run(methods, "the run whose mined rows are trained on")
    methods.add_argument("--steps", type=int, default=30, metavar="N", help="(default %(default)s)")
    methods.add_argument("--batch", type=int, default=2, metavar="N", help="rows a step (default %(default)s)")
    methods.add_argument("--rows", type=int, default=300, metavar="N", help="training rows (default %(default)s)")
    methods.add_argument(
        "--method", action="append", choices=METHODS, help="try this one; may be repeated (default: all)"
    )
    text = "measure what was forgotten on this text (default: Python's manual)"
    methods.add_argument("--text", type=Path, metavar="FILE", help=text)
    methods.add_argument("--dev", type=int, default=24, metavar="N", help="development rows (default %(default)s)")
    listed = "print what each makes and where it may serve, and train nothing"
    methods.add_argument("--list", action="store_true", help=listed)
    _add_json(methods, "var/runs/methods.json")
    text = "compare what mined rows teach the base with what as many of people's questions teach it"
    people = commands.add("against-people", experiments.run_against_people, text)
    bench = "its documents are mined, and its questions about held-out documents are asked"
    people.add_argument("bench", type=Path, help=f"{BENCH}: {bench}")
    people.add_argument("other", type=Path, help=f"{BENCH}: its questions become people's rows")
    writer = "a question writer that never saw the bench: python -m finetune writer OTHER --out DIR"
    people.add_argument("--writer", type=Path, required=True, metavar="DIR", help=writer)
    trainings = "trainings of each kind, each on other spans and questions (default %(default)s)"
    people.add_argument("--trainings", type=int, default=2, metavar="N", help=trainings)
    sample = "answerable questions asked at most, and unanswerable ones (default %(default)s)"
    people.add_argument("--sample", type=int, default=160, metavar="N", help=sample)
    _add_json(people, "var/runs/against-people.json")


def _add_shipped(commands: Commands) -> None:
    people = "on people's questions about other texts"
    writer = commands.add("writer", shipped.run_writer, f"train the question writer that ships, {people}")
    _add_question_folders(writer)
    _add_out(writer, "finetune/weights/writer")
    reader = commands.add("reader", shipped.run_reader, f"train the reader that ships, {people}")
    _add_benches(reader, "rag/weights/reader")
    further = "go on from the shipped one, as it learns to read passages encoded one by one"
    reader.add_argument("--further", action="store_true", help=further)
    text = f"train the cross-encoder that ships, {people}"
    cross_encoder = commands.add("cross-encoder", shipped.run_cross_encoder, text, "reranker")
    folders = f"{BENCH}, or with paragraphs.jsonl and pairs.jsonl in SQuAD's order"
    cross_encoder.add_argument("folder", type=Path, nargs="+", help=folders)
    _add_out(cross_encoder, "rag/weights/reranker")
    text = f"train a span scorer that ships, the small one from the cross-encoder on, {people}"
    span_scorer = commands.add("span-scorer", shipped.run_span_scorer, text, "boundaries")
    _add_question_folders(span_scorer)
    span_scorer.add_argument("--large", action="store_true", help="the large one (MPNet) in place of the small one")
    further = "with --large: go on from the weights that ship, with other questions of the folders"
    span_scorer.add_argument("--further", action="store_true", help=further)
    _add_out(span_scorer, None, "that of the weights that ship")
    text = "fit how generator and span scorer are weighed, on people's questions that neither was trained on"
    span_selector = commands.add("span-selector", shipped.run_span_selector, text, "chooser")
    _add_question_folders(span_selector)
    _add_out(span_selector, None, "that of the weights that ship")
    everything = "fit on all documents, not only on held-out ones"
    span_selector.add_argument("--everything", action="store_true", help=everything)


def _add_question_folders(command: argparse.ArgumentParser) -> None:
    text = f"{BENCH}, or with passages.jsonl; FOLDER=0.5 for half of its questions"
    command.add_argument("folder", type=QuestionFolder.parse, nargs="+", metavar="FOLDER[=SHARE]", help=text)


def _add_run(command: argparse.ArgumentParser, text: str = RUN) -> None:
    command.add_argument("--run", default="default", metavar="NAME", help=f"{text} (default %(default)s)")


def _add_index(command: argparse.ArgumentParser, text: str) -> None:
    default = Path("var/index")
    command.add_argument("--index", type=Path, default=default, metavar="DIR", help=f"{text} (default %(default)s)")


def _add_json(command: argparse.ArgumentParser, default: str) -> None:
    text = "where the figures go (default %(default)s)"
    command.add_argument("--json", type=Path, default=Path(default), metavar="FILE", help=text)


def _add_benches(command: argparse.ArgumentParser, out: str) -> None:
    command.add_argument("bench", type=Path, nargs="+", help=BENCH)
    _add_out(command, out)


def _add_out(command: argparse.ArgumentParser, default: str | None, shown: str = "%(default)s") -> None:
    text = f"where the result goes (default {shown})"
    command.add_argument("--out", type=Path, default=default and Path(default), metavar="PATH", help=text)
