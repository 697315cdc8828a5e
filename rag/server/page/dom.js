// Makes elements. Text is always inserted as text: nothing that a document says becomes HTML.

/** Return an element. attributes: those that are functions are listeners, true sets an attribute without a value. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Return an element of a drawing. */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** Return a button. */
export function button(text, click, attributes = {}) {
  return element("button", { type: "button", click, ...attributes }, text);
}

let numbered = 0;

/** Return an id that no other element has. */
export function newId(name) {
  numbered += 1;
  return `${name}-${numbered}`;
}

/** Return a label above its control. */
export function labelled(text, control) {
  control.id ||= newId("control");
  return element("div", { class: "field" }, element("label", { for: control.id }, text), control);
}

/** Return 0.873 as "87 %". */
export function percent(share) {
  return `${Math.round(share * 100)} %`;
}
