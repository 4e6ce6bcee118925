// Calls a running stack by openapi-fetch, with the types that openapi-typescript made. The test
// puts an operation and its request in place of METHOD, PATH and REQUEST.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { argv: string[] };
const [url, key] = process.argv.slice(2);

const call = async (apiKey: string) =>
  createClient<paths>({ baseUrl: url, headers: { "x-api-key": apiKey } }).METHOD(PATH, REQUEST);

const { error: unexpected, response } = await call(key);
if (unexpected) throw new Error(`a problem: ${response.status}`);
const { error } = await call("no");
const problem: components["schemas"]["Problem"] | undefined = error;
console.log(JSON.stringify({ status: response.status, refused: problem ? problem.status : false }));
