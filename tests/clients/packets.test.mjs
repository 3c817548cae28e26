// Document 004 with `ws`, the WebSocket of Node: two people on packets, and one of them on STOMP.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import { Broker } from "./broker.mjs";
import { Queue, soon } from "./events.mjs";

let made = 0;

/** A client as the document describes one: it makes the ids and waits for the packet that answers each. */
class Client {
  heard = new Queue("a packet");
  #socket;

  /** Gets a wstoken and connects with it. */
  static async connect(broker, user) {
    const { status, body } = await broker.ask("POST", "/IM/token", undefined, user.token);
    assert.deepEqual([status, body.expiresIn], [200, 120]);
    const client = new Client();
    client.#socket = new WebSocket(`${broker.url.replace("http", "ws")}/${body.wstoken}`);
    client.closed = once(client.#socket, "close");
    client.#socket.on("message", (data) => client.heard.put(JSON.parse(data)));
    const login = await client.heard.next();
    assert.deepEqual(login, { id: login.id, from: 0, type: "L", msg: "login in" });
    client.wstoken = body.wstoken;
    return client;
  }

  say(type, to, msg) {
    const id = `${Date.now()}-${++made}`;
    this.#socket.send(JSON.stringify({ id, to, type, msg }));
    return id;
  }

  /** Says something of the system; the `msg` of the answer. */
  async asks(type, msg) {
    const id = this.say(type, 0, msg);
    const answer = await this.heard.next();
    assert.deepEqual([answer.id, answer.from], [id, 0]);
    return answer;
  }

  close() {
    this.#socket.close();
    return soon("the close", this.closed);
  }
}

describe("packets (document 004)", () => {
  let broker, li, wu;

  before(async () => {
    broker = await Broker.start();
    li = await broker.newUser("li");
    wu = await broker.newUser("wu");
    const { body } = await broker.ask("POST", "/api/friends/requests", { to: wu.uid, msg: "hi" }, li.token);
    const accepted = await broker.ask("POST", `/api/friends/requests/${body.id}/accept`, undefined, wu.token);
    assert.ok(accepted.status < 300, `accepted: ${accepted.status}`);
  });
  after(() => broker.remove());

  test("the document's samples, line by line", async () => {
    const one = await Client.connect(broker, li);
    const other = await Client.connect(broker, wu);
    const pong = await one.asks("P", "ping");
    assert.deepEqual([pong.type, pong.to, pong.msg], ["P", 0, "pong"]);
    assert.deepEqual((await one.asks("O", wu.uid)).msg, { id: wu.uid, online: true });
    assert.equal((await one.asks("S", { longtitude: 116.404, latitude: 39.915 })).msg, "success");
    const since = 0;
    assert.deepEqual((await one.asks("H", since)).msg, []);

    const id = one.say("t", wu.uid, "起来聊天");
    assert.deepEqual(await one.heard.next(), { id, from: 0, type: "A", msg: "success" });
    assert.deepEqual(await other.heard.next(), { id, from: li.uid, type: "t", msg: "起来聊天" });
    const history = await other.asks("H", since);
    const [{ time }] = history.msg;
    assert.deepEqual(history.msg, [{ id, from: li.uid, to: wu.uid, type: "t", msg: "起来聊天", time }]);

    const wrong = await one.asks("X", "");
    assert.equal(wrong.type, "E");
    await one.close();
    await other.close();
  });

  test("a pong makes it received; the library gives it by itself", async () => {
    const one = await Client.connect(broker, li);
    one.say("t", wu.uid, "still there?");
    assert.equal((await one.heard.next()).type, "A");
    const other = await Client.connect(broker, wu);
    assert.equal((await other.heard.next()).msg, "still there?");
    const state = async () => {
      const { body } = await broker.ask("GET", `/api/messages?with=${wu.uid}&limit=1`, undefined, li.token);
      return body.messages[0].state;
    };
    await soon("received", (async () => { while ((await state()) !== "received"); })());
    await one.close();
    await other.close();
  });

  test("a wstoken is good once, and no other token is", async () => {
    const one = await Client.connect(broker, li);
    for (const token of [one.wstoken, li.token, "nonsense"]) {
      const socket = new WebSocket(`${broker.url.replace("http", "ws")}/${token}`);
      const closed = new Promise((resolve) => socket.once("close", resolve));
      const [error] = await soon("an error", once(socket, "error"));
      assert.match(error.message, /401/);
      await soon("the close", closed);
    }
    await one.close();
  });

  test("log-out says C and closes", async () => {
    const again = await broker.ask("POST", "/api/login", { name: li.uname, password: li.password });
    const one = await Client.connect(broker, again.body);
    await broker.ask("POST", "/api/logout", undefined, again.body.token);
    const close = await one.heard.next();
    assert.deepEqual([close.from, close.type, close.msg], [0, "C", "invalid token"]);
    const [code] = await soon("the close", one.closed);
    assert.equal(code, 1008);
  });
});
