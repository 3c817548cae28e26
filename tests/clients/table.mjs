// docs/clients.md, made of what the tests have proved (results.mjs):
//   node table.mjs FOLDER           prints it
//   node table.mjs --check FOLDER   fails unless the one in docs/ says the same; of a run in parts, about its parts
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const committed = new URL("../../docs/clients.md", import.meta.url);

/** What a column says, and what a test does for its ✓. */
const features = {
  chats: ["Chats", "both ways: SEND, the status of it, the push to the receiver"],
  confirms: ["Confirms", "SEND to `/socket/chat/recive`, its status, and the notice to the sender"],
  returns: ["Comes back", "goes off line, comes back, and `init` brings what came meanwhile, in order"],
  text: ["Any text", "60 KB, Chinese, emoji, NUL, quotes and line ends arrive as they were written"],
  topic: ["Topic", "subscribed to by its name and by a pattern with `*`"],
  queue: ["Queue", "what is sent waits for a consumer, and comes once"],
  ack: ["ACK", "`client-individual`: what is acknowledged is gone, the rest goes to the next consumer, `redelivered:true`"],
  nack: ["NACK", "what is refused comes again, `redelivered:true`"],
  transaction: ["Transaction", "BEGIN, SEND, COMMIT; and ABORT"],
  receipts: ["Receipts", "SUBSCRIBE and SEND get the RECEIPT that they ask for"],
  beats: ["Heart-beats", "both ways, while nothing else is said"],
  error: ["ERROR", "is told in the client's own way, with the reason; then the connection closes"],
  refused: ["Refused", "a wrong token or password does not come in, and is told so"],
};

/** What is proved of a transport that the client keeps to itself; a note to its row says why. */
const ABSENT = "absent";

const runtimes = {
  Chromium: "In a browser",
  "Node.js": "Node.js",
  JVM: "Android and the JVM",
  Python: "Python",
};

/** Why a client can't do it, or what else there is to know: the only words about a cell or a row written by hand. */
const notes = [
  {
    to: { runtime: /^(Chromium|Python)$/, transport: /^(SockJS|WebSocket)/, feature: "beats" },
    why: "Only the broker's are waited for. Whoever sends an `Origin`, as browsers do (and stomp.py over WebSocket), is \
asked for one in 30 s and no more, because browsers let the clocks of hidden tabs run slowly.",
  },
  {
    to: { runtime: "Chromium", transport: /xdr-/ },
    why: "sockjs-client takes this only where there is `XDomainRequest`, which only Internet Explorer 8 to 10 had. To the \
broker it is the same as xhr-streaming and xhr-polling.",
  },
  {
    to: { runtime: "Chromium", transport: /, htmlfile, from another/ },
    why: "sockjs-client takes this only from a page of the broker's own origin; from another it is iframe-htmlfile. (In \
Internet Explorer it is an ActiveX object, in all other browsers a frame, as here.)",
  },
  {
    to: { runtime: "Chromium", transport: /iframe-/ },
    why: "What asks is the broker's own page in a frame, so `--allow-origin`, if there is any, has to name the broker's \
own origin as well. That page takes sockjs-client from cdn.jsdelivr.net; the page around it must have the same version.",
  },
  {
    to: { client: /^@stomp/, transport: /split/, feature: "text" },
    why: "The client cuts a frame wherever a message is full, also inside a surrogate pair, and each half is U+FFFD before \
it leaves: an emoji may be lost. All else arrives as it was written.",
  },
  {
    to: { client: /^stomp\.py/, stomp: "1.0", feature: /^(nack|beats)$/ },
    why: "STOMP 1.0 has neither NACK nor heart-beats.",
  },
  {
    to: { client: /^StompProtocolAndroid/, feature: /^(ack|nack|transaction|receipts)$/ },
    why: "The client subscribes with `ack:auto`, and never says ACK, NACK or BEGIN, or asks for a RECEIPT.",
  },
  {
    to: { client: /^Spring/, feature: "transaction" },
    why: "Spring's session has no transactions.",
  },
];

const letter = (index) => String.fromCharCode("a".charCodeAt(0) + index);

const matches = (wanted, value) => (wanted instanceof RegExp ? wanted.test(value) : wanted === value);

/** The letters of the notes to a cell, or to a whole row, which has no feature. */
function notesTo(place) {
  return notes.flatMap(({ to }, index) => {
    const isHere = Object.entries(to).every(([name, wanted]) => matches(wanted, place[name]));
    return isHere && "feature" in to === "feature" in place ? [letter(index)] : [];
  });
}

