// The broker as a process of its own: started on a free port, asked over REST, stopped, killed, started again.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { soon } from "./events.mjs";

const program = process.env.HONGYAN_BIN ?? fileURLToPath(new URL("../../target/debug/hongyan", import.meta.url));
const password = "correct horse battery";

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

let made = 0;

export class Broker {
  #child;
  #data;
  #contextPath;
  #allowOrigin;
  #options;
  #address;

  /** A broker with an empty folder of its own. `options` are more of its flags. */
  static async start({ contextPath = "", allowOrigin = null, options = [] } = {}) {
    const broker = new Broker();
    broker.#contextPath = contextPath;
    broker.#allowOrigin = allowOrigin;
    broker.#options = options;
    broker.#data = await mkdtemp(join(tmpdir(), "hongyan-"));
    await broker.#run("127.0.0.1:0");
    return broker;
  }

  async #run(listen) {
    const args = ["serve", "--listen", listen, "--data", join(this.#data, "data"), "--log", "warn", ...this.#options];
    if (this.#contextPath !== "") args.push("--context-path", this.#contextPath);
    if (this.#allowOrigin !== null) args.push("--allow-origin", this.#allowOrigin);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    running.add(child);
    child.once("exit", () => running.delete(child));
    const address = new Promise((resolve, reject) => {
      createInterface(child.stdout).on("line", (line) => {
        const [, found] = /^listening on http:\/\/([^/\s]+)/.exec(line) ?? [];
        if (found) resolve(found);
      });
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`the broker ended with ${code} before it listened`)));
    });
    this.#address = await soon("the broker listens", address);
  }

  /** `host:port`. */
  get address() {
    return this.#address;
  }

  /** Where everything begins, without a slash at the end. */
  get url() {
    return `http://${this.#address}${this.#contextPath}`;
  }

  sockjs(token) {
    return `${this.url}/socketServer?srect=${token}`;
  }

  webSocket(token) {
    return `${this.url.replace("http", "ws")}/client?srect=${token}`;
  }

  /** `kill -9`. */
  async kill() {
    this.#child.kill("SIGKILL");
    await this.#ended();
  }

  /** Starts it again, with the same data and at the same address. */
  async again() {
    await this.#run(this.#address);
  }

  /** SIGTERM. It must end well. */
  async stop() {
    this.#child.kill("SIGTERM");
    await this.#ended();
    assert.deepEqual([this.#child.exitCode, this.#child.signalCode], [0, null], "SIGTERM ends the broker with 0");
  }

  async #ended() {
    if (running.has(this.#child)) await soon("the broker ends", once(this.#child, "exit"));
  }

  /** Stops it, if it still runs, and removes what it wrote. */
  async remove() {
    try {
      if (running.has(this.#child)) await this.stop();
    } finally {
      this.#child.kill("SIGKILL");
      await rm(this.#data, { recursive: true, force: true });
    }
  }

  /** A new user whose name is told apart by a number; see `user`. */
  newUser(name) {
    return this.user(`${name}-${++made}`);
  }

  /** A new user, logged in: `{uid, uname, token, password}`. */
  async user(name) {
    const credentials = { name, password };
    assert.equal((await this.ask("POST", "/api/users", credentials)).status, 201);
    const { status, body } = await this.ask("POST", "/api/login", credentials);
    assert.equal(status, 200);
    return { ...body, password };
  }

  /** A REST call of the user with this token: `{status, body}`. */
  ask(method, path, body, token) {
    return this.#call(method, path, body, token ? { Authorization: `Bearer ${token}` } : {});
  }

  /** A REST call of the operator's own server. */
  askWithKey(method, path, body, key) {
    return this.#call(method, path, body, { "X-Api-Key": key });
  }

  async #call(method, path, body, whose) {
    const headers = { "Content-Type": "application/json", ...whose };
    const answer = await fetch(this.url + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
  }
}
