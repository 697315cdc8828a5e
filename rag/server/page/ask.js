// The view that asks: a conversation, where each question may refer to the one before.

import { json } from "./api.js";
import { showAnswer } from "./answer.js";
import { button, element, labelled } from "./dom.js";
import { documentChoice } from "./names.js";

const turns = []; // questions and answers so far
const conversation = element("ol", { class: "conversation", "aria-label": "Conversation" });
const send = element("button", { class: "main" }, "Ask");
const stop = button("Stop", () => running?.abort(), { hidden: true });
let running = null;

/** Return a list to choose a generator from. */
export async function modelChoice(chosen = "ragtune") {
  const select = element("select");
  const { data } = await json("/v1/models");
  for (const model of data) {
    const name = model.id === "ragtune" ? `the default (${model.answers_as})` : model.id;
    select.append(element("option", { value: model.id, selected: model.id === chosen }, name));
  }
  return select;
}

/** Show the view in `main`. */
export async function showAsk(main) {
  const question = element("textarea", { rows: 2, maxlength: 2000, required: true, placeholder: "When was …?" });
  const model = await modelChoice();
  const within = documentChoice("Only in documents named");
  const submit = async (event) => {
    event.preventDefault();
    if (!question.value.trim() || running) return;
    const asked = question.value.trim();
    question.value = "";
    [send.disabled, stop.hidden] = [true, false];
    await oneTurn(asked, model.value, within.names());
    [send.disabled, stop.hidden] = [false, true];
    question.focus();
  };
  const form = element(
    "form",
    { class: "ask", submit },
    labelled("Question", question),
    element(
      "div",
      { class: "row" },
      send,
      stop,
      button("New conversation", () => forget(question)),
    ),
    element("details", {}, element("summary", {}, "Options"), labelled("Answered by", model), within.shown),
  );
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  main.replaceChildren(element("h1", {}, "Ask your documents"), conversation, form);
  question.focus();
}

function forget(question) {
  turns.length = 0;
  conversation.replaceChildren();
  question.focus();
}

/** Say why there is no answer; what the server says where there is no document is for those who run it. */
async function whyNot(error) {
  if (error.name === "AbortError") return ["Stopped."];
  const { documents } = await json("/documents").catch(() => ({ documents: [error] }));
  if (documents.length) return [error.message];
  return ["There is no document yet: ", element("a", { href: "#documents" }, "add some"), "."];
}

async function oneTurn(question, model, documents) {
  const place = element("div");
  const turn = element("li", {}, element("h2", {}, question), place);
  conversation.append(turn);
  turn.scrollIntoView({ block: "nearest" });
  running = new AbortController();
  try {
    const body = { question, model, documents, history: turns.slice(-10) };
    const answer = await showAnswer(place, body, running.signal);
    turns.push({ question, answer: answer.refused ? "" : answer.text });
  } catch (error) {
    place.replaceChildren(element("p", { class: "error", role: "alert" }, ...(await whyNot(error))));
  } finally {
    running = null;
  }
  turn.scrollIntoView({ block: "nearest" });
}
