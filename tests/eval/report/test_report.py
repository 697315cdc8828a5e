import json
import re
from html.parser import HTMLParser

import pytest

from corpus_in_small import DOCUMENTS, QUESTIONS
from eval.report.page import ASSETS
from eval.report.report import as_text, write_report
from eval.runs.summary import read_summary
from fakes import Scripted

FETCHED = ("src", "href", "xlink:href", "srcset", "data", "poster", "action", "background")
CURVES = {
    "sft": [{"step": 1, "loss": 2.0}, {"step": 4, "eval_loss": 1.5}],
    "dpo": [{"step": 2, "loss": 0.6, "eval_loss": 0.5}],
}


class Page(HTMLParser):
    """What a browser would find: attributes, ids, scripts, and all other text."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.scripts, self.ids, self.words, self._in = [], [], [], [], "", None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        self.ids += [value for name, value in attributes if name == "id"]
        self._in = tag
        if tag == "script":
            self.scripts.append([dict(attributes), ""])

    def handle_endtag(self, tag):
        self._in = None

    def handle_data(self, data):
        if self._in == "script":
            self.scripts[-1][1] += data
        elif self._in != "style":
            self.words += data


@pytest.fixture
def report(evaluated, weights, tiny_generator, tmp_path):
    """Return the folder of a run of base and tuned, the text of its page, and the page parsed."""
    tuned = weights("tuned")
    (tuned["tuned"] / "curves.json").write_text(json.dumps(CURVES))
    notes = ["LEAKED: <b>one</b> question"]
    evaluated(tmp_path / "run", {"base": None, **tuned}, Scripted(tiny_generator.tokenizer), notes=notes)
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    return tmp_path / "run", text, Page(text)


def test_the_page_fetches_nothing(report):
    _, text, page = report
    assert not {"link", "img", "iframe", "object", "embed", "base", "form", "audio", "video"} & set(page.tags)
    assert all(value.startswith("#") for _, name, value in page.attributes if name in FETCHED)
    assert any(name == "href" for _, name, _ in page.attributes)
    assert not re.search(r"url\((?!#)|@import|fetch\(|XMLHttpRequest|WebSocket|sendBeacon|import\(", text)


def test_the_pages_data_is_json_and_its_scripts_are_two_whatever_a_passage_holds(report):
    _, text, page = report
    assert [attributes for attributes, _ in page.scripts] == [{"type": "application/json", "id": "data"}, {}]
    assert text.count("</script>") == 2 and "alert(1)" not in page.words
    assert page.scripts[1][1] == (ASSETS / "browse.js").read_text(encoding="utf-8")
    data = json.loads(page.scripts[0][1])
    assert [q["question"] for q in data["questions"]] == [q.question for q in QUESTIONS] and data["names"] == [
        "base",
        "tuned",
    ]
    assert sorted(p["document"] for p in data["passages"]) == sorted(
        {p["document"] for p in data["passages"]}
    )  # each passage once: each document has one
    assert all(p["text"] == DOCUMENTS[p["document"]][p["start"] : p["end"]] for p in data["passages"])
    assert any("</script><script>alert(1)" in p["text"] for p in data["passages"])


def test_the_browser_has_what_each_generator_answered_and_what_was_right(report):
    data = json.loads(report[2].scripts[0][1])
    crane, mole = data["questions"][0], data["questions"][2]
    assert [made["refused"] for made in crane["predictions"]] == [True, False]
    assert [made["right"] for made in crane["predictions"]] == [False, True]
    assert (crane["part"], mole["part"], crane["kind"]) == ("mined", "incoming", "number")
    (cite,) = crane["predictions"][1]["citations"]
    shown = [data["passages"][n] for n in crane["passages"]]
    assert (
        cite["right"] is True
        and "40 tonnes" in shown[cite["passage"] - 1]["text"]
        and crane["predictions"][1]["grounded"] is True
    )
    assert (
        len(crane["passages"]) == 3
        and mole["predictions"][1]["right"] is False
        and mole["predictions"][1]["text"] == "40 tonnes"
    )


def test_the_page_has_the_notes_the_verdict_the_plots_and_the_tables(report):
    folder, text, page = report
    summary = read_summary(folder)
    assert "LEAKED: <b>one</b> question" in page.words and "b" not in page.tags[: page.tags.index("h1")]
    assert all(part in page.words for part in summary["comparisons"][0]["verdict"].split(": ", 1))
    assert (
        page.tags.count("svg") == page.tags.count("figure") == 5
    )  # measures, coverage, calibration, latency and training
    assert "Training of tuned" in page.words and "sft, development" in page.words and "dpo, training" in page.words
    assert (
        "New documents against those seen in training" in page.words and "General instructions followed" in page.words
    )
    assert f"{summary['generators']['tuned']['f1']:.3f}" in page.words


def test_what_a_plot_refers_to_is_its_own(report):
    _, text, page = report
    wanted = {
        *re.findall(r"url\(#([^)]+)\)", text),
        *(value[1:] for _, name, value in page.attributes if name == "xlink:href"),
    }
    assert wanted and all(page.ids.count(id) == 1 for id in wanted)


def test_reports_are_the_same_when_made_again(report):
    folder, text, _ = report
    markdown = (folder / "report.md").read_bytes()
    write_report(folder)
    assert (folder / "report.html").read_text(encoding="utf-8") == text and (
        folder / "report.md"
    ).read_bytes() == markdown


def test_text_and_markdown_have_notes_first_then_the_verdict(report):
    folder, *_ = report
    summary = read_summary(folder)
    verdict = summary["comparisons"][0]["verdict"]
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    assert markdown.startswith(f"LEAKED: <b>one</b> question\n\n# {verdict}\n") and as_text(summary).startswith(
        f"LEAKED: <b>one</b> question\n\n{verdict}\n"
    )
    assert "By document" in markdown and "By document" not in as_text(summary)  # the long one
    for table in markdown.split("\n## ")[1:]:
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len(rows) > 2 and len({line.count("|") for line in rows}) == 1


def test_a_run_with_one_generator_has_a_page_and_no_comparison(evaluated, tiny_generator, tmp_path):
    evaluated(tmp_path / "run", {"base": None}, Scripted(tiny_generator.tokenizer))
    page = Page((tmp_path / "run" / "report.html").read_text(encoding="utf-8"))
    assert "9 questions" in page.words and "paired by question" not in page.words and page.tags.count("svg") == 4


def test_a_run_in_which_everything_failed_has_a_page(evaluated, weights, tiny_generator, tmp_path, monkeypatch):
    monkeypatch.setattr("eval.runs.evaluate.measure_latencies", lambda *args: {"first_token": [], "answer": []})
    evaluated(
        tmp_path / "run", {"base": None}, Scripted(tiny_generator.tokenizer, raises=RuntimeError("out of memory"))
    )
    page = Page((tmp_path / "run" / "report.html").read_text(encoding="utf-8"))
    assert {made["error"] for q in json.loads(page.scripts[0][1])["questions"] for made in q["predictions"]} == {
        "RuntimeError: out of memory"
    }


def test_many_generators_have_a_page(evaluated, weights, tiny_generator, tmp_path):
    names = ("a", "b", "c", "d", "e", "f")
    summary = evaluated(tmp_path / "run", weights(*names), Scripted(tiny_generator.tokenizer))
    assert len(summary["comparisons"]) == 5 and all(
        f"{name} against a" in (tmp_path / "run" / "report.html").read_text() for name in names[1:]
    )
