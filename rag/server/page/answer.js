// Shows one answer: as it comes, with its evidence, the passages read, and what people say of it.

import { ask, post } from "./api.js";
import { button, element, labelled, percent } from "./dom.js";
import { openDocument } from "./reader.js";

/** Ask, and show in `place` what comes. Returns the answer. Throws where there is none. */
export async function showAnswer(place, body, signal) {
  const state = element("p", { class: "quiet", role: "status" }, "Searching…");
  const draft = element("p", { class: "draft" });
  const read = element("div");
  place.replaceChildren(state, draft, read);
  for await (const event of ask(body, signal)) {
    if (event.name === "passages") {
      state.textContent = `Reading ${event.data.length} passages…`;
      read.replaceChildren(passages(event.data, []));
    } else if (event.name === "text") {
      state.textContent = "Writing (not checked yet)…";
      draft.append(event.data);
    } else if (event.name === "answer") {
      place.replaceChildren(...answerParts(event.data, body.question));
      return event.data;
    }
  }
  throw new Error("The answer has not come whole: ask again.");
}

function answerParts(answer, asked) {
  const cited = answer.probable ? [answer.probable] : answer.citations;
  return [
    answer.asked_as !== asked && element("p", { class: "quiet" }, `Asked as: ${answer.asked_as}`),
    element("p", { class: answer.refused ? "answer refused" : "answer" }, ...said(answer)),
    sureness(answer),
    element(
      "ul",
      { class: "citations" },
      cited.map((each, n) => citation(each, cited[n - 1])),
    ),
    ...answer.conflicts.map((conflict) => conflictLine(conflict)),
    answer.unsupported.length > 0 &&
      element("p", { class: "quiet" }, `Left out, for no passage bears it out: ${answer.unsupported.join(" ")}`),
    passages(
      answer.passages,
      cited.map((each) => each.passage),
    ),
    verdict(answer),
  ].filter(Boolean);
}

function said(answer) {
  if (answer.probable) return ["No answer is sure enough. The likeliest place is this:"];
  return ["comparison", "difference"].includes(answer.kind) ? withLinks(answer) : [answer.text];
}

/** Make the numbers of an answer of two parts, "28 days [1] − 14 days [2] = 14 days", lead to what they cite. */
function withLinks(answer) {
  const unused = [...answer.citations];
  let before = "";
  return answer.text.split(/(\[\d+\])/).map((piece) => {
    const told = before
      .split(/[;:−] /)
      .at(-1)
      .trim();
    before = piece;
    const same = unused.filter((each) => piece === `[${each.passage}]`);
    const cited = same.find((each) => each.quote.replace(/\s+/g, " ").includes(told)) ?? same[0];
    if (!cited) return piece;
    unused.splice(unused.indexOf(cited), 1);
    const open = () => openDocument(cited.document, cited.start, cited.end);
    return button(piece, open, { class: "link", "aria-label": `${piece}, show in ${cited.document}` });
  });
}

function sureness(answer) {
  const seconds = Object.values(answer.timings)
    .reduce((sum, part) => sum + part, 0)
    .toFixed(1);
  const of = answer.refused ? "sure that these passages do not answer it" : "sure";
  const told = answer.probable
    ? `${percent(answer.probable_confidence)} likely to hold the answer`
    : `${percent(answer.confidence)} ${of}`;
  return element("p", { class: "quiet" }, `${told} · ${answer.model} · ${seconds} s`);
}

/** One citation; its place is said once for several of one place, as the items of a list are. */
function citation(each, before) {
  const open = () => openDocument(each.document, each.start, each.end);
  const label = `Show in ${each.document}`;
  const again = before?.passage === each.passage && before.location === each.location;
  return element(
    "li",
    {},
    element(
      "button",
      { type: "button", class: again ? "citation again" : "citation", click: open, title: label },
      again ? null : element("span", { class: "place" }, `[${each.passage}] ${each.location}`),
      element("q", {}, each.quote),
    ),
  );
}

function conflictLine(conflict) {
  const open = () => openDocument(conflict.document, conflict.start, conflict.end);
  return element("p", { class: "conflict" }, `Conflict: ${conflict.sentence} `, button("Show", open));
}

const STAGES = { dense: "dense", bm25: "BM25", fused: "fused", reranked: "reranked" };

function passages(found, cited) {
  const items = found.map((passage, n) => passageItem(passage, n + 1, cited.includes(n + 1)));
  const name = `Passages read (${found.length})`;
  return element("details", { class: "passages" }, element("summary", {}, name), element("ol", {}, items));
}

/** One passage with the scores of each stage of the search. */
export function passageItem(passage, number, cited = false) {
  const scores = Object.entries(STAGES)
    .filter(([stage]) => passage[stage] !== null)
    .map(([stage, name]) => `${name} ${passage[stage].toPrecision(3)}`);
  const open = () => openDocument(passage.document, passage.start, passage.end);
  return element(
    "li",
    {},
    element("button", { type: "button", class: "link", click: open }, `[${number}] ${passage.location}`),
    element("span", { class: "quiet" }, ` ${scores.join(" · ")}${cited ? " · cited" : ""}`),
    element("p", { class: "passage" }, passage.text),
  );
}

function verdict(answer) {
  const state = element("span", { class: "quiet", role: "status" });
  const give = async (body, thanks) => {
    try {
      await post("/feedback", { answer: answer.id, ...body });
      state.textContent = thanks;
      return true;
    } catch (error) {
      state.textContent = error.message;
      return false;
    }
  };
  const form = correction(give, answer);
  const press = async (chosen, thumb) => {
    if (!(await give({ thumb }, "Kept."))) return;
    for (const each of [up, down]) each.setAttribute("aria-pressed", String(each === chosen));
    form.hidden = thumb === "up";
    if (!form.hidden) form.scrollIntoView({ block: "nearest" });
  };
  const up = button("Right", () => press(up, "up"), { "aria-pressed": "false", class: "thumb" });
  const down = button("Wrong", () => press(down, "down"), { "aria-pressed": "false", class: "thumb" });
  return element(
    "div",
    { class: "verdict" },
    element("div", { class: "row", role: "group", "aria-label": "Is this answer right?" }, up, down, state),
    form,
  );
}

function correction(give, answer) {
  const field = element("input", { type: "text", maxlength: 2000, autocomplete: "off" });
  const submit = async (event) => {
    event.preventDefault();
    if (field.value.trim()) await give({ thumb: "down", correction: field.value }, "Correction kept.");
  };
  const label = labelled(
    answer.refused ? "What do the documents answer?" : "What is right, in the document's words?",
    field,
  );
  const nothing = button("The documents do not answer it", () => give({ unanswerable: true }, "Kept."));
  return element(
    "form",
    { class: "row", submit, hidden: true },
    label,
    element("button", {}, "Send"),
    answer.refused ? null : nothing,
  );
}
