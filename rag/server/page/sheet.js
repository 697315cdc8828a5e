// Shows pages of a PDF file as they look, with the cited words marked.

import { json } from "./api.js";
import { button, element, svg } from "./dom.js";

/** Return the page that a span of a document stands on, the first one for none. */
export function pageOf(found) {
  const holding = found.chunks.find((chunk) => chunk.page && chunk.start <= found.start && found.start < chunk.end);
  return (found.end > found.start && holding?.page) || found.chunks.find((chunk) => chunk.page)?.page || 1;
}

/** Return a section that draws a page when it is made, and leads to the others. */
export function sheet(found, number = pageOf(found)) {
  const state = element("span", { class: "quiet", role: "status" }, `Drawing page ${number}…`);
  const move = (by) =>
    button(by < 0 ? "‹" : "›", () => turn(by), { "aria-label": by < 0 ? "Page before" : "Next page", disabled: true });
  const [before, after] = [move(-1), move(1)];
  const paper = element("div", { class: "paper" });
  const lost = element(
    "p",
    { class: "quiet", hidden: true },
    "The cited words were not found among the letters of this page.",
  );
  const shown = element(
    "section",
    { class: "sheet", "aria-label": "Page" },
    element("div", { class: "row" }, before, state, after),
    lost,
    paper,
  );
  const turn = async (by) => {
    number += by;
    [before.disabled, after.disabled] = [true, true];
    try {
      const page = await json(address(found, number));
      paper.replaceChildren(...picture(found, page));
      state.textContent = `Page ${number} of ${page.pages}`;
      lost.hidden = number !== pageOf(found) || found.end <= found.start || page.marks.length > 0;
      [before.disabled, after.disabled] = [number <= 1, number >= page.pages];
      if (by) (by < 0 ? before : after).focus();
      else paper.querySelector("rect")?.scrollIntoView({ block: "center" });
    } catch (error) {
      state.replaceChildren(element("span", { class: "error", role: "alert" }, error.message));
    }
  };
  turn(0);
  return shown;
}

function address(found, number) {
  const cited = number === pageOf(found) ? { start: found.start, end: found.end } : {};
  return `/pages/${number}/${found.id.split("/").map(encodeURIComponent).join("/")}?${new URLSearchParams(cited)}`;
}

function picture(found, page) {
  const image = element("img", {
    src: `data:image/png;base64,${page.png}`,
    width: page.width,
    height: page.height,
    alt: `Page ${page.number} of ${found.title}; its text is in the text view`,
  });
  const boxes = page.marks.map(([x, y, right, bottom]) => svg("rect", { x, y, width: right - x, height: bottom - y }));
  return [image, svg("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" }, ...boxes)];
}
