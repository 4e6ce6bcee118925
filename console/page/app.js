import { ask, h } from "./dom.js";
import * as api from "./api.js";
import * as metrics from "./metrics.js";
import * as requests from "./requests.js";
import * as stack from "./stack.js";

const VIEWS = { requests, api, stack, metrics };
const NOTICE_MS = 8000;

const main = document.getElementById("main");
const live = document.getElementById("live");
const notices = document.getElementById("notices");
let shown = null;

async function show() {
  const [, name = "requests", argument = ""] = location.hash.split("/");
  const view = VIEWS[name] ?? requests;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#/${name || "requests"}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (shown !== view) {
    shown?.leave?.();
    shown = view;
    main.dataset.view = name || "requests";
    main.replaceChildren();
    scrollTo(0, 0);
  }
  try {
    await view.show(main, decodeURIComponent(argument));
  } catch (error) {
    main.replaceChildren(h("p", { class: "empty" }, error.message));
  }
}

function notify({ kind, text }) {
  const box = h("div", { class: `notice ${kind}` }, h("pre", null, text),
    h("button", { type: "button", "aria-label": "Close", onclick: () => box.remove() }, "×"));
  notices.append(box);
  if (kind !== "error") setTimeout(() => box.remove(), NOTICE_MS);
  else for (const old of [...notices.querySelectorAll(".error")].slice(0, -1)) old.remove();
}

function listen() {
  const source = new EventSource("events");
  const opened = Date.now() / 1000;
  source.onopen = () => { live.textContent = "live"; live.className = "on"; };
  source.onerror = () => { live.textContent = "not connected"; live.className = "off"; };
  source.onmessage = ({ data }) => {
    const changes = JSON.parse(data);
    requests.add(changes.requests);
    for (const notice of changes.notices) {
      if (notice.at < opened - 5) continue;
      if (notice.kind === "info") notices.querySelectorAll(".error").forEach((old) => old.remove());
      notify(notice);
      if (shown !== requests) show();
    }
  };
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = () => document.documentElement.classList.toggle("dark-mode", dark.matches); // Swagger UI's own
dark.addEventListener("change", colour);
colour();
addEventListener("hashchange", show);
ask("stack.json").then(({ project, stack }) => {
  document.title = `${project} · ${stack}`;
  document.getElementById("project").textContent = project;
  document.getElementById("stack").textContent = stack;
});
listen();
show();
