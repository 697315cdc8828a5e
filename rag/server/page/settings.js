// The view of the settings as they are, and a search that shows the scores of each stage.

import { json, post } from "./api.js";
import { passageItem } from "./answer.js";
import { element, labelled } from "./dom.js";

/** Show the view in `main`. */
export async function showSettings(main) {
  const { settings, index, answers_as: answers } = await json("/settings");
  const rows = settings.map((each) => {
    const changed = each.value !== each.default;
    return element(
      "tr",
      { class: changed ? "changed" : null },
      element("th", { scope: "row" }, each.name),
      element("td", {}, String(each.value)),
      element("td", {}, changed ? String(each.default) : ""),
    );
  });
  const titles = ["Setting", "Value", "Default, where it differs"].map((text) => element("th", { scope: "col" }, text));
  main.replaceChildren(
    element("h1", {}, "Settings"),
    element("p", {}, `Index: ${index}. Questions are answered by ${answers}. Settings are changed in ragtune.toml.`),
    searchTest(),
    element("table", {}, element("thead", {}, element("tr", {}, titles)), element("tbody", {}, rows)),
  );
}

function searchTest() {
  const words = element("input", { type: "text", required: true, autocomplete: "off" });
  const list = element("ol", { class: "passages" });
  const submit = async (event) => {
    event.preventDefault();
    try {
      const { passages } = await post("/search", { words: words.value });
      list.replaceChildren(...passages.map((passage, n) => passageItem(passage, n + 1)));
    } catch (error) {
      list.replaceChildren(element("li", { class: "error", role: "alert" }, error.message));
    }
  };
  const form = element("form", { class: "row", submit }, labelled("Try the search", words), element("button", {}, "Search"));
  return element("section", { "aria-label": "Search" }, form, list);
}