/** Rows by runtime and client: `{runtime, client, transport, stomp, proved: Set}`, in an order that no run changes. */
function read(folder) {
  const rows = new Map();
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".jsonl"))) {
    for (const line of readFileSync(join(folder, file), "utf8").trimEnd().split("\n")) {
      const { feature, ...row } = JSON.parse(line);
      if (feature !== ABSENT && !(feature in features)) throw new Error(`${file} has an unknown feature: ${line}`);
      if (!(row.runtime in runtimes)) throw new Error(`${file} has an unknown runtime: ${line}`);
      const key = JSON.stringify([row.client, row.transport, row.stomp]);
      if (!rows.has(key)) rows.set(key, { ...row, proved: new Set() });
      rows.get(key).proved.add(feature);
    }
  }
  return [...rows].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);
}

function line(row) {
  const notes = notesTo(row);
  const cells = Object.keys(features).map((feature) => {
    const isProved = row.proved.has(feature);
    const letters = notesTo({ ...row, feature });
    if (!isProved && letters.length === 0 && !(row.proved.has(ABSENT) && notes.length > 0)) {
      throw new Error(`no test has proved "${feature}" of ${row.client}, ${row.transport}, and no note says why (table.mjs)`);
    }
    return row.proved.has(ABSENT) ? "–" : [...(isProved ? ["✓"] : []), ...letters].join(" ");
  });
  return `| ${[[row.transport, ...notes].join(" "), row.stomp, ...cells].join(" | ")} |`;
}

function table(rows) {
  const titles = ["Transport", "STOMP", ...Object.values(features).map(([title]) => title)];
  return [
    `| ${titles.join(" | ")} |`,
    `| --- | --- |${" :-: |".repeat(titles.length - 2)}`,
    ...rows.map(line),
  ];
}

function document(rows) {
  const places = rows.flatMap((row) => [row, ...Object.keys(features).map((feature) => ({ ...row, feature }))]);
  const used = new Set(places.flatMap(notesTo));
  notes.forEach(({ why }, index) => {
    if (!used.has(letter(index))) throw new Error(`nothing has this note any more (table.mjs): ${why}`);
  });
  const out = [
    "# Clients",
    "",
    "Which clients get along with Hongyan, by which transport, at what. This page is made by the tests' own run",
    "(`make clients-table`), and `make test` fails where it says anything else than they have proved. A ✓ is a test that",
    "has passed, a – a transport that the client does not take; a letter is a note below.",
    "",
  ];
  for (const [runtime, title] of Object.entries(runtimes)) {
    const clients = new Set(rows.filter((row) => row.runtime === runtime).map((row) => row.client));
    if (clients.size > 0) out.push(`## ${title}`, "");
    for (const client of clients) {
      out.push(`### ${client}`, "", ...table(rows.filter((row) => row.client === client)), "");
    }
  }
  out.push("## What a ✓ means", "", "| | |", "| --- | --- |");
  for (const [title, meaning] of Object.values(features)) out.push(`| ${title} | ${meaning} |`);
  out.push("", "## Notes", "");
  notes.forEach(({ why }, index) => out.push(`- **${letter(index)}** ${why}`));
  return `${out.join("\n")}\n`;
}

/** What differs, in a sentence, or null. */
function difference(rows, isWhole) {
  const said = existsSync(committed) ? readFileSync(committed, "utf8") : "";
  if (isWhole) return said === document(rows) ? null : "it is not what this run has proved";
  const lines = new Set(said.split("\n"));
  const missing = rows.map(line).find((line) => !lines.has(line));
  return missing ? `it does not say what this run has proved: ${missing}` : null;
}

function main(isCheck, folder) {
  if (!folder || !existsSync(folder)) throw new Error(`There are no results in ${folder}: make test-clients makes them.`);
  // What `run` leaves when all parts have passed.
  const isWhole = existsSync(join(folder, "whole"));
  const rows = read(folder);
  if (isCheck) {
    const what = difference(rows, isWhole);
    if (what) throw new Error(`docs/clients.md: ${what}. If that is right, make clients-table renews it from a whole run.`);
  } else if (isWhole) {
    process.stdout.write(document(rows));
  } else {
    throw new Error(`The results in ${folder} are of a part of the tests, or some failed: make test-clients runs all.`);
  }
}

const isCheck = process.argv[2] === "--check";
try {
  main(isCheck, process.argv[isCheck ? 3 : 2]);
} catch (error) {
  // A sentence says more than where it was said.
  console.error(error.message);
  process.exitCode = 1;
}
