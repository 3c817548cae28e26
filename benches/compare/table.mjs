// docs/performance.md and its picture, made of what `make compare` has left in target/compare: node table.mjs FOLDER writes
// FOLDER/performance.md and FOLDER/performance.svg; for docs, it takes runs of full size only. What people wrote is in head.md
// and reasons.json.
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";

import { chart } from "./chart.mjs";
import { goals } from "./goals.mjs";
import { figure, p99Ms, spread, text, when } from "./results.mjs";

const folder = process.argv[2];
const here = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const reasons = JSON.parse(here("reasons.json"));

const servers = {
  hongyan: { name: "Hongyan", kind: "ours", keeps: "on disk" },
  rabbitmq: { name: "RabbitMQ", kind: "peer", keeps: "on disk" },
  artemis: { name: "ActiveMQ Artemis", kind: "peer", keeps: "on disk" },
  spring: { name: "Spring Boot, simple broker", kind: "memory", keeps: "nothing" },
  socketio: { name: "socket.io on Node.js", kind: "memory", keeps: "nothing" },
  echo: { name: "`echo`", kind: "ceiling", keeps: "nothing" },
  broadcast: { name: "`broadcast`", kind: "ceiling", keeps: "nothing" },
  topic: { name: "Hongyan, `topic`", kind: "ours", keeps: "nothing" },
  queue: { name: "Hongyan, `stomp` on queues", kind: "ours", keeps: "on disk" },
  group: { name: "Hongyan, `group`", kind: "ours", keeps: "on disk" },
  fill: { name: "Hongyan, filling it", kind: "ours", keeps: "on disk" },
  empty: { name: "Hongyan, empty store", kind: "ours", keeps: "on disk" },
  full: { name: "Hongyan, full store", kind: "ours", keeps: "on disk" },
};

const deliveries = ["deliveries/s", figure("deliveries")];
const p99 = ["p99 send to push, ms", p99Ms];
const memory = ["memory, MiB", figure("broker's memory")];
const processor = ["processor a delivery, µs", figure("broker's time a delivery")];

// For each part: what it is called, what it shows, beside whom, and whether it is of messages that nobody keeps.
const parts = {
  chat: { title: "20 pairs, window 32, 100 bytes", columns: [deliveries, p99, processor, memory], names: ["hongyan", "queue", "rabbitmq", "artemis", "spring"] },
  echo: { keepsNothing: true, part: "chat", title: "The ceiling of it", columns: [["messages in and out/s", figure("messages in and out")]], names: ["echo"] },
  pace: { title: "The same at RabbitMQ's best rate", columns: [p99, deliveries, processor], names: ["hongyan", "rabbitmq"] },
  single: { title: "One sender, one receiver, window 1", columns: [deliveries, p99], names: ["hongyan", "queue", "rabbitmq", "artemis", "spring"] },
  topic: { keepsNothing: true, title: "A topic with 1 000 subscribers", columns: [deliveries, p99, processor], names: ["hongyan", "rabbitmq", "artemis", "spring", "broadcast"] },
  group: { title: "A group of 10 000, 1 000 of them on line", columns: [deliveries, p99, processor], names: ["group", "topic"] },
  connect: { keepsNothing: true, title: "Connect, log in, subscribe", columns: [["connections/s", figure("connections")]], names: ["hongyan", "rabbitmq", "artemis", "spring"] },
  idle: { keepsNothing: true, title: "Idle connections", columns: [["KiB each", figure("memory of a connection")], ["at once", figure("connections")]], names: ["hongyan", "rabbitmq", "spring"] },
  store: { title: "A store with 10 million messages", columns: [deliveries, ["start, ms", figure("broker's start")], processor], names: ["empty", "full"] },
  fill: { part: "store", title: "Filling that store, and taking all of it out", columns: [["kept/s", figure("kept")], ["taken/s", figure("taken")]], names: ["fill"] },
  history: { keepsNothing: true, title: "Pages of history", columns: [["end to beginning", figure("end to beginning, medians")], ["median at the end, ms", (run) => run.latencies_us["page at the end"].p50 / 1e3]], names: ["hongyan"] },
  socketio: { title: "Direct messages over Socket.IO", columns: [deliveries, p99, memory], names: ["hongyan", "socketio"] },
};

