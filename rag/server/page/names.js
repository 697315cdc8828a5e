// A control to choose documents by name, one at a time: a name may hold any character.

import { json } from "./api.js";
import { button, element, labelled, newId } from "./dom.js";

const LISTED = 1000; // names that are proposed

/** Return the control, and a function that returns the chosen names. */
export function documentChoice(label) {
  const proposed = element("datalist", { id: newId("names") });
  const field = element("input", { type: "text", list: proposed.id, placeholder: "all", autocomplete: "off" });
  const chosen = element("ul", { class: "chosen", "aria-label": "Chosen documents" });
  const names = () =>
    [...new Set([...chosen.children].map((each) => each.dataset.name).concat(field.value.trim()))].filter(Boolean);
  const add = () => {
    for (const name of names()) if (name === field.value.trim()) chosen.append(chip(name, field));
    field.value = "";
  };
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !field.value.trim()) return;
    event.preventDefault();
    add();
  });
  field.addEventListener("focus", () => propose(proposed));
  const row = element(
    "div",
    { class: "row" },
    labelled(label, field),
    button("Add", () => {
      add();
      field.focus();
    }),
  );
  return { shown: element("div", {}, row, proposed, chosen), names };
}

function chip(name, field) {
  const remove = button(
    "×",
    () => {
      item.remove();
      field.focus();
    },
    { "aria-label": `Leave ${name} out` },
  );
  const item = element("li", {}, name, remove);
  item.dataset.name = name;
  return item;
}

async function propose(list) {
  const { documents } = await json("/documents").catch(() => ({ documents: [] }));
  list.replaceChildren(...documents.slice(0, LISTED).map((each) => element("option", { value: each.id })));
}
