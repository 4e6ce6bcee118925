import { ask, code, h, section, tell, terms } from "./dom.js";
import { failure } from "./requests.js";

const short = (kind) => kind.slice(kind.lastIndexOf(":") + 1);

function secret(name, urn) {
  const place = h("span", null, h("button", {
    type: "button",
    onclick: async () => {
      const { value } = await ask(`secret.json?${new URLSearchParams({ name, urn })}`);
      place.replaceChildren(typeof value === "string" ? value : JSON.stringify(value));
    },
  }, "Show secret"));
  return place;
}

function shown(name, value) {
  if (value === null || typeof value !== "object") return String(value);
  return code(value, name);
}

function properties({ urn, properties, secret: names }) {
  return terms({
    ...Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, shown(name, value)])),
    ...Object.fromEntries(names.map((name) => [name, secret(name, urn)])),
  });
}

function tree(resources, parent) {
  const children = resources.filter((resource) => resource.parent === parent.urn);
  if (!children.length) return h("p", { class: "quiet" }, "No resources.");
  return children.map((resource) => h("details", { class: resource.component ? "component" : "resource" },
    h("summary", null, h("b", null, short(resource.kind)), " ", h("span", { class: "quiet" }, resource.name)),
    resource.component ? tree(resources, resource) : properties(resource)));
}

function value(attribute) {
  const [[type, content]] = Object.entries(attribute);
  return type === "S" || type === "N" ? content : JSON.stringify(attribute);
}

function table({ name, items, keys }) {
  const body = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Items of ${name}` });

  async function open() {
    const found = await ask(`items.json?${new URLSearchParams({ table: name })}`);
    const columns = [...new Set([...keys, ...found.items.flatMap(Object.keys)])];
    body.replaceChildren(h("table", null,
      h("thead", null, h("tr", null, columns.map((column) => h("th", { scope: "col" }, column)))),
      h("tbody", null, found.items.map((item) => h("tr", null, columns.map((column) => h("td", null, item[column] ? value(item[column]) : "")))))));
    if (items > found.items.length) body.append(h("p", { class: "quiet" }, `The first ${found.items.length} items.`));
  }
  return h("details", { ontoggle: ({ target }) => target.open && open() },
    h("summary", null, h("b", null, name), " ", h("span", { class: "quiet" }, `${items} items, key ${keys.join(", ")}`)), body);
}

function job({ name, lines }) {
  const run = h("button", { type: "button", onclick: () => tell("run", { job: name }).then(() => { run.textContent = "Started"; }) }, "Run now");
  return h("details", null, h("summary", null, h("b", null, name)), h("p", null, run), lines.map(failure),
    lines.length > 0 && code(lines.join("\n"), `Last lines of ${name}`));
}

function queue({ name, waiting, in_flight: inFlight, dead_letters: deadLetters }) {
  const body = h("input", { value: "{}", "aria-label": `Message to ${name}` });
  const send = h("button", { type: "submit" }, "Send");
  const sent = (event) => {
    event.preventDefault();
    tell("send", { queue: name, body: body.value }).then(() => { send.textContent = "Sent"; });
  };
  return h("details", null, h("summary", null, h("b", null, name), " ", h("span", { class: "quiet" }, `${waiting} waiting, ${inFlight} in flight`)),
    h("form", { onsubmit: sent }, body, " ", send),
    deadLetters.length > 0 && code(deadLetters.join("\n"), `Dead letters of ${name}`));
}

export async function show(main) {
  const [{ outputs, resources }, { tables }, { jobs, queues }] = await Promise.all(["stack.json", "tables.json", "jobs.json"].map(ask));
  const urns = new Set(resources.map(({ urn }) => urn));
  const root = resources.find(({ parent }) => !urns.has(parent))?.parent;
  const output = Object.entries(outputs).map(([name, content]) => [name, content === null ? secret(name, "") : content]);
  main.replaceChildren(h("div", { class: "page" },
    section("Outputs", terms(Object.fromEntries(output))),
    section("Tables", tables.map(table)),
    jobs.length ? section("Jobs", jobs.map(job)) : null,
    queues.length ? section("Queues", queues.map(queue)) : null,
    section(`Resources (${resources.filter(({ component }) => !component).length})`, tree(resources, { urn: root })),
    section("Architecture", h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Architecture" },
      h("img", { src: "architecture.svg", alt: "The resources of the stack and how a request goes through them" })))));
}
