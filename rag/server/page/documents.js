// The view of the documents: list them, drop some in and watch them being indexed, remove some.

import { follow, json, request } from "./api.js";
import { button, element, labelled } from "./dom.js";
import { openDocument } from "./reader.js";
import { when } from "./runs.js";

const jobs = element("ul", { class: "jobs", "aria-label": "Work on documents" });
const followed = new Set();
const LISTED = 500;
const LOOK = 2000; // milliseconds between two looks for jobs of watched folders
let refresh = async () => {}; // of the view that is shown
let turn = Promise.resolve(); // jobs run one after the other, and are followed so: a browser has few connections

/** Show the view in `main`. */
export async function showDocuments(main) {
  const list = element("ul", { class: "documents", "aria-label": "Documents" });
  const filter = element("input", { type: "search", autocomplete: "off" });
  const count = element("p", { class: "quiet", role: "status" });
  const watched = element("section", { class: "watched", "aria-label": "Watched folders" });
  let documents = [];
  const showList = () => {
    const shown = documents.filter((each) => each.id.toLowerCase().includes(filter.value.toLowerCase()));
    const more = shown.length > LISTED ? `; the first ${LISTED} are listed` : "";
    count.textContent = `${shown.length} of ${documents.length} documents${more}`;
    list.replaceChildren(...shown.slice(0, LISTED).map(documentItem));
  };
  refresh = async () => {
    const found = await json("/documents");
    documents = found.documents;
    watched.replaceChildren(...watchedParts(found.watched));
    showList();
    return found.watched.length > 0;
  };
  filter.addEventListener("input", showList);
  main.replaceChildren(
    element("h1", {}, "Documents"),
    dropPlace(),
    jobs,
    watched,
    element(
      "div",
      { class: "row" },
      labelled("Find by name", filter),
      button("Bring folders up to date", () => sync()),
    ),
    count,
    list,
  );
  const changing = await refresh();
  const known = await json("/jobs");
  known.jobs.filter((job) => ["queued", "running"].includes(job.state)).forEach(watch);
  if (changing) await followNew(main, Math.max(0, ...known.jobs.map((job) => job.id)));
}

/** Show the jobs that a watched folder starts, as long as the view is shown. */
async function followNew(main, last) {
  for (;;) {
    await new Promise((go) => setTimeout(go, LOOK));
    if (!main.isConnected) return;
    const found = (await json("/jobs").catch(() => ({ jobs: [] }))).jobs.filter((job) => job.id > last);
    last = Math.max(last, ...found.map((job) => job.id));
    found.reverse().forEach(watch);
  }
}

function watchedParts(folders) {
  if (!folders.length)
    return [
      element(
        "p",
        { class: "quiet" },
        "rag serve --watch FOLDER reads what is new or changed in a folder as it comes.",
      ),
    ];
  const line = (each) => {
    const state = each.missing
      ? "not there now"
      : each.changed
        ? `brought up to date ${when(each.changed)}`
        : "not read yet";
    return element(
      "li",
      {},
      element("span", {}, each.folder),
      element("span", { class: "quiet" }, ` ${each.files} ${each.files === 1 ? "file" : "files"} · ${state}`),
    );
  };
  return [element("h2", {}, "Watched folders"), element("ul", {}, folders.map(line))];
}

function dropPlace() {
  const files = element("input", { type: "file", multiple: true });
  const place = element("div", { class: "drop" }, labelled("Add files: choose them, or drop them here", files));
  const add = (chosen) => [...chosen].forEach((file) => upload(file));
  files.addEventListener("change", () => {
    add(files.files);
    files.value = "";
  });
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("over");
  });
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    add(event.dataTransfer.files);
  });
  return place;
}

async function upload(file) {
  const line = element("li", {}, `${file.name}: sending…`);
  jobs.prepend(line);
  try {
    const sent = await request(`/documents/${encodeURIComponent(file.name)}`, { method: "PUT", body: file });
    line.remove();
    await watch(await sent.json());
  } catch (error) {
    line.replaceChildren(element("span", { class: "error", role: "alert" }, `${file.name}: ${error.message}`));
  }
}

async function sync() {
  const body = JSON.stringify({ kind: "sync" });
  try {
    const sent = await request("/jobs", { method: "POST", body, headers: { "Content-Type": "application/json" } });
    await watch(await sent.json());
  } catch (error) {
    jobs.prepend(element("li", { class: "error", role: "alert" }, error.message));
  }
}

const DOING = { ingest: "indexing", remove: "removing", sync: "bringing folders up to date" };

/** Show a job as it goes on, until it ends. */
async function watch(job) {
  if (followed.has(job.id)) return;
  followed.add(job.id);
  const names = job.kind === "sync" ? job.documents.map((path) => path.split("/").at(-1)) : job.documents;
  const name = names.join(", ") || "all folders";
  const state = element("span", { role: "status" }, `${name}: waiting…`);
  const bar = element("progress", { "aria-label": `Progress of ${name}`, max: 1 });
  const line = element("li", {}, state, bar);
  jobs.prepend(line);
  turn = turn.then(() => showProgress(job, { name, state, bar, line }));
  await turn;
  await refresh();
}

async function showProgress(job, { name, state, bar, line }) {
  try {
    for await (const event of follow(job.id)) {
      if (event.state === "running") state.textContent = `${name}: ${DOING[job.kind]}…`;
      if (event.total) bar.value = event.done / event.total;
      if (event.state === "done") ended(line, name, event.report);
      if (event.state === "failed") line.replaceChildren(failure(`${name}: ${event.error}`));
    }
  } catch (error) {
    line.replaceChildren(failure(`${name}: ${error.message}`));
  }
}

function failure(text) {
  return element("span", { class: "error", role: "alert" }, text);
}

function ended(line, name, report) {
  const skipped = report.skipped ?? [];
  if (skipped.length) {
    line.replaceChildren(
      ...skipped.map((each) => failure(`${each.file}: ${[each.reason, each.remedy].filter(Boolean).join("; ")}`)),
    );
    return;
  }
  const counts = ["added", "changed", "removed"].map((what) => [report[what]?.length ?? 0, what]);
  const told =
    counts
      .filter(([n]) => n)
      .map(([n, what]) => `${n} ${what}`)
      .join(", ") || "nothing new";
  line.replaceChildren(element("span", { role: "status" }, `${name}: ${told}`));
}

function documentItem(found) {
  const open = () => openDocument(found.id);
  const facts = [
    `${found.chunks} ${found.chunks === 1 ? "chunk" : "chunks"}`,
    found.uploaded && "uploaded",
    found.read_in_part && "read in part",
    found.state,
  ];
  const remove = button("Remove", () => confirmRemoval(item, found), { "aria-label": `Remove ${found.id}` });
  const item = element(
    "li",
    {},
    element("button", { type: "button", class: "link", click: open }, found.id),
    element("span", { class: "quiet" }, facts.filter(Boolean).join(" · ")),
    remove,
  );
  return item;
}

function confirmRemoval(item, found) {
  const path = found.id.split("/").map(encodeURIComponent).join("/");
  const yes = button("Remove it", async () => {
    try {
      const sent = await request(`/documents/${path}`, { method: "DELETE" });
      await watch(await sent.json());
    } catch (error) {
      item.append(failure(error.message));
    }
  });
  const why = found.uploaded ? "The uploaded file is deleted, too." : "Its file stays, and comes back with its folder.";
  item.replaceChildren(
    `Remove ${found.id}? ${why} `,
    yes,
    button("Keep it", () => refresh()),
  );
  yes.focus();
}
