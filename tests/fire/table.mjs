// The table in docs/reliability.md, made of what `make fire` has left in FOLDER: node table.mjs FOLDER
// Lines whose attack was not part of the run stay as they are (docs/reliability.json keeps all of them).
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const page = new URL("../../docs/reliability.md", import.meta.url);
const kept = new URL("../../docs/reliability.json", import.meta.url);
const [begin, end] = ["<!-- the table: made by `make fire` -->", "<!-- the end of the table -->"];

const folder = process.argv[2];
const results = JSON.parse(readFileSync(kept, "utf8"));
const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
const date = new Date().toISOString().slice(0, 10);
for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
  const result = JSON.parse(readFileSync(join(folder, file), "utf8"));
  results[file.replace(/\.json$/, "")] = { commit, date, ...result };
}
const sorted = Object.fromEntries(Object.entries(results).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(kept, `${JSON.stringify(sorted, null, 1)}\n`);

const number = (n) => n.toLocaleString("en").replaceAll(",", " ");
const duration = (s) => (s < 120 ? `${s} s` : s < 7200 ? `${Math.round(s / 60)} min` : `${(s / 3600).toFixed(1)} h`);
const rows = Object.values(sorted).map(({ promise, by, counts, seconds, commit, date }) => {
  const counted = counts.map(([what, n]) => `${number(n)} ${what}`).join(", ");
  return `| ${promise} | ${by} | ${counted} | ${duration(seconds)} | ${date}, ${commit} |`;
});
const table = ["| promise | attacked by | last whole run | took | when |", "| --- | --- | --- | --- | --- |", ...rows];

const text = readFileSync(page, "utf8");
const [head, rest] = text.split(begin);
if (rest === undefined || !rest.includes(end)) {
  throw new Error(`docs/reliability.md has lost its marks "${begin}" and "${end}"`);
}
writeFileSync(page, `${head}${begin}\n\n${table.join("\n")}\n\n${end}${rest.split(end)[1]}`);
console.log(`docs/reliability.md: ${rows.length} promises`);
