// The page builds all content here as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}

/** Return an HTML element; a child is an element, a text, a list of them, or nothing. */
export const h = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);

/** Return an SVG element. */
export const s = (tag, attributes, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

/** Fetch JSON from a path beside the page. */
export async function ask(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return response.json();
}

/** Post JSON to a path beside the page. */
export async function tell(path, content) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(content) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
}

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });

export const duration = (ms) => (ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`);

/** Return a value, or a text that holds JSON, as indented JSON. */
export function pretty(value) {
  if (typeof value !== "string") return JSON.stringify(value, null, 2);
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}

/** Return JSON or text in a box. */
export const code = (value, label) => h("pre", { class: "code", tabindex: 0, role: "region", "aria-label": label }, pretty(value));

export const section = (title, ...children) => h("section", null, h("h3", null, title), children);

/** Return the rows of a mapping as a list of terms. */
export function terms(mapping) {
  return h("dl", null, Object.entries(mapping).map(([name, value]) => [
    h("dt", null, name),
    h("dd", null, value instanceof Node ? value : typeof value === "string" ? value : JSON.stringify(value)),
  ]));
}
