// The examples that are not in Rust, as they are written: each chats with somebody who is here all the time. Their packages are
// those of the tests, in the same versions, so they are run from a copy with the tests' folder beside it.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Client } from "@stomp/stompjs";
import { WebSocket } from "ws";
import { connectStompjs7 } from "./adapters.mjs";
import { Broker } from "./broker.mjs";
import { findChromium, launch } from "./browser.mjs";
import { Queue, soon } from "./events.mjs";
import { Wire } from "./wire.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const examples = here("../../examples");
/** Runs what prepares an example; that takes as long as it takes. */
const run = promisify(execFile);
const password = "a long password";
const running = new Set();
const links = new Set();

/** A program in a terminal of its own. */
class Terminal {
  #program;
  #lines = new Queue("a line of the example");

  constructor(command, args, { cwd, url }) {
    this.#program = spawn(command, args, { cwd, env: { ...process.env, HONGYAN_URL: url }, stdio: ["pipe", "pipe", "inherit"] });
    running.add(this.#program);
    this.#program.once("exit", () => running.delete(this.#program));
    createInterface(this.#program.stdout)
      // Maven resets colours, also where it uses none.
      .on("line", (line) => this.#lines.put(line.replaceAll("\x1B[0m", "")))
      .on("close", () => this.#lines.end("the example has ended"));
  }

  type(line) {
    this.#program.stdin.write(`${line}\n`);
  }

  line() {
    return this.#lines.next();
  }

  /** The end of what is typed ends it well. */
  async close() {
    const ended = once(this.#program, "close");
    this.#program.stdin.end();
    const [code] = await soon("the example ends", ended);
    assert.equal(code, 0, ["it ends with an error", ...this.#lines.rest()].join("\n"));
  }
}

/** Somebody who is here all the time. */
async function meet(broker, name) {
  const user = await broker.newUser(name);
  const webSocketFactory = () => new WebSocket(broker.webSocket(user.token));
  const link = await connectStompjs7(new Client({ webSocketFactory }), { headers: {}, wire: new Wire() });
  links.add(link);
  const [messages, notices] = [link.queue("a message"), link.queue("a notice of delivery")];
  link.subscribe(`/user/${user.uid}/recive`, ({ body }) => messages.put(JSON.parse(body)));
  link.subscribe("/user/queue/delivery/status", ({ body }) => notices.put(JSON.parse(body)));
  const write = (to, content) => broker.ask("POST", "/api/messages", { to, content }, user.token);
  return { ...user, messages, notices, write };
}

/** What each example can do. `open(name, peer)` brings `{type(line), line(), close()}`. */
async function chats(broker, open) {
  const wu = await meet(broker, "wu su?");
  const name = `li ${wu.uname}`;
  let li = await open(name, wu.uname);
  li.type("起来聊天 \\ \"");
  assert.match(await li.line(), /200.*成功/);
  const message = await wu.messages.next();
  assert.deepEqual([message.sender, message.content], [name, "起来聊天 \\ \""]);
  await wu.write(name, "here: I am");
  assert.equal(await li.line(), `${wu.uname}: here: I am`);
  assert.equal((await wu.notices.next()).state, "received");
  await li.close();

  await wu.write(name, "while you were away");
  li = await open(name, "nobody at all");
  assert.equal(await li.line(), `${wu.uname}: while you were away`);
  assert.equal((await wu.notices.next()).state, "received");
  li.type("anybody?");
  assert.match(await li.line(), /no such user/);
  await li.close();
}

describe("the examples", () => {
  let broker, folder;
  before(async () => {
    broker = await Broker.start();
    folder = await mkdtemp(join(tmpdir(), "hongyan-examples-"));
  });
  after(async () => {
    // Whatever a test that failed has left.
    for (const program of running) program.kill("SIGKILL");
    for (const link of links) await link.leave();
    await broker?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  /** A copy of an example with the packages that it asks for. */
  async function installed(name) {
    const ours = JSON.parse(await readFile(here("package.json"), "utf8")).devDependencies;
    const { dependencies } = JSON.parse(await readFile(join(examples, name, "package.json"), "utf8"));
    for (const [what, version] of Object.entries(dependencies)) assert.equal(ours[what], version, what);
    const copy = join(folder, name);
    await cp(join(examples, name), copy, { recursive: true, filter: (path) => !path.includes("node_modules") });
    await symlink(here("node_modules"), join(copy, "node_modules"));
    return copy;
  }

  test("Node.js", async () => {
    const cwd = await installed("node");
    await chats(broker, (name, peer) => new Terminal("node", ["chat.mjs", name, password, peer], { cwd, url: broker.url }));
  });

  test("Python", async () => {
    const [asked, ours] = await Promise.all(
      [join(examples, "python/requirements.txt"), here("python/requirements.txt")].map((file) => readFile(file, "utf8")),
    );
    assert.ok(ours.includes(asked.trim()));
    await run(here("python/run"), ["prepare"]);
    const python = here("python/.venv/bin/python");
    const cwd = join(examples, "python");
    await chats(broker, (name, peer) => new Terminal(python, ["chat.py", name, password, peer], { cwd, url: broker.url }));
  });

  test("Kotlin, as on Android", async () => {
    const cwd = join(examples, "android");
    await run("mvn", ["--quiet", "--batch-mode", "compile"], { cwd });
    const quoted = (words) => words.map((word) => `'${word}'`).join(" ");
    await chats(broker, (name, peer) => {
      const args = ["--quiet", "--batch-mode", "exec:java", `-Dexec.args=${quoted([name, password, peer])}`];
      return new Terminal("mvn", args, { cwd, url: broker.url });
    });
  });

  const skip = (process.env.HONGYAN_SKIP_PAGE === "1" && "HONGYAN_SKIP_PAGE=1") || (!findChromium() && "no Chromium");

  test("the page, from the disk", { skip }, async () => {
    const page = pathToFileURL(join(await installed("page"), "index.html"));
    page.searchParams.set("broker", broker.url);
    const browser = await launch();
    try {
      await chats(broker, (name, peer) => Visitor.open(browser, page.href, name, peer));
    } finally {
      await browser.close();
    }
  });
});

/** Somebody before the page. */
class Visitor {
  #page;
  #peer;
  #read = 0;

  static async open(browser, url, name, peer) {
    const visitor = new Visitor();
    visitor.#peer = peer;
    visitor.#page = await browser.newPage();
    await visitor.#page.goto(url);
    await visitor.#page.fill("#name", name);
    await visitor.#page.fill("#password", password);
    await visitor.#page.click("#login button");
    await visitor.#page.waitForSelector("#chat", { state: "visible" });
    return visitor;
  }

  async type(line) {
    await this.#page.fill("#peer", this.#peer);
    await this.#page.fill("#content", line);
    await this.#page.click("#chat button");
  }

  async line() {
    const lines = () => document.getElementById("log").textContent.split("\n").slice(0, -1);
    const at = this.#read++;
    await this.#page.waitForFunction(`(${lines})().length > ${at}`);
    return (await this.#page.evaluate(lines))[at];
  }

  close() {
    return this.#page.close();
  }
}
