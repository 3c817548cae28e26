// What the tests have proved, for the table in docs/clients.md: a line of JSON for each, in the folder that
// HONGYAN_CLIENTS_RESULTS names. The tests in Python and on the JVM write the same.
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.env.HONGYAN_CLIENTS_RESULTS;
const { devDependencies } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));

/** The package with its version, as the table names it. */
export function versioned(name) {
  return `${name} ${devDependencies[name]}`;
}

/** To be called when a test has passed. `row` is `{runtime, client, transport, stomp}`; table.mjs has the features. */
export function proved(row, features) {
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const lines = features.map((feature) => `${JSON.stringify({ ...row, feature })}\n`);
  // Test files run in processes of their own.
  appendFileSync(join(folder, `node-${process.pid}.jsonl`), lines.join(""));
}
