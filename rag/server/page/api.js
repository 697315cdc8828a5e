// Requests to the server that this page came from.

import { button, element, labelled } from "./dom.js";

const KEY = "ragtune-key"; // kept until the tab is closed

function headers(more) {
  const key = sessionStorage.getItem(KEY);
  return key ? { ...more, Authorization: `Bearer ${key}` } : { ...more };
}

/** Send a request; where a key is needed ask for it, once. Throws an Error with the server's sentence. */
export async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: headers(options.headers) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is rag serve running?");
  }
  if (response.status === 401 && (await askForKey())) return request(path, options);
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  const message = body?.error?.message ?? `The server answers with status ${response.status}.`;
  throw Object.assign(new Error(message), { status: response.status });
}

/** Return the JSON that a request gets. */
export async function json(path, options) {
  return (await request(path, options)).json();
}

/** Send JSON and return the JSON that it gets. */
export function post(path, body, signal, method = "POST") {
  const sent = { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, signal };
  return json(path, sent);
}

/** Yield the server-sent events of a response: their name, id and data. */
async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    text += (value ?? "").replaceAll("\r\n", "\n");
    let end;
    while ((end = text.indexOf("\n\n")) >= 0) {
      const fields = text
        .slice(0, end)
        .split("\n")
        .map((line) => line.match(/^(\w+): ?(.*)$/))
        .filter(Boolean);
      text = text.slice(end + 2);
      const event = Object.fromEntries(fields.map(([, name, data]) => [name, data]));
      if (event.data !== undefined) yield { name: event.event, id: event.id, data: JSON.parse(event.data) };
    }
    if (done) return;
  }
}

/** Ask a question; yields "passages", "text" and "answer" with their data. */
export async function* ask(body, signal) {
  const sent = { method: "POST", headers: { "Content-Type": "application/json" }, signal };
  const response = await request("/ask", { ...sent, body: JSON.stringify({ ...body, stream: true }) });
  for await (const event of eventsOf(response)) {
    if (event.name === "error") throw new Error(event.data.error.message);
    yield event;
  }
}

/** Follow a job; yields its events. After a lost connection it goes on after the last one seen. */
export async function* follow(job) {
  let last = "0";
  for (let lost = 0; lost < 20; lost += 1) {
    try {
      const response = await request(`/jobs/${job}/events`, { headers: { "Last-Event-ID": last } });
      if (response.status === 204) return;
      for await (const event of eventsOf(response)) {
        last = event.id;
        lost = 0;
        yield event.data;
        if (["done", "failed"].includes(event.data.state)) return;
      }
    } catch (error) {
      if (lost === 19) throw error;
    }
    await new Promise((go) => setTimeout(go, 1000));
  }
}

let asking = null;

/** Ask for a key; return whether one was given. */
function askForKey() {
  asking ??= showKeyDialog().finally(() => {
    asking = null;
  });
  return asking;
}

function showKeyDialog() {
  const dialog = document.getElementById("key");
  const field = element("input", { type: "password", autocomplete: "off", required: true });
  return new Promise((answer) => {
    const form = element(
      "form",
      { method: "dialog" },
      element("h2", { id: "key-title" }, "A key is needed"),
      element("p", {}, "Whoever runs this server makes one: rag keys add NAME"),
      labelled("Key", field),
      element(
        "div",
        { class: "row" },
        element("button", {}, "Use it"),
        button("Cancel", () => dialog.close("cancel")),
      ),
    );
    dialog.replaceChildren(form);
    dialog.addEventListener(
      "close",
      () => {
        if (dialog.returnValue !== "cancel" && field.value) sessionStorage.setItem(KEY, field.value.trim());
        answer(dialog.returnValue !== "cancel" && Boolean(field.value));
      },
      { once: true },
    );
    dialog.returnValue = "cancel"; // what Escape leaves
    form.addEventListener("submit", () => {
      dialog.returnValue = "";
    });
    dialog.showModal();
  });
}
