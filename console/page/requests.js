import { ask, clock, code, duration, h, pretty, section, terms } from "./dom.js";

const MAX_REQUESTS = 500;

const known = new Map(); // by id, oldest first
const rows = new Map();
let waiting = new Set();
let list, detail, empty, opened;

/** Add new or changed requests. */
export function add(changed) {
  for (const request of changed) {
    known.delete(request.id); // a changed request is a recent one: it moves to the end
    known.set(request.id, request);
    waiting.add(request.id);
  }
  for (const id of known.keys()) {
    if (known.size <= MAX_REQUESTS) break;
    known.delete(id);
    rows.get(id)?.remove();
    rows.delete(id);
    waiting.delete(id);
  }
  if (list?.isConnected) requestAnimationFrame(draw);
}

const tone = (status) => (status >= 500 ? "bad" : status >= 400 ? "warn" : "good");

function row(request) {
  const { id, at, method, path, status, ms, apiKey, refused, key, coldStart, replayed } = request;
  return h("li", null, h("a", { href: `#/requests/${encodeURIComponent(id)}`, "aria-current": id === opened ? "true" : null },
    h("span", { class: "time" }, clock(at)),
    h("span", { class: "method" }, method),
    h("span", { class: "path" }, path, coldStart && h("i", { class: "chip" }, "cold start"),
      replayed && h("i", { class: "chip" }, "replayed"), refused && h("i", { class: "chip warn" }, refused.type)),
    h("span", { class: `status ${tone(status)}` }, status),
    h("span", { class: "ms" }, duration(ms)),
    h("span", { class: "key" }, key ?? apiKey ?? "")));
}

function draw() {
  if (!waiting.size) return;
  const fresh = [];
  for (const id of waiting) {
    const made = row(known.get(id)), former = rows.get(id);
    const focused = former?.contains(document.activeElement);
    if (former) former.replaceWith(made);
    else fresh.unshift(made);
    if (focused) made.firstChild.focus();
    rows.set(id, made);
  }
  waiting = new Set();
  list.prepend(...fresh);
  empty.hidden = known.size > 0;
}

function waterfall(segments) {
  if (!segments.length) return h("p", { class: "quiet" }, "No trace: the request did not reach the function.");
  const start = Math.min(...segments.map((segment) => segment.start_time));
  const end = Math.max(...segments.map((segment) => segment.end_time));
  const total = Math.max(end - start, 1e-6);
  const depth = (segment) => {
    const parent = segments.find(({ id }) => id === segment.parent_id);
    return parent ? depth(parent) + 1 : 0;
  };
  return h("ol", { class: "waterfall" }, segments.map((segment) => {
    const bar = h("span", { class: segment.fault ? "bar bad" : segment.error ? "bar warn" : segment.aws ? "bar aws" : "bar" });
    bar.style.marginLeft = `${(100 * (segment.start_time - start)) / total}%`;
    bar.style.width = `${Math.max((100 * (segment.end_time - segment.start_time)) / total, 0.5)}%`;
    const name = h("span", { class: "name" }, segment.name, " ", segment.aws && h("b", null, segment.aws.operation));
    name.style.paddingLeft = `${depth(segment)}rem`;
    return h("li", null, name, h("span", { class: "track" }, bar),
      h("span", { class: "ms" }, duration((segment.end_time - segment.start_time) * 1000)));
  }));
}

function storage(call) {
  const { TableName: table, Item: item, ...rest } = call.request;
  return h("details", { open: Boolean(item) },
    h("summary", null, h("b", null, call.operation), " ", table ?? "", " ",
      h("span", { class: `status ${tone(call.status)}` }, call.status), " ", h("span", { class: "ms" }, duration(call.ms))),
    item && h("h4", null, "Stored item"), item && code(item, "Stored item"),
    h("h4", null, "Request"), code(rest, "Request to DynamoDB"),
    call.answer && call.answer !== "{}" && [h("h4", null, "Response"), code(call.answer, "Response of DynamoDB")]);
}

/** Return the error and its traceback if a log line holds one. */
export function failure(text) {
  const line = parsed(text);
  if (!line?.stackTrace) return null;
  const places = [...line.stackTrace.join("\n").matchAll(/File "([^"]*\/)?(function\/[^"]+)", line (\d+)/g)];
  const last = places.at(-1);
  return h("div", { class: "box bad" },
    h("strong", null, `${line.errorType}: ${line.errorMessage}`), last && h("p", null, `${last[2]}, line ${last[3]}`),
    code(line.stackTrace.join("\n"), "Stack trace"));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function details({ call, line, output, trace, aws, refusals, refused, status, ms, coldStart, replayed }) {
  return [
    h("div", { class: "head" },
      h("h2", { tabindex: -1 }, h("span", { class: "method" }, call.method), " ", call.path),
      h("a", { class: "close", href: "#/requests", "aria-label": "Close" }, "×")),
    h("p", null, h("span", { class: `status ${tone(status)}` }, status), ` in ${duration(ms)} at ${clock(call.at)}`,
      coldStart && h("i", { class: "chip" }, "cold start"), replayed && h("i", { class: "chip" }, "replayed")),
    refused && h("div", { class: "box warn" },
      h("strong", null, "API Gateway rejected this request: "), refused.reason ?? "", " ", h("code", null, refused.type)),
    refusals.map((refusal) => h("div", { class: "box bad" },
      h("strong", null, `IAM denied ${refusal.action}`), h("p", null, `${refusal.principal} on ${refusal.resource}`),
      h("p", null, refusal.explicit ? "A statement denies it. " : "", "This statement would allow it:"), code({ Effect: "Allow", Action: refusal.action, Resource: refusal.resource }, "Statement that would allow it"))),
    output.map(failure),
    section("Trace", waterfall(trace)),
    aws.length ? section("DynamoDB", aws.map(storage)) : null,
    Object.keys(line).length ? section("Log line", code(line, "Log line")) : null,
    output.length ? section("Other output", code(output.map(pretty).join("\n"), "Other output")) : null,
    section("Request", terms({ "API key": call.apiKey ?? "none", ...call.headers }), call.body && code(call.body, "Request body")),
    section("Response", terms(call.answerHeaders), call.answer && code(call.answer, "Response body")),
  ];
}

async function open(id) {
  opened = id;
  list.querySelector("[aria-current]")?.removeAttribute("aria-current");
  rows.get(id)?.firstChild.setAttribute("aria-current", "true");
  detail.hidden = !id;
  if (!id) return;
  const found = await ask(`requests/${encodeURIComponent(id)}`);
  if (opened !== id) return;
  detail.replaceChildren(...details(found).flat(Infinity).filter(Boolean));
  detail.scrollTop = 0;
  if (matchMedia("(max-width: 60rem)").matches) detail.scrollIntoView();
}

export function show(main, id) {
  if (!list?.isConnected) {
    rows.clear();
    waiting = new Set(known.keys());
    list = h("ol", { class: "requests", "aria-label": "Requests, newest first" });
    empty = h("p", { class: "empty" }, "No requests yet. Call the API, or ", h("a", { href: "#/api" }, "try it here"), ".");
    detail = h("article", { class: "detail", hidden: true, "aria-live": "polite" });
    main.replaceChildren(h("div", { class: "split" }, h("div", { class: "list" }, list, empty), detail));
    draw();
  }
  return open(id);
}
