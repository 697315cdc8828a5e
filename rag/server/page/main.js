// The page: which view is shown, and how the server is.

import { json } from "./api.js";
import { showAsk } from "./ask.js";
import { showCompare } from "./compare.js";
import { showDocuments } from "./documents.js";
import { element } from "./dom.js";
import { openDocument } from "./reader.js";
import { showReview } from "./review.js";
import { showRuns } from "./runs.js";
import { showSettings } from "./settings.js";

const VIEWS = {
  ask: showAsk,
  documents: showDocuments,
  compare: showCompare,
  review: showReview,
  runs: showRuns,
  settings: showSettings,
};
const main = document.getElementById("main");
const health = document.getElementById("health");

async function show() {
  const name = Object.hasOwn(VIEWS, location.hash.slice(1)) ? location.hash.slice(1) : "ask";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${name[0].toUpperCase()}${name.slice(1)} · ragtune`;
  const view = element("div"); // of its own, so that what comes late for another view is not shown in this one
  main.replaceChildren(view);
  try {
    await VIEWS[name](view);
  } catch (error) {
    const title = document.querySelector("nav a[aria-current]").textContent;
    view.replaceChildren(element("h1", {}, title), element("p", { class: "error", role: "alert" }, error.message));
  }
}

async function showHealth() {
  try {
    const { ready, waiting, trouble } = await json("/health");
    if (trouble) health.textContent = (await json("/settings")).trouble;
    else if (!ready) health.textContent = "loading the model…";
    else health.textContent = waiting ? `${waiting} ${waiting === 1 ? "question waits" : "questions wait"}` : "";
  } catch {
    health.textContent = "the server does not answer";
  }
}

/** Open the document that the address names, as the links of citations do. */
function openNamed() {
  const named = new URLSearchParams(location.search);
  const number = (name) => Number.parseInt(named.get(name) ?? "0", 10) || 0;
  if (named.has("document")) openDocument(named.get("document"), number("start"), number("end"));
}

addEventListener("hashchange", () => {
  if (location.hash !== "#main") show();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
await show();
openNamed();
showHealth();
setInterval(showHealth, 5000);
