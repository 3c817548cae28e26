// What every client must be able to do with the broker. `client` is
//   version        of STOMP, which the two must agree on
//   connect        see adapters.mjs
//   isCutAnywhere  its messages may be cut inside a surrogate pair, which makes U+FFFD of both halves before they leave
//   isDeaf         it never tells that a handshake was refused
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import { Refused } from "./adapters.mjs";
import { Broker } from "./broker.mjs";
import { soon } from "./events.mjs";

let sent = 0;

function newMsgID(content) {
  return createHash("sha1").update(`${content}${Date.now()}${++sent}`).digest("hex");
}

/** One user with one connection, subscribed to everything of the seed. */
class Person {
  #link;

  static async at(broker, client, user, name = user.uid) {
    const person = new Person();
    person.user = user;
    person.#link = await client.connect({ broker, token: user.token, headers: {} });
    const listen = (what, destination) => {
      const queue = person.#link.queue(`${what} for ${user.uname}`);
      person.#link.subscribe(destination, (body) => queue.put(JSON.parse(body)));
      return queue;
    };
    person.pushes = listen("a message", `/user/${name}/recive`);
    person.sendStatus = listen("a send status", "/user/queue/send/status");
    person.confirmStatus = listen("a confirmation status", "/user/queue/recive/status");
    person.deliveries = listen("a delivery notice", "/user/queue/delivery/status");
    person.errors = listen("an error notice", "/user/queue/status");
    // Whoever comes later must find this one listening.
    person.#link.send("/socket/chat/init", "", { receipt: "here" });
    assert.equal(await person.#link.receipts.next(), "here");
    return person;
  }

  get link() {
    return this.#link;
  }

  /** The status that comes for it. */
  async send(to, content, msgID = newMsgID(content)) {
    this.post(to, content, msgID);
    return this.sendStatus.next();
  }

  post(to, content, msgID = newMsgID(content)) {
    this.#link.send("/socket/chat/send", JSON.stringify({ msgID, reciverId: to.user?.uid ?? to.uid, content }));
  }

  async confirm(msgID) {
    this.#link.send("/socket/chat/recive", JSON.stringify({ msgID }));
    return this.confirmStatus.next();
  }

  leave() {
    return this.#link.leave();
  }
}

const contents = (messages) => messages.map(({ content }) => content);
const numbered = (count) => Array.from({ length: count }, (_, index) => `letter ${index + 1}`);

export function scenarios(name, client) {
  describe(name, { concurrency: true }, () => {
    let broker;
    before(async () => {
      broker = await Broker.start();
    });
    after(() => broker.remove());

    const users = () => Promise.all([broker.newUser("liaojiekx"), broker.newUser("wususu")]);

    const notLetIn = async (token) => {
      assert.equal(await handshakeStatus(broker.webSocket(token)), 401);
      if (client.isDeaf) return;
      await assert.rejects(client.connect({ broker, token, headers: {} }), new Refused("closed"));
    };

    /** Two people who are connected, and leave when the test is over. */
    const scenario = (what, act) =>
      test(what, async () => {
        const two = await users();
        const [li, wu] = await Promise.all(two.map((user) => Person.at(broker, client, user)));
        await act(li, wu);
        await Promise.all([li.leave(), wu.leave()]);
      });

    scenario("a message goes from SEND to the notice of its delivery", async (li, wu) => {
      const msgID = newMsgID("起来聊天");
      const begun = Date.now();
      const status = await li.send(wu, "起来聊天", msgID);
      assert.deepEqual(status, { msgID, code: 200, status: "成功", content: status.content });
      const { id, time, ...rest } = await wu.pushes.next();
      assert.deepEqual(rest, {
        chatID: msgID,
        sender: li.user.uname,
        reciver: wu.user.uname,
        content: "起来聊天",
        senderId: li.user.uid,
        reciverId: wu.user.uid,
      });
      assert(Number.isSafeInteger(id) && id > 0, `an id, not ${id}`);
      assert(time >= begun && time <= Date.now(), `a time of now in ms, not ${time}`);
      const confirmed = await wu.confirm(msgID);
      assert.deepEqual(confirmed, { msgID, code: 200, status: "成功", content: confirmed.content });
      const { time: received, ...delivery } = await li.deliveries.next();
      assert.deepEqual(delivery, { msgID, state: "received", reciverId: wu.user.uid });
      assert(received >= time);
      assert.equal((await wu.confirm(msgID)).code, 200, "confirming twice is 200 twice");
    });

    test("what comes while somebody is off line waits for init, in order", async () => {
      const [one, other] = await users();
      const li = await Person.at(broker, client, one);
      const letters = numbered(5);
      for (const letter of letters) li.post(other, letter);
      for (const { code } of await li.sendStatus.take(5)) assert.equal(code, 200);
      const first = await Person.at(broker, client, other, other.uname);
      await li.send(other, "newer");
      const pushed = await first.pushes.take(6);
      assert.deepEqual(contents(pushed), [...letters, "newer"]);
      for (const { chatID } of pushed.slice(0, 4)) assert.equal((await first.confirm(chatID)).code, 200);
      await first.leave();
      const second = await Person.at(broker, client, other);
      await li.send(other, "newest");
      assert.deepEqual(contents(await second.pushes.take(3)), ["letter 5", "newer", "newest"]);
      await Promise.all([li.leave(), second.leave()]);
    });

    scenario("the same message again is 200 again, and is pushed once", async (li, wu) => {
      const msgID = newMsgID("once");
      assert.equal((await li.send(wu, "once", msgID)).code, 200);
      assert.equal((await li.send(wu, "once", msgID)).code, 200);
      await li.send(wu, "after");
      assert.deepEqual(contents(await wu.pushes.take(2)), ["once", "after"]);
    });

    scenario("the same msgID with another content is 409, and the first stays", async (li, wu) => {
      const msgID = newMsgID("first");
      assert.equal((await li.send(wu, "first", msgID)).code, 200);
      const refusal = await li.send(wu, "second", msgID);
      assert.deepEqual([refusal.msgID, refusal.code], [msgID, 409]);
      assert(refusal.content.includes("msgID"), refusal.content);
      await li.send(wu, "after");
      assert.deepEqual(contents(await wu.pushes.take(2)), ["first", "after"]);
    });

    scenario("an unknown receiver and an unknown message are 404", async (li) => {
      assert.equal((await li.send({ uid: 4_000_000_000 }, "anybody?")).code, 404);
      assert.equal((await li.confirm(newMsgID("never sent"))).code, 404);
    });

    scenario("a bad body is 400, under its msgID where it has one", async (li, wu) => {
      const msgID = newMsgID("bad");
      li.link.send("/socket/chat/send", JSON.stringify({ msgID, content: "to whom?" }));
      const refusal = await li.sendStatus.next();
      assert.deepEqual([refusal.msgID, refusal.code], [msgID, 400]);
      li.link.send("/socket/chat/send", "{");
      const { content, status, ...rest } = await li.errors.next();
      assert.deepEqual(rest, { code: 400, destination: "/socket/chat/send" });
      assert(content && status);
      assert.equal((await li.send(wu, "still here")).code, 200);
    });

    scenario("two senders may use one msgID; a confirmation takes what was pushed first", async (li, wu) => {
      const su = await Person.at(broker, client, await broker.newUser("suwu"));
      const msgID = newMsgID("[object Object]");
      assert.equal((await li.send(wu, "from li", msgID)).code, 200);
      assert.equal((await su.send(wu, "from su", msgID)).code, 200);
      assert.deepEqual(contents(await wu.pushes.take(2)), ["from li", "from su"]);
      assert.equal((await wu.confirm(msgID)).code, 200);
      assert.equal((await li.deliveries.next()).msgID, msgID);
      assert.equal((await wu.confirm(msgID)).code, 200);
      assert.equal((await su.deliveries.next()).msgID, msgID);
      await su.leave();
    });

    scenario("all sessions of a user get what is sent to them", async (li, wu) => {
      const elsewhere = await Person.at(broker, client, wu.user);
      await li.send(wu, "to both");
      assert.deepEqual(contents([await wu.pushes.next(), await elsewhere.pushes.next()]), ["to both", "to both"]);
      await elsewhere.leave();
    });

    scenario("any words arrive as they were written", async (li, wu) => {
      const words = ["", "   ", "\0 \\ \" \n\r\n a:b\\n\\c", "鸿雁", "é \u2028", "雁".repeat(20_000)];
      if (!client.isCutAnywhere) words.push("🪿 👩‍👩‍👧");
      for (const word of words) li.post(wu, word);
      for (const { code } of await li.sendStatus.take(words.length)) assert.equal(code, 200);
      assert.deepEqual(contents(await wu.pushes.take(words.length)), words);
    });

    test("somebody else's messages are refused", async () => {
      const [li, wu] = await users();
      for (const destination of [`/user/${wu.uid}/recive`, `/user/${wu.uname}/recive`, "/user/nobody/recive"]) {
        const link = await client.connect({ broker, token: li.token, headers: {} });
        link.subscribe(destination, () => assert.fail("a push"), { receipt: "mine" });
        const { headers, body } = await link.errors.next();
        assert.deepEqual([headers.message, headers["receipt-id"]], ["access-denied", "mine"]);
        assert(body.startsWith("access denied"), body);
        await soon("the connection closes", link.closed);
      }
    });

    test("nobody comes in with a wrong token or password", async () => {
      const [li] = await users();
      const wrong = `${li.token.slice(0, -4)}AAAA`;
      await notLetIn(wrong);
      for (const headers of [{}, { srect: wrong }, { login: "", passcode: wrong }, { login: li.uname, passcode: "wrong" }]) {
        await assert.rejects(client.connect({ broker, token: "", headers }), new Refused("access-refused"));
      }
    });

    test("a token or a password in CONNECT will do", async () => {
      const [li] = await users();
      for (const headers of [
        { srect: li.token },
        { Authorization: `Bearer ${li.token}` },
        { login: "", passcode: li.token },
        { login: li.uname, passcode: li.password },
      ]) {
        const link = await client.connect({ broker, token: "", headers });
        link.subscribe(`/user/${li.uid}/recive`, () => {}, { receipt: "mine" });
        assert.equal(await link.receipts.next(), "mine");
        await link.leave();
      }
    });

    scenario("heart-beats keep a quiet connection", async (li, wu) => {
      await Promise.all([li.link.beatsIn.take(4), li.link.beatsOut.take(2)]);
      assert.equal((await li.send(wu, "still here")).code, 200);
    });

    scenario("the version is the best of both, and every RECEIPT comes after its outcome", async (li, wu) => {
      assert.equal(li.link.version, client.version);
      const order = [];
      const told = li.link.queue("what was asked for");
      const hear = (what) => told.put(order.push(what));
      const msgID = newMsgID("with a receipt");
      const body = JSON.stringify({ msgID, reciverId: wu.user.uid, content: "with a receipt" });
      li.link.subscribe("/user/queue/send/status", () => hear("outcome"), { receipt: "subscribed" });
      assert.equal(await li.link.receipts.next(), "subscribed");
      li.link.send("/socket/chat/send", body, { receipt: "sent" });
      hear(await li.link.receipts.next());
      await told.take(2);
      assert.deepEqual(order, ["outcome", "sent"]);
    });

    scenario("an ACK confirms, too", async (li, wu) => {
      const elsewhere = await client.connect({ broker, token: wu.user.token, headers: {} });
      elsewhere.subscribe(`/user/${wu.user.uid}/recive`, (_, ack) => ack(), { ack: "client-individual", receipt: "on" });
      assert.equal(await elsewhere.receipts.next(), "on");
      const { msgID } = await li.send(wu, "acknowledge me");
      assert.equal((await li.deliveries.next()).msgID, msgID);
      await elsewhere.leave();
    });

    scenario("a transaction sends all at its COMMIT, and nothing after an ABORT", async (li, wu) => {
      const write = (content, { id }) =>
        li.link.send(
          "/socket/chat/send",
          JSON.stringify({ msgID: newMsgID(content), reciverId: wu.user.uid, content }),
          { transaction: id },
        );
      const dropped = li.link.begin();
      write("dropped", dropped);
      dropped.abort();
      const kept = li.link.begin();
      write("kept", kept);
      write("kept, too", kept);
      await li.send(wu, "outside");
      kept.commit();
      assert.deepEqual(contents(await wu.pushes.take(3)), ["outside", "kept", "kept, too"]);
    });

    test("log-out ends the session", async () => {
      const [user] = await users();
      const li = await Person.at(broker, client, user);
      assert.equal((await broker.ask("POST", "/api/logout", {}, user.token)).status, 204);
      assert.equal((await li.link.errors.next()).headers.message, "access-refused");
      await soon("the connection closes", li.link.closed);
      await notLetIn(user.token);
    });

    test("after kill -9 everything that got 200 is there", async () => {
      const broker = await Broker.start();
      try {
        const one = await broker.newUser("liaojiekx");
        const other = await broker.newUser("wususu");
        const li = await Person.at(broker, client, one);
        const wu = await Person.at(broker, client, other);
        const letters = numbered(20);
        const ids = letters.map(newMsgID);
        for (const [index, letter] of letters.entries()) li.post(wu, letter, ids[index]);
        for (const { code } of await li.sendStatus.take(20)) assert.equal(code, 200);
        assert.equal((await wu.confirm((await wu.pushes.next()).chatID)).code, 200);
        await broker.kill();
        await soon("both notice", Promise.all([li.link.closed, wu.link.closed]));
        await broker.again();
        const liAgain = await Person.at(broker, client, one);
        // Whoever did not see the answer asks again, and nothing is doubled.
        assert.equal((await liAgain.send(wu, letters[19], ids[19])).code, 200);
        const wuAgain = await Person.at(broker, client, other);
        await liAgain.send(wu, "after");
        assert.deepEqual(contents(await wuAgain.pushes.take(20)), [...letters.slice(1), "after"]);
        await Promise.all([liAgain.leave(), wuAgain.leave()]);
      } finally {
        await broker.remove();
      }
    });

    test("a broker that stops says so to everybody, and ends well", async () => {
      const broker = await Broker.start();
      try {
        const li = await Person.at(broker, client, await broker.newUser("liaojiekx"));
        await broker.stop();
        assert.equal((await li.link.errors.next()).headers.message, "broker-stopping");
        await soon("the connection closes", li.link.closed);
      } finally {
        await broker.remove();
      }
    });
  });
}

/** What the handshake answers, where it is refused. */
async function handshakeStatus(address) {
  const socket = new WebSocket(address);
  return new Promise((resolve, reject) => {
    socket.on("unexpected-response", (_, answer) => {
      answer.resume();
      socket.on("error", () => {});
      socket.terminate();
      resolve(answer.statusCode);
    });
    socket.on("open", () => reject(new Error("let in")));
  });
}
