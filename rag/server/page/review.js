// The view in which people judge rows before training learns from them: keep, mend or drop.

import { json, post } from "./api.js";
import { button, element, labelled } from "./dom.js";
import { openDocument } from "./reader.js";
import { listRuns } from "./runs.js";

const KINDS = {
  answerable: "to be answered",
  "multi-hop": "to be answered from two passages",
  "left out": "to be refused: the passage that answers is taken out",
  "not retrieved": "to be refused: the passage that answers was not found",
  swapped: "to be refused: the question was changed so that nothing answers it",
  unanswerable: "to be refused: nothing answers it",
};
const KEYS = { k: "keep", m: "mend", d: "drop", u: "undo" };

/** Show the view in `main`. */
export async function showReview(main) {
  const { runs } = await listRuns();
  const names = [...new Set([...runs.map((run) => run.name), "default"])];
  const choice = element(
    "select",
    { change: () => open() },
    names.map((name) => element("option", { value: name }, name)),
  );
  const state = element("p", { class: "quiet", role: "status" });
  const place = element("div");
  const session = { path: "", place, state, judged: [] };
  const open = async () => {
    session.path = `/runs/${encodeURIComponent(choice.value)}`;
    session.judged = [];
    await start(session);
  };
  main.replaceChildren(
    element("h1", {}, "Review"),
    element(
      "p",
      { class: "quiet" },
      "Training leaves out what is dropped and takes what is mended. " +
        "It learns from users’ feedback only what is kept or mended here.",
    ),
    labelled("Run", choice),
    state,
    place,
  );
  await open();
}

async function start(session) {
  session.place.replaceChildren();
  try {
    const taken = await post(`${session.path}/feedback`, {});
    session.feedback = feedbackLine(taken);
    show(session, await json(`${session.path}/review`));
  } catch (error) {
    session.state.textContent = error.message;
  }
}

function feedbackLine({ rows, left_out: out }) {
  const reasons = Object.entries(out).map(([reason, count]) => `${count} × ${reason}`);
  if (!rows && !reasons.length) return null;
  const told = `Rows made of users’ feedback: ${rows}`;
  if (!reasons.length) return element("p", { class: "quiet" }, told);
  return element(
    "details",
    {},
    element("summary", {}, `${told}; what taught nothing, and why`),
    element(
      "ul",
      {},
      reasons.map((each) => element("li", {}, each)),
    ),
  );
}

function show(session, found, focus = false) {
  session.state.textContent = `${found.judged} judged, ${found.rest} to go. ${found.judged ? found.estimate : ""}`;
  const [row] = found.rows;
  const card = row
    ? rowCard(session, row)
    : element(
        "div",
        { class: "card", tabindex: -1 },
        element("p", {}, "Nothing waits for a review."),
        undoButton(session),
      );
  session.place.replaceChildren(...[session.feedback, card].filter(Boolean));
  if (focus) card.focus();
}

function rowCard(session, row) {
  const mending = mendForm(session, row);
  const act = {
    keep: () => judge(session, row, { verdict: "keep" }),
    drop: () => judge(session, row, { verdict: "drop" }),
    mend: () => {
      mending.hidden = false;
      mending.querySelector("textarea").focus();
    },
    undo: () => takeBack(session),
  };
  const badges = [
    row.source === "feedback" && element("span", { class: "badge good" }, "from feedback"),
    element("span", { class: "badge" }, KINDS[row.kind] ?? row.kind),
  ];
  const card = element(
    "article",
    { class: "card", tabindex: -1, "aria-label": "Row to judge" },
    element("p", { class: "badges" }, badges),
    element("h2", {}, row.question),
    element("p", { class: "answer" }, row.target),
    element(
      "ol",
      { class: "passages" },
      row.passages.map((passage, n) => passageShown(passage, n + 1, row)),
    ),
    element(
      "div",
      { class: "row sticky", role: "group", "aria-label": "Verdict" },
      button("Keep", act.keep, { class: "main", "aria-keyshortcuts": "k" }),
      button("Mend", act.mend, { "aria-keyshortcuts": "m" }),
      button("Drop", act.drop, { "aria-keyshortcuts": "d" }),
      undoButton(session),
      element("span", { class: "quiet keys" }, "or the keys K, M, D, U"),
    ),
    mending,
  );
  card.addEventListener("keydown", (event) => {
    const typing =
      ["INPUT", "TEXTAREA"].includes(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey;
    if (!typing && KEYS[event.key]) {
      event.preventDefault();
      act[KEYS[event.key]]();
    }
  });
  card.addEventListener("mouseup", () => takeSelection(mending));
  return card;
}

function undoButton(session) {
  return button("Undo", () => takeBack(session), { disabled: !session.judged.length, "aria-keyshortcuts": "u" });
}

/** A passage, with the answer marked where it is cited. */
function passageShown(passage, number, row) {
  const line = passage.text.replace(/\s/g, " ");
  const places = [line.indexOf(row.answer), line.toLowerCase().indexOf(row.answer.toLowerCase())];
  const at = row.cited.includes(number) && row.answer ? (places.find((place) => place >= 0) ?? -1) : -1;
  const end = at + row.answer.length;
  const text =
    at < 0
      ? [passage.text]
      : [passage.text.slice(0, at), element("mark", {}, passage.text.slice(at, end)), passage.text.slice(end)];
  const open = () => openDocument(passage.document, passage.start, passage.end);
  return element(
    "li",
    {},
    button(`[${number}] ${passage.location}`, open, { class: "link" }),
    passage.own && element("span", { class: "quiet" }, " asked of this one"),
    element("p", { class: "passage" }, text),
  );
}

function mendForm(session, row) {
  const question = element("textarea", { rows: 2, maxlength: 2000 });
  const answer = element("input", { type: "text", maxlength: 2000, autocomplete: "off" });
  [question.value, answer.value] = [row.question, row.answer];
  const send = (said) => judge(session, row, { verdict: "mend", question: question.value, answer: said }, form);
  const form = element(
    "form",
    {
      hidden: true,
      submit: (event) => {
        event.preventDefault();
        if (answer.value.trim()) send(answer.value);
      },
    },
    labelled("Question", question),
    labelled("Answer, in the words of a passage (words selected above are taken)", answer),
    element("p", { class: "error", role: "alert" }),
    element(
      "div",
      { class: "row" },
      element("button", { class: "main" }, "Keep as mended"),
      button("No passage answers it", () => send("-")),
      button("Cancel", () => {
        form.hidden = true;
      }),
    ),
  );
  return form;
}

function takeSelection(form) {
  const selected = String(getSelection()).replace(/\s+/g, " ").trim();
  if (!form.hidden && selected && getSelection().anchorNode?.parentElement?.closest(".passage"))
    form.querySelector("input").value = selected;
}

async function judge(session, row, verdict, form = null) {
  try {
    const found = await post(`${session.path}/review`, { id: row.id, was: row.was, ...verdict });
    session.judged.push(row.id);
    show(session, found, true);
  } catch (error) {
    (form?.querySelector("[role=alert]") ?? session.state).textContent = error.message;
  }
}

async function takeBack(session) {
  const id = session.judged.pop();
  if (!id) return;
  try {
    await json(`${session.path}/review?${new URLSearchParams({ id })}`, { method: "DELETE" });
    show(session, await json(`${session.path}/review`), true);
  } catch (error) {
    session.state.textContent = error.message;
  }
}
