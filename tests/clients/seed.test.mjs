// The document's own JavaScript (seed.js) against the broker: SockJS, stomp.js 2.3.3 and jsHashes, below /Mimi.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { createContext, Script } from "node:vm";
import Hashes from "jshashes";
import SockJS from "sockjs-client";
import Stomp from "stompjs";
import { Broker } from "./broker.mjs";
import { Queue, soon } from "./events.mjs";

const source = new URL("seed.js", import.meta.url);
const script = new Script(await readFile(source, "utf8"), { filename: source.pathname });

/** A page that has loaded the document's script. `now` is its clock. */
class Page {
  #script;
  said = { message: new Queue("a message"), exception: new Queue("an exception") };

  constructor(address, now) {
    for (const what of ["send status", "recive status"]) this.said[what] = new Queue(`a ${what}`);
    this.#script = createContext({
      // The document's port is taken for granted; the tests' are not.
      SockJS: function (url) {
        return new SockJS(url.replace("127.0.0.1:8080", address));
      },
      Stomp,
      Hashes,
      JSON,
      Date: class {
        getTime = now;
      },
      // All that the document does with what it hears is to log it.
      console: { info: (line) => this.#hear(line) },
    });
    script.runInContext(this.#script);
  }

  #hear(line) {
    const [, what, frame] = /^(.*?): (MESSAGE\n[^]*)$/.exec(line);
    this.said[what].put(JSON.parse(frame.slice(frame.indexOf("\n\n") + 2)));
  }

  /** Connects and does all that the document does at the beginning. */
  async enter({ token, uid, uname }, by = uname ?? uid) {
    await soon("CONNECTED", new Promise((connected) => this.#script.connect(token, connected)));
    this.#script.subscribeMessages(by);
    this.#script.subscribeErrors();
    this.#script.subscribeSendStatus();
    this.#script.subscribeReciveStatus();
    this.#script.init();
  }

  async send({ uid }, content) {
    this.#script.sendMsg(uid, content);
    return this.said["send status"].next();
  }

  leave() {
    return soon("the connection closes", new Promise((closed) => this.stomp.disconnect(closed)));
  }

  get stomp() {
    return this.#script.stomp;
  }
}

describe("the document's own client", () => {
  let broker;
  before(async () => {
    broker = await Broker.start({ contextPath: "/Mimi" });
  });
  after(() => broker.remove());

  const users = () => Promise.all([broker.newUser("liaojiekx"), broker.newUser("wususu")]);
  const someTime = 1_504_712_402_000;
  // SHA1(data + ms), where data is an object.
  const sampleMsgID = (ms) => createHash("sha1").update(`[object Object]${ms}`).digest("hex");

  test("two people write to each other, and confirm what they get", async () => {
    const [li, wu] = await users();
    let ms = someTime;
    const [left, right] = [new Page(broker.address, () => ++ms), new Page(broker.address, () => ++ms)];
    await left.enter(li);
    await right.enter(wu, wu.uid);
    for (const [from, to, sender, reciver] of [
      [left, right, li, wu],
      [right, left, wu, li],
    ]) {
      const status = await from.send(reciver, "聊天内容");
      const msgID = sampleMsgID(ms);
      assert.deepEqual(status, { msgID, code: 200, status: "成功", content: "(=ↀωↀ=)" });
      const { id, time, ...message } = await to.said.message.next();
      assert.deepEqual(message, {
        chatID: msgID,
        sender: sender.uname,
        reciver: reciver.uname,
        content: "聊天内容",
        senderId: sender.uid,
        reciverId: reciver.uid,
      });
      assert(Number.isSafeInteger(id) && Number.isSafeInteger(time));
      // The script confirms by itself.
      const confirmed = await to.said["recive status"].next();
      assert.deepEqual(confirmed, { msgID, code: 200, status: "成功", content: "(=ↀωↀ=)" });
    }
    await Promise.all([left.leave(), right.leave()]);
  });

  test("what came while nobody was there comes with init", async () => {
    const [li, wu] = await users();
    let ms = someTime;
    const left = new Page(broker.address, () => ++ms);
    await left.enter(li);
    const letters = ["一", "二", "三"];
    for (const letter of letters) assert.equal((await left.send(wu, letter)).code, 200);
    const right = new Page(broker.address, () => ++ms);
    await right.enter(wu);
    assert.deepEqual((await right.said.message.take(3)).map(({ content }) => content), letters);
    await right.said["recive status"].take(3);
    await right.leave();
    const again = new Page(broker.address, () => ++ms);
    await again.enter(wu);
    assert.equal((await left.send(wu, "四")).code, 200);
    assert.equal((await again.said.message.next()).content, "四", "what was confirmed does not come again");
    await Promise.all([left.leave(), again.leave()]);
  });

  test("everybody who sends in one millisecond makes one msgID, and nothing is lost", async () => {
    const [li, wu] = await users();
    const su = await broker.newUser("suwu");
    const msgID = sampleMsgID(someTime);
    const pages = await Promise.all(
      [li, wu, su].map(async (user) => {
        const page = new Page(broker.address, () => someTime);
        await page.enter(user);
        return page;
      }),
    );
    const [left, middle, right] = pages;
    // Two senders, one receiver; then one sender, two receivers.
    for (const [from, to, reciver] of [
      [left, right, su],
      [middle, right, su],
      [left, middle, wu],
    ]) {
      const status = await from.send(reciver, "同时");
      assert.deepEqual([status.msgID, status.code], [msgID, 200]);
      assert.equal((await to.said.message.next()).chatID, msgID);
      assert.equal((await to.said["recive status"].next()).code, 200);
    }
    // Only another content to the same receiver can't be told apart, and that is said.
    assert.equal((await left.send(su, "另一条")).code, 409);
    const history = async ({ uid }) =>
      (await broker.ask("GET", `/api/messages?with=${uid}`, undefined, su.token)).body.messages;
    for (const sender of [li, wu]) {
      const kept = await history(sender);
      assert.deepEqual(
        kept.map(({ content, state }) => [content, state]),
        [["同时", "received"]],
      );
    }
    await Promise.all(pages.map((page) => page.leave()));
  });

  test("refusals are told as a status, or as an exception where there is no msgID", async () => {
    const [li] = await users();
    const left = new Page(broker.address, () => someTime);
    await left.enter(li);
    const refusal = await left.send({ uid: 4_000_000_000 }, "谁?");
    assert.deepEqual([refusal.msgID, refusal.code], [sampleMsgID(someTime), 404]);
    left.stomp.send("/socket/chat/send", {}, "聊天内容");
    const exception = await left.said.exception.next();
    assert.deepEqual([exception.code, exception.destination], [400, "/socket/chat/send"]);
    await left.leave();
  });
});
