import { ask, clock, h, s, section } from "./dom.js";

const EVERY_MS = 5000;
const MIN_WINDOW_S = 300;
const [WIDTH, HEIGHT] = [300, 90];
const ORDER = ["ALARM", "OK", "INSUFFICIENT_DATA"];
const NAMES = { OK: "OK", ALARM: "ALARM", INSUFFICIENT_DATA: "no data" };

let timer;

const number = (value) => value.toLocaleString([], Number.isInteger(value) ? {} : { maximumSignificantDigits: 3 });

function chart({ title, lines }, from, to) {
  const max = Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value)), 1e-9);
  const x = (at) => 4 + ((WIDTH - 8) * (at - from)) / (to - from);
  const y = (value) => HEIGHT - 4 - ((HEIGHT - 12) * value) / max;
  const drawn = lines.map(({ points }, index) => [
    s("polyline", { class: `c${index}`, points: points.map(([at, value]) => `${x(at)},${y(value)}`).join(" ") }),
    points.map(([at, value]) => s("circle", { class: `c${index}`, cx: x(at), cy: y(value), r: 2 })),
  ]);
  const empty = lines.every(({ points }) => !points.length);
  return h("figure", null,
    h("figcaption", null, title),
    empty ? h("p", { class: "quiet none" }, "No data yet") : s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title },
      s("line", { x1: 0, x2: WIDTH, y1: HEIGHT - 4, y2: HEIGHT - 4, class: "axis" }), drawn),
    h("p", { class: "axis" }, h("span", null, clock(from)), h("span", null, empty ? "" : `max ${number(max)}`), h("span", null, clock(to))),
    h("ul", { class: "legend" }, lines.map(({ label, points }, index) =>
      h("li", { class: `c${index}` }, `${label} ${points.length ? number(points.at(-1)[1]) : "–"}`))));
}

function alarm({ AlarmName: name, AlarmDescription: description, StateValue: state, StateReason: reason }) {
  return h("tr", null,
    h("td", null, h("span", { class: `status ${state === "ALARM" ? "bad" : state === "OK" ? "good" : "none"}` }, NAMES[state])),
    h("th", { scope: "row" }, name), h("td", null, description, reason && h("p", { class: "quiet" }, reason)));
}

async function draw(main) {
  const { now, graphs, alarms } = await ask("metrics.json");
  const times = graphs.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(([at]) => at)));
  const from = Math.min(now - MIN_WINDOW_S, ...times);
  const top = scrollY;
  main.replaceChildren(h("div", { class: "page" },
    section("Dashboard", h("div", { class: "graphs" }, graphs.map((graph) => chart(graph, from, now)))),
    section("Alarms", h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Alarms" }, h("table", { class: "alarms" }, alarms.sort((a, b) => ORDER.indexOf(a.StateValue) - ORDER.indexOf(b.StateValue)).map(alarm))))));
  scrollTo(0, top);
}

export async function show(main) {
  clearInterval(timer);
  await draw(main);
  timer = setInterval(() => document.hidden || draw(main), EVERY_MS);
}

export const leave = () => clearInterval(timer);
