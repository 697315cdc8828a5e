// Shows a document with a span highlighted.

import { json } from "./api.js";
import { button, element } from "./dom.js";
import { sheet } from "./sheet.js";

const reader = document.getElementById("reader");
const ROOMY = matchMedia("(min-width: 75rem)"); // page and text stand side by side
let opener = null; // gets the focus back
let wantsPages = null; // what was chosen last, null before a choice

/** Show a document, scrolled to the characters from start to end, which are highlighted. */
export async function openDocument(id, start = 0, end = 0, offset = 0) {
  if (reader.hidden) opener = document.activeElement;
  reader.hidden = false;
  document.body.classList.add("reading");
  document.body.classList.remove("paged");
  reader.replaceChildren(heading(id), element("p", { role: "status" }, "Reading…"));
  const path = `/documents/${id.split("/").map(encodeURIComponent).join("/")}`;
  try {
    const found = await json(`${path}?${new URLSearchParams({ start, end, offset })}`);
    // The server counts characters by code points, JavaScript by UTF-16 units.
    found.letters = /[\ud800-\udfff]/.test(found.text) ? Array.from(found.text) : found.text;
    const body = element("div", { class: "reader-body" }, text(found));
    reader.replaceChildren(
      heading(found.title, id, found.drawn && pagesSwitch(found, body)),
      ...notes(found),
      ...parts(found, start, end),
      body,
    );
  } catch (error) {
    reader.replaceChildren(heading(id), element("p", { class: "error", role: "alert" }, error.message));
  }
  const mark = reader.querySelector("mark");
  mark?.scrollIntoView({ block: "center" });
  (mark ?? reader.querySelector("h2")).focus({ preventScroll: true });
}

export function closeDocument() {
  reader.hidden = true;
  document.body.classList.remove("reading", "paged");
  reader.replaceChildren();
  opener?.focus();
}

function heading(title, id = "", more = null) {
  const name = id && id !== title ? element("p", { class: "quiet" }, id) : null;
  const close = button("Close", closeDocument, { "aria-label": "Close the document" });
  const buttons = element("div", { class: "row" }, more, close);
  return element(
    "div",
    { class: "reader-head" },
    element("div", {}, element("h2", { tabindex: -1 }, title), name),
    buttons,
  );
}

/** Return the button that shows the pages as they look: beside the text where there is room, else in its place. */
function pagesSwitch(found, body) {
  const show = (on) => {
    document.body.classList.toggle("paged", on);
    toggle.setAttribute("aria-pressed", String(on));
    body.querySelector(".sheet")?.remove();
    if (on) body.prepend(sheet(found));
  };
  const toggle = button(
    "Pages",
    () => {
      wantsPages = !document.body.classList.contains("paged");
      show(wantsPages);
    },
    { class: "thumb" },
  );
  show(wantsPages ?? ROOMY.matches);
  return toggle;
}

function notes(found) {
  if (!found.unread.length) return [];
  const lines = found.unread.map((line) => element("li", {}, line));
  return [element("details", {}, element("summary", {}, "Read in part"), element("ul", {}, lines))];
}

function parts(found, start, end) {
  const last = found.offset + found.letters.length;
  const move = (to) => () => openDocument(found.id, start, end, to);
  const before = found.offset > 0 && button("Earlier part", move(Math.max(1, found.offset - 200000)));
  const after = last < found.length && button("Later part", move(last));
  return before || after ? [element("div", { class: "row" }, before, after)] : [];
}

/** Cut the text where a page begins and around the highlighted span. */
function text(found) {
  const shown = element("div", { class: "text" });
  const pages = found.chunks.filter((chunk, n) => chunk.page && chunk.page !== found.chunks[n - 1]?.page);
  const cuts = [
    ...pages.map((chunk) => ({ at: chunk.start, page: chunk.page })),
    ...(found.end > found.start ? [{ at: found.start }, { at: found.end }] : []),
  ]
    .filter((cut) => cut.at >= found.offset)
    .sort((a, b) => a.at - b.at);
  let at = found.offset;
  const upTo = (end) => {
    const piece = slice(found, at, end);
    if (!piece) return;
    const cited = at >= found.start && end <= found.end && found.end > found.start;
    shown.append(cited ? element("mark", { tabindex: -1, id: "cited" }, piece) : piece);
    at = end;
  };
  for (const cut of cuts) {
    upTo(cut.at);
    if (cut.page) shown.append(element("span", { class: "page", role: "separator" }, `Page ${cut.page}`));
  }
  upTo(found.offset + found.letters.length);
  return shown;
}

function slice(found, start, end) {
  const part = found.letters.slice(start - found.offset, end - found.offset);
  return typeof part === "string" ? part : part.join("");
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !reader.hidden && !document.querySelector("dialog[open]")) closeDocument();
});
