// The view of the training runs: how far each came, its curves, and what the promotion test says.

import { json } from "./api.js";
import { chartFigure, short } from "./chart.js";
import { button, element } from "./dom.js";

const DOES = {
  mine: "Questions mined from the documents",
  feedback: "What users said of answers",
  sft: "Supervised fine-tuning (SFT)",
  dpo: "Preference optimization (DPO)",
  "corpus-embedder": "Embedder",
  "corpus-reranker": "Cross-encoder",
  dev: "Stage chosen",
  attribution: "Judged",
};

/** Return the runs of the server. Throws a sentence for people where it has no training. */
export async function listRuns() {
  try {
    return await json("/runs");
  } catch (error) {
    if (error.status !== 404) throw error;
    throw new Error("This server offers no training: make setup installs it with the server.");
  }
}

/** Show the view in `main`. */
export async function showRuns(main) {
  const { runs, live } = await listRuns();
  const detail = element("section", { "aria-label": "Run", tabindex: -1 });
  const items = runs.map((run) => runItem(run, () => open(run, true)));
  const open = async (run, focus = false) => {
    items.forEach((item, n) => item.querySelector("button").setAttribute("aria-pressed", String(runs[n] === run)));
    detail.replaceChildren(...runParts(await json(`/runs/${encodeURIComponent(run.name)}`)));
    if (focus) detail.focus();
  };
  main.replaceChildren(
    element("h1", {}, "Training runs"),
    liveNow(live),
    runs.length
      ? element("ul", { class: "runs", "aria-label": "Runs" }, items)
      : element("p", {}, "Nothing has been trained yet: make train"),
    detail,
  );
  if (runs.length) await open(runs[0]);
}

function liveNow(live) {
  if (!live.length) return element("p", { class: "quiet" }, "Live: the weights that ship. Nothing was promoted.");
  return element(
    "ul",
    {},
    live.map((each) => element("li", {}, `Live ${each.component}: ${each.why}`)),
  );
}

function runItem(run, click) {
  const facts = [when(run.changed), run.stages.map((stage) => DOES[stage]).at(-1), outcome(run)];
  return element(
    "li",
    {},
    button(run.name, click, { "aria-pressed": "false", class: "thumb" }),
    element("span", { class: "quiet" }, facts.filter(Boolean).join(" · ")),
  );
}

function outcome({ verdicts }) {
  const better = verdicts.filter((each) => each.promote).map((each) => each.component);
  if (!verdicts.length) return "not judged yet";
  return better.length ? `better: ${better.join(", ")}` : "nothing better than what was live";
}

/** Return a time in UTC as this browser's users write it. */
export function when(utc) {
  return new Date(utc).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

function runParts(run) {
  return [
    element("h2", {}, `Run ${run.name}`),
    verdicts(run),
    run.chosen && element("p", {}, run.chosen),
    Object.keys(run.cells).length > 0 && cells(run),
    ...run.stage_results.map(stage),
  ].filter(Boolean);
}

function verdicts({ verdicts: found, judged_on: whose }) {
  if (!found.length)
    return element("p", { class: "quiet" }, "Not judged yet: make train judges, and python -m eval attribution does.");
  const line = (each) => {
    const [outcome, ...figures] = each.sentence.split(/: |; /);
    const badge = element(
      "span",
      { class: each.promote ? "badge good" : "badge" },
      each.promote ? "better" : "not better",
    );
    return element(
      "li",
      {},
      badge,
      ` ${outcome}`,
      element(
        "ul",
        { class: "quiet" },
        figures.map((figure) => element("li", {}, figure)),
      ),
    );
  };
  return element(
    "section",
    { "aria-label": "Verdicts" },
    element("p", { class: "quiet" }, `Judged on ${whose}`),
    element("ul", { class: "verdicts" }, found.map(line)),
  );
}

function cells(run) {
  const measures = Object.keys(Object.values(run.cells)[0]);
  const head = ["New", ...measures].map((name) => element("th", { scope: "col" }, name));
  const rows = Object.entries(run.cells).map(([name, values]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, name === "old" ? "nothing (what was live)" : name),
      measures.map((each) => element("td", {}, short(values[each]))),
    ),
  );
  const table = element("table", {}, element("thead", {}, element("tr", {}, head)), element("tbody", {}, rows));
  return element(
    "details",
    {},
    element("summary", {}, "Every combination of old and new"),
    element("div", { class: "wide", tabindex: 0, role: "group", "aria-label": "Combinations" }, table),
  );
}

function stage({ name, figures, charts }) {
  const facts = Object.entries(figures).flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)]);
  return element(
    "section",
    { class: "stage", "aria-label": DOES[name] },
    element("h3", {}, DOES[name] ?? name),
    element("div", { class: "charts" }, charts.map(chartFigure)),
    element("details", { open: charts.length === 0 }, element("summary", {}, "Figures"), element("dl", {}, facts)),
  );
}
