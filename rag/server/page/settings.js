// The view of the settings as they are, and a search that shows the scores of each stage.

import { json, post } from "./api.js";
import { passageItem } from "./answer.js";
import { element, labelled } from "./dom.js";

/** Show the view in `main`. */
export async function showSettings(main) {
  const { settings, index, answers_as: answers } = await json("/settings");
  const sections = Map.groupBy(settings, (each) => each.name.split(".")[0]);
  const changed = settings.filter((each) => each.value !== each.default).length;
  main.replaceChildren(
    element("h1", {}, "Settings"),
    element("p", {}, `Index: ${index}. Questions are answered by ${answers}.`),
    element(
      "p",
      { class: "quiet" },
      `${changed || "None"} of ${settings.length} settings ${changed === 1 ? "differs" : "differ"} from the default. ` +
        "They are changed in ragtune.toml, and read when the server starts.",
    ),
    searchTest(),
    ...[...sections].map(([name, found]) => sectionTable(name, found)),
  );
}

function sectionTable(name, settings) {
  const rows = settings.map(({ name: full, value, default: usual }) =>
    element(
      "tr",
      { class: value !== usual ? "changed" : null },
      element("th", { scope: "row" }, ...breakable(full.split(".")[1])),
      element(
        "td",
        {},
        value === "" ? element("span", { class: "quiet" }, "none") : String(value),
        value !== usual && element("span", { class: "quiet" }, ` default ${usual === "" ? "none" : usual}`),
      ),
    ),
  );
  return element("table", { class: "settings" }, element("caption", {}, name), element("tbody", {}, rows));
}

/** Let a name break after its underscores. */
function breakable(name) {
  return name.split(/(?<=_)/).flatMap((part, n) => (n ? [element("wbr"), part] : [part]));
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
  const form = element(
    "form",
    { class: "row", submit },
    labelled("Try the search", words),
    element("button", {}, "Search"),
  );
  return element("section", { "aria-label": "Search" }, form, list);
}
