// The goals, each with the figure that says whether it is met: { value, met, text }, or nothing where it was not measured.
import { criterion, figure, median, p99Ms, ratio, runs, spread, text } from "./results.mjs";

const times = (value) => `${value >= 10 ? value.toFixed(1) : value.toFixed(2)} x`;
const number = (value) => (value >= 100 ? Math.round(value) : Number(value.toPrecision(3))).toLocaleString("en").replaceAll(",", " ");
const deliveries = figure("deliveries");

// At least, or at most, so many times the other.
const least = (goal, value) => value !== undefined && { value, met: value >= goal, text: times(value) };
const most = (goal, value) => value !== undefined && { value, met: value <= goal, text: times(value) };

// Messages on the wire of one delivery in `chat`: SEND and confirmation in, push and status out.
const CHAT_MESSAGES = 4;

const pace = () => {
  // RabbitMQ may be quicker with a window than at a fixed rate: the better of both is what counts.
  const theirs = [spread("pace", "rabbitmq", p99Ms), spread("chat", "rabbitmq", p99Ms)].filter(Boolean).map((it) => it.median);
  const ours = spread("pace", "hongyan", p99Ms);
  const value = ours && theirs.length === 2 ? ours.median / Math.min(...theirs) : undefined;
  return value !== undefined && { value, met: value <= 1 / 5, text: `${times(value)} (${number(ours.median)} ms)` };
};

const idle = () => {
  const each = spread("idle", "hongyan", figure("memory of a connection"));
  const connections = spread("idle", "hongyan", figure("connections"));
  return each && {
    value: each.median,
    met: each.median <= 8 && connections.median >= 20_000,
    text: `${each.median.toFixed(1)} KiB, ${number(connections.median)} at once`,
  };
};

const start = () => {
  const [empty, full] = ["empty", "full"].map((name) => spread("store", name, figure("broker's start")));
  const value = empty && full ? full.median - empty.median : undefined;
  return value !== undefined && { value, met: value < 1000, text: `${number(value)} ms more (${number(full.median)} ms)` };
};

// How many times the work of UNDER is that of OVER: by the rate, and by the server's time on its core, because the load may be
// what limits the rate of both. The worse counts.
const work = (part, over, under) => {
  const rates = ratio(part, under, over, deliveries);
  const times = ratio(part, over, under, figure("broker's time a delivery"));
  return rates !== undefined && times !== undefined ? Math.max(rates, times) : undefined;
};

const group = () => {
  const value = work("group", "group", "topic");
  const sent = runs("group", "group").at(-1)?.figures["messages sent in all"]?.value;
  const rows = Number(text("group", "check")?.match(/^messages +(\d+)/m)?.[1]);
  return value !== undefined && sent !== undefined && {
    value,
    met: value <= 2 && rows === sent,
    text: `${times(value)}, ${number(rows)} rows for ${number(sent)} messages`,
  };
};

// Names of benches/grammar.rs.
const smallFrames = () => {
  const rates = ["SEND", "MESSAGE", "ACK"].map((name) => criterion(`${name}/together`)).map((it) => it && (it.of / it.ns) * 1e9);
  const value = rates.every(Boolean) ? Math.min(...rates) : undefined;
  return value !== undefined && { value, met: value >= 3e6, text: `${(value / 1e6).toFixed(1)} million/s` };
};
const largeBodies = (folder) => {
  const shares = ["content-length", "NUL"].map((name) => {
    const [read, copied] = [criterion(`${folder}/${name}`), criterion(`${folder}/copied`)];
    return read && copied && read.ns / copied.ns;
  });
  return shares.every(Boolean) ? Math.max(...shares) : undefined;
};
// How many times longer a byte takes in a large body than in a small one: in reading, and in copying the same pieces, which
// takes longer as well where they do not fit the caches any more.
const inPieces = () => {
  const grown = (names) => {
    const [small, large] = ["1 MiB in pieces", "8 MiB in pieces"].map((folder) => {
      const each = names.map((name) => criterion(`${folder}/${name}`));
      return each.every(Boolean) ? median(each.map((it) => it.ns / it.of)) : undefined;
    });
    return small !== undefined && large !== undefined ? large / small : undefined;
  };
  const [read, copied] = [grown(["content-length", "NUL"]), grown(["copied"])];
  const value = read !== undefined && copied !== undefined ? read / copied : undefined;
  return value !== undefined && { value, met: value <= 1.3, text: `${times(value)} (${times(read)}, a copy ${times(copied)})` };
};

export const goals = [
  { id: "chat", what: "`chat`, 20 pairs, window 32, 100 bytes: deliveries/s", goal: "≥ 14 x RabbitMQ 3.10", result: () => least(14, ratio("chat", "hongyan", "rabbitmq", deliveries)) },
  { id: "ceiling", what: "the same: messages on the wire (stretch)", goal: "≥ 0.5 x `echo`", result: () => least(0.5, ratio("chat", "hongyan", "echo", (run) => CHAT_MESSAGES * deliveries(run), figure("messages in and out"))) },
  { id: "pace", what: "the same at RabbitMQ's own best rate: p99 from send to push", goal: "≤ 0.2 x RabbitMQ", result: pace },
  { id: "single", what: "one sender, one receiver, window 1: deliveries/s", goal: "≥ 1 x RabbitMQ", result: () => least(1, ratio("single", "hongyan", "rabbitmq", deliveries)) },
  { id: "topic", what: "`topic` 1 → 1 000: deliveries/s", goal: "≥ 10 x RabbitMQ", result: () => least(10, ratio("topic", "hongyan", "rabbitmq", deliveries)) },
  { id: "sockets", what: "the same, beside writing the same bytes to 1 000 sockets", goal: "≤ 2 x `broadcast`", result: () => most(2, work("topic", "hongyan", "broadcast")) },
  { id: "idle", what: "idle WebSocket connection, logged in and subscribed: memory", goal: "≤ 8 KiB, 20 000 at once", result: idle },
  { id: "connect", what: "connect, log in, subscribe: connections/s", goal: "≥ 5 x RabbitMQ", result: () => least(5, ratio("connect", "hongyan", "rabbitmq", figure("connections"))) },
  { id: "store", what: "cost of a message with 10 million stored, beside an empty store", goal: "≤ 1.3 x", result: () => most(1.3, work("store", "full", "empty")) },
  { id: "start", what: "start with 10 million messages stored, beside an empty store", goal: "< 1 000 ms more", result: start },
  { id: "group", what: "group of 10 000 members, 1 000 on line", goal: "one row, within 2 x of `topic`", result: group },
  { id: "frames", what: "boundary and parse of small frames, a core", goal: "≥ 3 million/s", result: smallFrames },
  { id: "bodies", what: "the same of bodies of 8 MiB, beside a copy of their bytes", goal: "≤ 3 x", result: () => most(3, largeBodies("8 MiB")) },
  { id: "pieces", what: "the same in pieces of 1 460 bytes: 8 MiB beside 1 MiB, each byte", goal: "linear: ≤ 1.3 x what a copy has", result: inPieces },
  { id: "history", what: "`history`: page of 50 at the end of a million messages, beside the beginning", goal: "≤ 1.3 x", result: () => most(1.3, spread("history", "hongyan", figure("end to beginning, medians"))?.median) },
];