const number = (value) => (value >= 100 ? Math.round(value) : Number(value.toPrecision(3))).toLocaleString("en").replaceAll(",", " ");
const told = (it) => (it.most === it.least ? number(it.median) : `${number(it.median)} (${number(it.least)} – ${number(it.most)})`);

const goalLines = goals.map(({ id, what, goal, result }) => {
  const found = result();
  const verdict = found ? (found.met ? "**met**" : "not met") : "not measured";
  return `| ${what} | ${goal} | ${found ? found.text : ""} | ${verdict} | ${found?.met ? "" : (reasons[id] ?? "")} |`;
});

// All columns of a part; of the first column, also how many times that of the first server.
const shown = ({ title, columns, names, part: from, keepsNothing }, id) => {
  const part = from ?? id;
  const rows = names.map((name) => ({ name, cells: columns.map(([, of]) => spread(part, name, of)) }));
  const measured = rows.filter(({ cells }) => cells.some(Boolean));
  if (measured.length === 0) {
    return undefined;
  }
  const first = measured[0].cells[0]?.median;
  const lines = measured.map(({ name, cells }) => {
    const beside = measured.length > 1 && cells[0] && first ? `${(cells[0].median / first).toPrecision(2)} x` : "";
    const keeps = keepsNothing ? "" : ` ${servers[name].keeps} |`;
    return `| ${servers[name].name} |${keeps} ${beside} | ${cells.map((cell) => (cell ? told(cell) : "")).join(" | ")} |`;
  });
  const commands = measured.map(({ name }) => text(part, `${name}.command`)).filter(Boolean);
  const { date, commit } = when(part);
  return `### ${title}

Of ${date}, commit ${commit}.

| server |${keepsNothing ? "" : " keeps messages |"} beside the first | ${columns.map(([name]) => name).join(" | ")} |
| --- |${keepsNothing ? "" : " --- |"} --- |${columns.map(() => " --- |").join("")}
${lines.join("\n")}

\`\`\`
${commands.join("\n")}
\`\`\``;
};
const sections = Object.entries(parts).map(([id, part]) => shown(part, id)).filter(Boolean);

const panel = (id, column, title) => {
  const { names, columns, part } = parts[id];
  const bars = names
    .map((name) => ({ name, cell: spread(part ?? id, name, columns[column][1]) }))
    .filter(({ cell }) => cell)
    .map(({ name, cell }) => ({ name: servers[name].name.replaceAll("`", ""), kind: servers[name].kind, value: cell.median, label: number(cell.median) }));
  return bars.length > 0 && { title, bars };
};
const panels = [
  panel("chat", 0, "20 pairs, window 32: deliveries a second"),
  panel("pace", 0, "At RabbitMQ's best rate: p99 from send to push, ms"),
  panel("single", 0, "One sender, one receiver, window 1: deliveries a second"),
  panel("topic", 0, "A topic with 1 000 subscribers: deliveries a second"),
  panel("connect", 0, "Connect, log in, subscribe: connections a second"),
  panel("idle", 0, "Idle connection: KiB"),
  panel("socketio", 0, "Socket.IO, direct messages: deliveries a second"),
].filter(Boolean);

const versions = ["rabbitmq", "artemis", "spring", "socketio"]
  .filter((name) => text("peers", `${name}.version`))
  .map((name) => `${servers[name].name} ${text("peers", `${name}.version`)}`);
const machine = `${cpus().length} cores (${cpus()[0].model.replace(/\s+/g, " ").trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB of memory, ${process.platform}`;

writeFileSync(
  join(folder, "performance.md"),
  `${here("head.md").trim()}

## Goals

| what | goal | measured | | why not |
| --- | --- | --- | --- | --- |
${goalLines.join("\n")}

![The figures as bars](performance.svg)

## Figures

On ${machine}. Beside Hongyan: ${versions.join(", ")}. A figure is the median of the rounds,
with the lowest and the highest behind it.

${sections.join("\n\n")}
`,
);
if (panels.length > 0) {
  writeFileSync(join(folder, "performance.svg"), chart(panels));
}
console.log(`${join(folder, "performance.md")}: ${goalLines.filter((line) => line.includes("**met**")).length} of ${goals.length} goals met`);
