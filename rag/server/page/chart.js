// Draws a chart of lines over the steps of a training, and gives its values as a table.

import { element, svg } from "./dom.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [360, 190, 46, 8, 10, 26];

/** Return a figure. chart: as the server gives it, with a title and lines of [step, value] points. */
export function chartFigure({ title, lines }) {
  const points = lines.flatMap((line) => line.points);
  const x = scale(
    points.map(([step]) => step),
    LEFT,
    WIDTH - RIGHT,
  );
  const y = scale(
    points.map(([, value]) => value),
    HEIGHT - BOTTOM,
    TOP,
  );
  const drawn = svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "img",
      "aria-label": `${title}. ${lines.map(told).join("; ")}.`,
      class: "chart",
    },
    ...axes(x, y),
    ...lines.flatMap((line, n) => drawnLine(line, n, x, y)),
  );
  const legend =
    lines.length > 1 &&
    element(
      "span",
      { class: "legend" },
      lines.map((line, n) => element("span", { class: `key line-${n}` }, line.name)),
    );
  return element("figure", {}, element("figcaption", {}, element("strong", {}, title), legend), drawn, values(lines));
}

/** Return a function from values to places on the chart, with the least and the most of them. */
function scale(values, from, to) {
  let [least, most] = [Math.min(...values), Math.max(...values)];
  if (least === most) [least, most] = [least - 0.5, most + 0.5];
  const place = (value) => from + ((value - least) / (most - least)) * (to - from);
  return Object.assign(place, { least, most });
}

function told({ name, points }) {
  const [first, last] = [points[0], points.at(-1)];
  if (points.length === 1) return `${name} ${short(first[1])} at step ${first[0]}`;
  return `${name} from ${short(first[1])} at step ${first[0]} to ${short(last[1])} at step ${last[0]}`;
}

function axes(x, y) {
  const rows = [y.least, (y.least + y.most) / 2, y.most].flatMap((value) => [
    svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
    svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, short(value)),
  ]);
  const steps = [x.least, x.most].map((step, n) =>
    svg(
      "text",
      { x: x(step), y: HEIGHT - 8, "text-anchor": n ? "end" : "start" },
      `${n ? "step " : ""}${Math.ceil(step)}`,
    ),
  );
  return [...rows, ...steps];
}

function drawnLine({ name, points }, n, x, y) {
  const path = svg("polyline", {
    class: `line-${n}`,
    points: points.map(([step, value]) => `${x(step)},${y(value)}`).join(" "),
  });
  const dots = points.map(([step, value]) =>
    svg(
      "circle",
      { class: `line-${n}`, cx: x(step), cy: y(value), r: points.length > 40 ? 1.5 : 3 },
      svg("title", {}, `${name}, step ${step}: ${short(value)}`),
    ),
  );
  return [path, ...dots];
}

function values(lines) {
  const steps = [...new Set(lines.flatMap((line) => line.points.map(([step]) => step)))].sort((a, b) => a - b);
  const at = (line, step) => short(line.points.find((point) => point[0] === step)?.[1]);
  const head = ["Step", ...lines.map((line) => line.name)].map((name) => element("th", { scope: "col" }, name));
  const rows = steps.map((step) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, step),
      lines.map((line) => element("td", {}, at(line, step))),
    ),
  );
  const table = element("table", {}, element("thead", {}, element("tr", {}, head)), element("tbody", {}, rows));
  return element("details", {}, element("summary", {}, "Values"), table);
}

/** Return a number with three significant digits, "" for none. */
export function short(value) {
  return value === undefined || value === null ? "" : String(Number(value.toPrecision(3)));
}
