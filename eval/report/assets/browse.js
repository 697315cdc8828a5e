(() => {
  "use strict";

  const PAGE = 25;
  const HASH = "#questions?";
  const MARKS = {
    "right": ["✓", "right", true],
    "wrong": ["✗", "wrong", false],
    "refused-rightly": ["✓", "refused rightly", true],
    "refused-wrongly": ["✗", "refused wrongly", false],
    "failed": ["!", "failed", null],
  };

  const { names, passages, questions } = JSON.parse(document.getElementById("data").textContent);
  const [first, last] = [names[0], names.at(-1)];
  const comparing = names.length > 1;
  const items = questions.map(toItem);

  const FILTERS = {
    "all": ["all", "every question", () => true],
    "fixed": ["fixed", `${first} wrong, ${last} right`, (i) => i.first === false && i.last === true],
    "broken": ["broken", `${first} right, ${last} wrong`, (i) => i.first === true && i.last === false],
    "right": [comparing ? "both right" : "right", comparing ? `${first} and ${last} right` : "", (i) => i.first === true && i.last === true],
    "wrong": [comparing ? "both wrong" : "wrong", comparing ? `${first} and ${last} wrong` : "", (i) => i.first === false && i.last === false],
    "refused": ["refused wrongly", `${last} refused a question that the documents answer`, (i) => i.verdicts.at(-1) === "refused-wrongly"],
    "answered": ["answered wrongly", `${last} answered a question that the documents do not answer`, (i) => i.last === false && !i.question.answers.length],
    "flagged": ["flagged by the check", `${last} gave an answer that the groundedness check flags; the check is weak`, (i) => i.prediction.grounded === false && !i.prediction.refused],
    "failed": ["failed", "a generator failed", (i) => i.verdicts.includes("failed")],
  };
  if (!comparing) ["fixed", "broken"].forEach((key) => delete FILTERS[key]);

  const kinds = distinct("kind"), parts = distinct("part");
  const state = { show: "all", kind: "", part: "", q: "" };
  const ui = build();
  let found = [];

  function toItem(question) {
    const verdicts = names.map((_, n) => verdict(question, question.predictions[n]));
    const words = question.predictions.flatMap((made) => [made.text, made.output, made.error]);
    const text = [question.id, question.question, ...question.answers, ...words].filter(Boolean).join("\n").toLowerCase();
    return { question, verdicts, text, first: MARKS[verdicts[0]][2], last: MARKS[verdicts.at(-1)][2], prediction: question.predictions.at(-1) };
  }

  function verdict(question, prediction) {
    if (!prediction || prediction.error) return "failed";
    if (prediction.refused) return question.answers.length ? "refused-wrongly" : "refused-rightly";
    return question.answers.length && prediction.right ? "right" : "wrong";
  }

  function distinct(key) {
    return [...new Set(questions.map((question) => question[key]).filter(Boolean))].sort();
  }

  function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes ?? {})) {
      if (typeof value === "function") node.addEventListener(key, value);
      else if (value !== null && value !== undefined) node.setAttribute(key, value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  }

  const number = (value) => value.toLocaleString("en");
  const figure = (value) => (typeof value === "number" ? value.toFixed(2) : "–");

  function build() {
    const buttons = Object.entries(FILTERS).map(([key, [label, title]]) =>
      el("button", { type: "button", title, "data-show": key, click: () => change({ show: key }) }, label, " ", el("span")));
    const kind = select("kind", "all kinds", kinds), part = select("part", "all parts", parts);
    let timer;
    const search = el("input", { type: "search", placeholder: "Search questions and answers", "aria-label": "Search questions and answers",
      input: () => { clearTimeout(timer); timer = setTimeout(() => change({ q: search.value }), 150); } });
    const count = el("output", { class: "count", "aria-live": "polite" });
    const list = el("div", { class: "list" });
    const more = el("button", { type: "button", class: "more", click: () => grow()?.querySelector("summary").focus() });
    const controls = el("div", { class: "controls", role: "search" },
      el("div", { class: "filters", role: "group", "aria-label": "Show" }, buttons),
      el("div", { class: "narrow" }, search, kind, part, count));
    document.getElementById("browser").append(controls, list, more);
    return { buttons, kind, part, search, count, list, more };
  }

  function select(key, all, values) {
    const options = [el("option", { value: "" }, all), values.map((value) => el("option", { value }, value))];
    const node = el("select", { "aria-label": key, change: () => change({ [key]: node.value }) }, options.flat());
    node.hidden = values.length < 2;
    return node;
  }

  function change(given) {
    Object.assign(state, given);
    refresh();
    const set = Object.entries(state).filter(([key, value]) => value && !(key === "show" && value === "all"));
    try {
      history.replaceState(null, "", set.length ? HASH + new URLSearchParams(set) : "#questions");
    } catch { /* a sandboxed viewer has no address to keep the filter in */ }
  }

  function readHash() {
    if (!location.hash.startsWith(HASH)) return;
    const given = new URLSearchParams(location.hash.slice(HASH.length));
    const known = (key, values, otherwise) => (values.includes(given.get(key)) ? given.get(key) : otherwise);
    const show = known("show", Object.keys(FILTERS), "all");
    Object.assign(state, { show, kind: known("kind", kinds, ""), part: known("part", parts, ""), q: given.get("q") ?? "" });
    refresh();
    document.getElementById("questions")?.scrollIntoView({ behavior: "instant" });
  }

  function refresh() {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const pool = items.filter(({ question, text }) =>
      (!state.kind || question.kind === state.kind) && (!state.part || question.part === state.part) && words.every((word) => text.includes(word)));
    for (const button of ui.buttons) {
      const key = button.dataset.show, size = pool.filter(FILTERS[key][2]).length;
      button.lastChild.textContent = number(size);
      button.classList.toggle("none", size === 0);
      button.setAttribute("aria-pressed", key === state.show);
    }
    for (const key of ["kind", "part"]) ui[key].value = state[key];
    if (document.activeElement !== ui.search) ui.search.value = state.q;
    found = pool.filter(FILTERS[state.show][2]);
    ui.count.textContent = `${number(found.length)} of ${number(items.length)}`;
    ui.list.replaceChildren();
    if (!found.length) ui.list.append(el("p", { class: "empty" }, "No question matches."));
    grow();
  }

  function grow() {
    const at = ui.list.querySelectorAll(".question").length;
    const nodes = found.slice(at, at + PAGE).map(questionNode);
    ui.list.append(...nodes);
    const left = found.length - at - nodes.length;
    ui.more.hidden = left <= 0;
    ui.more.textContent = `${Math.min(left, PAGE)} more of ${number(left)}`;
    return nodes[0];
  }

  function questionNode(item) {
    const { question, verdicts } = item;
    const expected = question.answers.length ? el("span", { class: "expected" }, el("i", null, "gold answer: "), question.answers.join(" or "))
      : el("span", { class: "expected" }, el("i", null, "the documents do not answer this"));
    const summary = el("summary", null, el("span", { class: "asked" }, question.question), expected,
      el("span", { class: "marks" }, verdicts.map((key, n) => markNode(key, names[n]))));
    const node = el("details", { class: "question", toggle: () => node.open && !summary.nextSibling && node.append(bodyNode(item)) }, summary);
    return node;
  }

  function markNode(key, name) {
    const [sign, word] = MARKS[key];
    return el("span", { class: `mark ${key}` }, el("b", { "aria-hidden": "true" }, sign), name ? `${name} ` : "", el("em", null, word));
  }

  function bodyNode({ question, verdicts }) {
    const about = [question.id, question.kind, question.part, question.document].filter(Boolean).join(" · ");
    return el("div", { class: "body" },
      el("div", { class: "predictions" }, names.map((name, n) => predictionNode(name, n, question.predictions[n], verdicts[n], question))),
      passagesNode(question),
      el("p", { class: "about" }, about));
  }

  function predictionNode(name, n, prediction, key, question) {
    const title = el("h3", null, name, markNode(key));
    if (key === "failed") return el("div", { class: `g g${n % 4}` }, title, el("p", { class: "error" }, prediction?.error ?? "no prediction"));
    const facts = [`confidence ${figure(prediction.confidence)}`, question.answers.length ? `F1 ${figure(prediction.f1)}` : null,
      prediction.refused || prediction.grounded !== false ? null : "flagged by the groundedness check"].filter(Boolean).join(" · ");
    const output = prediction.output ?? prediction.text;
    return el("div", { class: `g g${n % 4}` }, title, el("p", { class: "text" }, prediction.text),
      output.trim() === prediction.text.trim() ? null : el("p", { class: "raw" }, el("i", null, "before the threshold and the checks: "), el("code", null, output || "(empty)")),
      el("p", { class: "facts" }, facts));
  }

  function passagesNode(question) {
    const shown = question.passages.map((index) => passages[index]);
    const quoted = names.map((_, n) => question.predictions[n]?.citations ?? []);
    const missing = question.evidence.filter((piece) => !shown.some((passage) => clip(passage, piece))).length;
    const all = question.evidence.length;
    const warning = missing === all ? "The evidence was not among the passages shown." : `${missing} of ${all} pieces of evidence: not among the passages shown.`;
    return el("div", { class: "shown" }, el("h3", null, "Passages shown"),
      legendNode(missing < all, quoted), missing ? el("p", { class: "missing" }, warning) : null,
      el("ol", null, shown.map((passage, at) => passageNode(passage, at + 1, question.evidence, quoted))));
  }

  function legendNode(anyGold, quoted) {
    const gold = anyGold ? el("span", null, el("mark", { class: "gold" }, "evidence")) : null;
    const lines = names.map((name, n) => (quoted[n].length ? el("span", null, el("span", { class: `quote q${n % 4}` }, `quoted by ${name}`)) : null));
    return el("p", { class: "legend" }, gold, lines);
  }

  function passageNode(passage, at, evidence, quoted) {
    const gold = evidence.map((piece) => clip(passage, piece)).filter(Boolean);
    const cites = quoted.flatMap((list, n) => list.filter((c) => c.passage === at)
      .map((c) => ({ n, right: c.right, span: clip(passage, { ...c, document: passage.document }) })));
    const spans = [...gold.map((span) => ({ ...span, gold: true })), ...cites.filter((c) => c.span).map((c) => ({ ...c.span, n: c.n }))];
    const tags = [gold.length ? el("span", { class: "tag" }, "holds the evidence") : null,
      names.map((name, n) => citedNode(name, cites.filter((c) => c.n === n)))];
    return el("li", { class: gold.length || cites.length ? "used" : null },
      el("p", { class: "place" }, el("b", null, `[${at}]`), ` ${passage.place} `, tags.flat()), el("p", { class: "words" }, pieces(passage.text, spans)));
  }

  function citedNode(name, cites) {
    if (!cites.length) return null;
    const right = cites.some((c) => c.right);
    return el("span", { class: `tag ${right ? "right" : "wrong"}` }, `${right ? "✓" : "✗"} cited ${right ? "rightly" : "wrongly"} by ${name}`);
  }

  function clip(passage, { document, start, end }) {
    const from = Math.max(start, passage.start), to = Math.min(end, passage.end);
    return document === passage.document && from < to ? { start: from - passage.start, end: to - passage.start } : null;
  }

  function pieces(text, spans) {
    const letters = Array.from(text); // offsets count code points, as Python does
    const cuts = [...new Set([0, letters.length, ...spans.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
    return cuts.slice(1).map((end, at) => pieceNode(letters.slice(cuts[at], end).join(""), spans.filter((s) => s.start <= cuts[at] && s.end >= end)));
  }

  function pieceNode(text, over) {
    if (!over.length) return text;
    const by = [...new Set(over.filter((s) => !s.gold).map((s) => s.n))];
    const gold = over.some((s) => s.gold);
    const title = [gold ? "evidence" : null, by.length ? `quoted by ${by.map((n) => names[n]).join(" and ")}` : null].filter(Boolean).join(", ");
    return el(gold ? "mark" : "span", { class: [gold ? "gold" : "", by.length ? "quote" : "", ...by.map((n) => `q${n % 4}`)].join(" ").trim(), title }, text);
  }

  window.addEventListener("hashchange", readHash);
  refresh();
  readHash();
})();
