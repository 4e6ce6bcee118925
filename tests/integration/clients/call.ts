// Calls a running stack by openapi-fetch, with the types that openapi-typescript made.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { argv: string[] };
const [url, key] = process.argv.slice(2);

const call = async (apiKey: string) =>
  createClient<paths>({ baseUrl: url, headers: { "x-api-key": apiKey } }).POST("/epoch", {
    params: { header: { "Idempotency-Key": "a-client" } },
  });

const { data } = await call(key);
const { error, response } = await call("no");
if (!data || !error) throw new Error("an answer is missing");
const epoch: components["schemas"]["Epoch"] = data;
const problem: components["schemas"]["Problem"] = error;
console.log(JSON.stringify({ epoch: `${epoch.epoch}`, ip: epoch.ip, status: problem.status === response.status ? problem.status : 0 }));
