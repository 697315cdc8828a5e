// The view that asks two generators the same question, side by side.

import { showAnswer } from "./answer.js";
import { modelChoice } from "./ask.js";
import { element, labelled } from "./dom.js";

/** Show the view in `main`. */
export async function showCompare(main) {
  const question = element("input", { type: "text", maxlength: 2000, required: true, autocomplete: "off" });
  const sides = await Promise.all(["base", "ragtune"].map(side));
  const submit = async (event) => {
    event.preventDefault();
    send.disabled = true;
    difference.textContent = "";
    const said = await Promise.all(sides.map((each) => answerIn(each, question.value.trim())));
    if (said.every(Boolean))
      difference.textContent = said[0].text === said[1].text ? "Both say the same." : "They say different things.";
    send.disabled = false;
  };
  const difference = element("p", { class: "quiet", role: "status" });
  const send = element("button", { class: "main" }, "Ask both");
  const form = element("form", { class: "row", submit }, labelled("Question", question), send);
  main.replaceChildren(
    element("h1", {}, "Compare two generators"),
    form,
    difference,
    element(
      "div",
      { class: "sides" },
      sides.map((each) => each.shown),
    ),
  );
  question.focus();
}

async function side(chosen, n) {
  const model = await modelChoice(chosen);
  const place = element("div");
  const name = n === 0 ? "Left" : "Right";
  const shown = element("section", { "aria-label": name }, labelled(`${name}: answered by`, model), place);
  return { model, place, shown };
}

async function answerIn({ model, place }, question) {
  try {
    return await showAnswer(place, { question, model: model.value });
  } catch (error) {
    place.replaceChildren(element("p", { class: "error", role: "alert" }, error.message));
    return null;
  }
}
