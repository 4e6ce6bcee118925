import { ask, h } from "./dom.js";

let loaded;

function load() {
  document.head.append(h("link", { rel: "stylesheet", href: "viewer/swagger-ui.css" }));
  return new Promise((resolve, reject) => {
    document.head.append(h("script", { src: "viewer/swagger-ui-bundle.js", onload: resolve, onerror: reject }));
  });
}

export async function show(main) {
  if (main.firstChild) return;
  const place = h("div", { id: "viewer" }, h("p", { class: "empty" }, "Loading"));
  main.replaceChildren(place);
  const [spec, credentials] = await Promise.all([ask("openapi.json"), ask("credentials.json"), (loaded ??= load())]);
  const viewer = window.SwaggerUIBundle({
    spec,
    // The API allows no other origin, so this page's server forwards the request.
    requestInterceptor: (request) => ({ ...request, url: request.url.replace(spec.servers[0].url, new URL("try", location.origin + location.pathname)) }),
    showMutatedRequest: false,
    domNode: place,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    docExpansion: "full",
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    onComplete: () => {
      for (const [name, value] of Object.entries(credentials)) viewer.preauthorizeApiKey(name, value);
    },
  });
}
