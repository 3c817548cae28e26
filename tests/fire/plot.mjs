// Draws what tests/longrun.rs has measured: node tests/fire/plot.mjs FOLDER writes docs/longrun.svg from FOLDER/longrun.csv.
// Resident memory and descriptors over the time, one curve for each moment of a round, above the messages so far.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [folder, target = "docs/longrun.svg"] = process.argv.slice(2);
const [head, ...lines] = readFileSync(join(folder, "longrun.csv"), "utf8").trim().split("\n");
const names = head.split(",");
const samples = lines.map((line) => {
  const values = line.split(",").map((value) => (isNaN(value) ? value : Number(value)));
  return Object.fromEntries(names.map((name, index) => [name, values[index]]));
});

const WIDTH = 720;
const LEFT = 70;
const HEIGHT = 170;
const GAP = 50;
const COLOURS = { busy: "#c8553d", quiet: "#2a6f97", "off line": "#588157" };

const end = Math.max(...samples.map((sample) => sample.seconds), 1);
const x = (seconds) => LEFT + (seconds / end) * (WIDTH - LEFT - 20);

// A number that reads well, not below `most`.
const ceiling = (most) => {
  const step = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return Math.ceil(most / step) * step;
};

const chart = (index, title, of, moments) => {
  const shown = samples.filter((sample) => moments.includes(sample.moment));
  const most = ceiling(Math.max(...shown.map(of)));
  const top = 40 + index * (HEIGHT + GAP);
  const y = (value) => top + HEIGHT - (value / most) * HEIGHT;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = y(most * share);
    return `<path d="M${LEFT} ${at}H${WIDTH - 20}" stroke="#ddd"/>
<text x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${(most * share).toLocaleString("en")}</text>`;
  });
  const curves = moments.map((moment) => {
    const points = shown.filter((sample) => sample.moment === moment);
    const line = points.map((sample) => `${x(sample.seconds).toFixed(1)},${y(of(sample)).toFixed(1)}`);
    return `<polyline points="${line.join(" ")}" fill="none" stroke="${COLOURS[moment]}" stroke-width="1.5"/>`;
  });
  return `<text x="${LEFT}" y="${top - 10}" font-weight="bold">${title}</text>\n${[...grid, ...curves].join("\n")}`;
};

const charts = [
  chart(0, "Resident memory, MiB", (sample) => sample.resident_bytes / 2 ** 20, ["busy", "quiet", "off line"]),
  chart(1, "Descriptors", (sample) => sample.descriptors, ["busy", "quiet", "off line"]),
  chart(2, "Messages so far", (sample) => sample.messages, ["off line"]),
];
const height = 40 + charts.length * (HEIGHT + GAP) + 10;
const minutes = Array.from({ length: 7 }, (_, nth) => (end * nth) / 6);
const times = minutes.map(
  (seconds) => `<text x="${x(seconds)}" y="${height - 20}" text-anchor="middle">${Math.round(seconds / 60)} min</text>`,
);
const key = Object.entries(COLOURS).map(
  ([moment, colour], nth) => `<text x="${WIDTH - 220 + nth * 70}" y="20" fill="${colour}">${moment}</text>`,
);
writeFileSync(
  target,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
${[...charts, ...times, ...key].join("\n")}
</svg>
`,
);
