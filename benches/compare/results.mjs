// What the parts have left in target/compare, and what can be said of it.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const root = new URL("../../", import.meta.url).pathname;
const compare = join(root, "target/compare");

// Whether figures of smaller runs are taken as well.
const takesAll = process.argv[2] !== "docs";

// When the part was measured, and of which commit; nothing if it wasn't.
export const when = (part) => {
  const file = join(compare, part, "when.json");
  const told = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  return told && (told.whole || takesAll) ? told : undefined;
};

// The result of each round of NAME in PART, in the order of the rounds.
export const runs = (part, name) => {
  const folder = join(compare, part);
  if (!when(part)) {
    return [];
  }
  const round = (file) => Number(file.match(/-(\d+)\.json$/)[1]);
  const files = readdirSync(folder).filter((file) => file.startsWith(`${name}-`) && /-\d+\.json$/.test(file));
  files.sort((a, b) => round(a) - round(b));
  return files.map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")));
};

export const text = (...path) => {
  const file = join(compare, ...path);
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
};

export const figure = (name) => (run) => run.figures[name]?.value;
export const p99Ms = (run) => run.latencies_us.push.p99 / 1e3;

export const median = (values) => {
  const sorted = values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b);
  if (sorted.length === 0) {
    return undefined;
  }
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

// The median of a figure over the rounds, with the lowest and the highest.
export const spread = (part, name, of) => {
  const values = runs(part, name).map(of).filter((value) => Number.isFinite(value));
  return values.length === 0
    ? undefined
    : { median: median(values), least: Math.min(...values), most: Math.max(...values) };
};

// The median of the ratios, each of two runs of the same round.
export const ratio = (part, over, under, of, ofUnder = of) => {
  const below = runs(part, under).map(ofUnder);
  return median(runs(part, over).map((run, round) => of(run) / below[round]));
};

// Nanoseconds of an iteration in the fastest of Criterion's samples, and what one iteration handled: `make bench` leaves
// them. Nothing but a processor is in use, so what a slower sample took longer is what else the machine did.
export const criterion = (id) => {
  const folder = join(root, "target/criterion", ...`read ${id}`.split("/"), "new");
  if (!existsSync(join(folder, "sample.json"))) {
    return undefined;
  }
  const read = (file) => JSON.parse(readFileSync(join(folder, file), "utf8"));
  const { throughput } = read("benchmark.json");
  const { times, iters } = read("sample.json");
  return { ns: Math.min(...times.map((ns, at) => ns / iters[at])), of: Object.values(throughput ?? { once: 1 })[0] };
};
