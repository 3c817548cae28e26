// What every client must be able to do with the broker. `row` is its line in the table (results.mjs), with the version of
// STOMP that the two must agree on; `client` is
//   connect        see adapters.mjs
//   isCutAnywhere  its messages may be cut inside a surrogate pair, which makes U+FFFD of both halves before they leave
//   isDeaf         it never tells that a handshake was refused
//   concurrency    how many of these it can do at a time, where that is not all of them
//   isBrowser      the broker asks for so few of its heart-beats that nobody can wait for them; and what is no feature of
//                  the table is asked of others
//   startBroker    starts the broker that it needs, where any will not do
//   end            puts away what it was made of, if anything
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import { Refused } from "./adapters.mjs";
import { Broker } from "./broker.mjs";
import { soon } from "./events.mjs";
import { newMsgID, Person, unused } from "./people.mjs";
import { proved } from "./results.mjs";
import { Wire } from "./wire.mjs";

const bodies = (messages) => messages.map(({ body }) => body);
const contents = (messages) => messages.map(({ content }) => content);
const numbered = (count) => Array.from({ length: count }, (_, index) => `letter ${index + 1}`);

export function scenarios(row, client) {
  describe(`${row.client}, ${row.transport}, STOMP ${row.stomp}`, { concurrency: client.concurrency ?? true }, () => {
    const wire = new Wire();
    const connect = (how) => client.connect({ ...how, wire });
    const startBroker = client.startBroker ?? (() => Broker.start());
    let broker;
    before(async () => {
      broker = await startBroker();
    });
    after(async () => {
      await client.end?.();
      await broker.remove();
      assert.deepEqual(wire.faults, [], "what StompProtocolAndroid would lose");
    });

    const users = () => Promise.all([broker.newUser("liaojiekx"), broker.newUser("wususu")]);

    const notLetIn = async (token) => {
      assert.equal(await handshakeStatus(broker.webSocket(token)), 401);
      if (client.isDeaf) return;
      await assert.rejects(connect({ broker, token, headers: {} }), new Refused("closed"));
    };

    /** A test, and the features that it proves. */
    const proof = (what, features, act) => {
      if (client.isBrowser && features.length === 0) return;
      test(what, async () => {
        await act();
        proved(row, features);
      });
    };

    /** Two people who are connected, and leave when the test is over. */
    const scenario = (what, features, act) =>
      proof(what, features, async () => {
        const two = await users();
        const [li, wu] = await Promise.all(two.map((user) => Person.at(broker, connect, user)));
        await act(li, wu);
        await Promise.all([li.leave(), wu.leave()]);
      });

    scenario("a message goes both ways, from SEND to the notice of its delivery", ["chats", "confirms"], async (li, wu) => {
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
      const { msgID: answer } = await wu.send(li, "起来了");
      assert.equal((await li.confirm(answer)).code, 200);
      assert.deepEqual(contents([await li.pushes.next()]), ["起来了"]);
      assert.equal((await wu.deliveries.next()).msgID, answer);
    });

    proof("what comes while somebody is off line waits for init, in order", ["returns"], async () => {
      const [one, other] = await users();
      const li = await Person.at(broker, connect, one);
      const letters = numbered(5);
      for (const letter of letters) li.post(other, letter);
      for (const { code } of await li.sendStatus.take(5)) assert.equal(code, 200);
      const first = await Person.at(broker, connect, other, other.uname);
      await li.send(other, "newer");
      const pushed = await first.pushes.take(6);
      assert.deepEqual(contents(pushed), [...letters, "newer"]);
      for (const { chatID } of pushed.slice(0, 4)) assert.equal((await first.confirm(chatID)).code, 200);
      await first.leave();
      const second = await Person.at(broker, connect, other);
      await li.send(other, "newest");
      assert.deepEqual(contents(await second.pushes.take(3)), ["letter 5", "newer", "newest"]);
      await Promise.all([li.leave(), second.leave()]);
    });

    scenario("the same message again is 200 again, and is pushed once", [], async (li, wu) => {
      const msgID = newMsgID("once");
      assert.equal((await li.send(wu, "once", msgID)).code, 200);
      assert.equal((await li.send(wu, "once", msgID)).code, 200);
      await li.send(wu, "after");
      assert.deepEqual(contents(await wu.pushes.take(2)), ["once", "after"]);
    });

    scenario("the same msgID with another content is 409, and the first stays", [], async (li, wu) => {
      const msgID = newMsgID("first");
      assert.equal((await li.send(wu, "first", msgID)).code, 200);
      const refusal = await li.send(wu, "second", msgID);
      assert.deepEqual([refusal.msgID, refusal.code], [msgID, 409]);
      assert(refusal.content.includes("msgID"), refusal.content);
      await li.send(wu, "after");
      assert.deepEqual(contents(await wu.pushes.take(2)), ["first", "after"]);
    });

    scenario("an unknown receiver and an unknown message are 404", [], async (li) => {
      assert.equal((await li.send({ uid: 4_000_000_000 }, "anybody?")).code, 404);
      assert.equal((await li.confirm(newMsgID("never sent"))).code, 404);
    });

    scenario("a bad body is 400, under its msgID where it has one", [], async (li, wu) => {
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

    scenario("two senders may use one msgID; a confirmation takes what was pushed first", [], async (li, wu) => {
      const su = await Person.at(broker, connect, await broker.newUser("suwu"));
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

    scenario("all sessions of a user get what is sent to them", [], async (li, wu) => {
      const elsewhere = await Person.at(broker, connect, wu.user);
      await li.send(wu, "to both");
      assert.deepEqual(contents([await wu.pushes.next(), await elsewhere.pushes.next()]), ["to both", "to both"]);
      await elsewhere.leave();
    });

    scenario("any words arrive as they were written", client.isCutAnywhere ? [] : ["text"], async (li, wu) => {
      const words = ["", "   ", "\0 \\ \" \n\r\n a:b\\n\\c", "鸿雁", "é \u2028", "雁".repeat(20_000)];
      if (!client.isCutAnywhere) words.push("🪿 👩‍👩‍👧");
      for (const word of words) li.post(wu, word);
      for (const { code } of await li.sendStatus.take(words.length)) assert.equal(code, 200);
      assert.deepEqual(contents(await wu.pushes.take(words.length)), words);
    });

    proof("somebody else's messages are refused", ["error"], async () => {
      const [li, wu] = await users();
      for (const destination of [`/user/${wu.uid}/recive`, `/user/${wu.uname}/recive`, "/user/nobody/recive"]) {
        const link = await connect({ broker, token: li.token, headers: {} });
        link.subscribe(destination, () => assert.fail("a push"), { receipt: "mine" });
        const { headers, body } = await link.errors.next();
        assert.deepEqual([headers.message, headers["receipt-id"]], ["access-denied", "mine"]);
        assert(body.startsWith("access denied"), body);
        await soon("the connection closes", link.closed);
      }
    });

    proof("nobody comes in with a wrong token or password", ["refused"], async () => {
      const [li] = await users();
      const wrong = `${li.token.slice(0, -4)}AAAA`;
      await notLetIn(wrong);
      for (const headers of [{}, { srect: wrong }, { login: "", passcode: wrong }, { login: li.uname, passcode: "wrong" }]) {
        await assert.rejects(connect({ broker, token: "", headers }), new Refused("access-refused"));
      }
    });

    proof("a token or a password in CONNECT will do", [], async () => {
      const [li] = await users();
      for (const headers of [
        { srect: li.token },
        { Authorization: `Bearer ${li.token}` },
        { login: "", passcode: li.token },
        { login: li.uname, passcode: li.password },
      ]) {
        const link = await connect({ broker, token: "", headers });
        link.subscribe(`/user/${li.uid}/recive`, () => {}, { receipt: "mine" });
        assert.equal(await link.receipts.next(), "mine");
        await link.leave();
      }
    });

    scenario("heart-beats keep a quiet connection", ["beats"], async (li, wu) => {
      await Promise.all([li.link.beatsIn.take(4), li.link.beatsOut.take(client.isBrowser ? 0 : 2)]);
      assert.equal((await li.send(wu, "still here")).code, 200);
    });

    scenario("the version is the best of both, and every RECEIPT comes after its outcome", ["receipts"], async (li, wu) => {
      assert.equal(li.link.version, row.stomp);
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

    scenario("an ACK confirms, too", [], async (li, wu) => {
      const elsewhere = await connect({ broker, token: wu.user.token, headers: {} });
      const how = { ack: "client-individual", receipt: "on" };
      elsewhere.subscribe(`/user/${wu.user.uid}/recive`, (message) => message.ack(), how);
      assert.equal(await elsewhere.receipts.next(), "on");
      const { msgID } = await li.send(wu, "acknowledge me");
      assert.equal((await li.deliveries.next()).msgID, msgID);
      await elsewhere.leave();
    });

    scenario("a transaction sends all at its COMMIT, and nothing after an ABORT", ["transaction"], async (li, wu) => {
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

    scenario("a topic reaches whoever subscribes to it then, by its name or by a pattern", ["topic"], async (li, wu) => {
      const topic = `/topic/${unused("news")}/sport`;
      const pattern = topic.replace("sport", "*");
      await li.put(topic, "too early");
      const [byName, byPattern] = await Promise.all([li.listen(topic), wu.listen(pattern)]);
      await wu.put(topic, "a goal 🪿");
      for (const [destination, listener] of [
        [topic, byName],
        [pattern, byPattern],
      ]) {
        const { body, headers } = await listener.next();
        assert.equal(body, client.isCutAnywhere ? body : "a goal 🪿");
        assert.deepEqual([headers.destination, headers.topic], [destination, topic]);
      }
      byPattern.unsubscribe();
      await wu.put(topic, "without me");
      const again = await wu.listen(pattern);
      await li.put(topic, "with me again");
      assert.deepEqual(bodies(await byName.take(2)), ["without me", "with me again"]);
      assert.deepEqual(bodies([await again.next()]), ["with me again"]);
    });

    scenario("what is sent to a queue waits for a consumer, and comes once", ["queue"], async (li, wu) => {
      const queue = `/queue/${unused("jobs")}`;
      for (const job of ["one", "two"]) await li.put(queue, job);
      const consumer = await wu.listen(queue);
      assert.deepEqual(bodies(await consumer.take(2)), ["one", "two"]);
      consumer.unsubscribe();
      await wu.put(queue, "three");
      const { body, headers } = await (await li.listen(queue)).next();
      assert.deepEqual([body, headers.destination, headers.redelivered], ["three", queue, undefined]);
    });

    scenario("what a consumer of a queue acknowledged is gone, the rest goes to the next", ["ack"], async (li, wu) => {
      const queue = `/queue/${unused("jobs")}`;
      const first = await li.listen(queue, { ack: "client-individual" });
      for (const job of ["one", "two", "three"]) await wu.put(queue, job);
      const [, two] = await first.take(3);
      await li.ack(two);
      await li.leave();
      const next = await wu.listen(queue, { ack: "client-individual" });
      const again = await next.take(2);
      assert.deepEqual(
        again.map(({ body, headers }) => [body, headers.redelivered]),
        [
          ["one", "true"],
          ["three", "true"],
        ],
      );
      for (const message of again) await wu.ack(message);
      await wu.put(queue, "four");
      assert.deepEqual(bodies([await next.next()]), ["four"]);
    });

    scenario("what a consumer of a queue refuses comes again", ["nack"], async (li) => {
      const queue = `/queue/${unused("jobs")}`;
      const consumer = await li.listen(queue, { ack: "client-individual", "prefetch-count": "1" });
      for (const job of ["one", "two"]) await li.put(queue, job);
      const first = await consumer.next();
      assert.deepEqual([first.body, first.headers.redelivered], ["one", undefined]);
      first.nack();
      const again = await consumer.next();
      assert.deepEqual([again.body, again.headers.redelivered], ["one", "true"]);
      again.ack();
      assert.deepEqual(bodies([await consumer.next()]), ["two"]);
    });

    proof("an ERROR says which frame was wrong, and why", ["error"], async () => {
      const [li] = await users();
      const link = await connect({ broker, token: li.token, headers: {} });
      link.send("/topic/*", "to many", { receipt: "which" });
      const { headers, body } = await link.errors.next();
      assert.deepEqual([headers.message, headers["receipt-id"]], ["unknown-destination", "which"]);
      assert(body.includes("/topic/NAME"), body);
      await soon("the connection closes", link.closed);
    });

    proof("log-out ends the session", [], async () => {
      const [user] = await users();
      const li = await Person.at(broker, connect, user);
      assert.equal((await broker.ask("POST", "/api/logout", {}, user.token)).status, 204);
      assert.equal((await li.link.errors.next()).headers.message, "access-refused");
      await soon("the connection closes", li.link.closed);
      await notLetIn(user.token);
    });

    proof("after kill -9 everything that got 200 is there", ["returns"], async () => {
      const broker = await startBroker();
      try {
        const one = await broker.newUser("liaojiekx");
        const other = await broker.newUser("wususu");
        const li = await Person.at(broker, connect, one);
        const wu = await Person.at(broker, connect, other);
        const letters = numbered(20);
        const ids = letters.map(newMsgID);
        for (const [index, letter] of letters.entries()) li.post(wu, letter, ids[index]);
        for (const { code } of await li.sendStatus.take(20)) assert.equal(code, 200);
        assert.equal((await wu.confirm((await wu.pushes.next()).chatID)).code, 200);
        await broker.kill();
        await soon("both notice", Promise.all([li.link.closed, wu.link.closed]));
        await broker.again();
        const liAgain = await Person.at(broker, connect, one);
        // Whoever did not see the answer asks again, and nothing is doubled.
        assert.equal((await liAgain.send(wu, letters[19], ids[19])).code, 200);
        const wuAgain = await Person.at(broker, connect, other);
        await liAgain.send(wu, "after");
        assert.deepEqual(contents(await wuAgain.pushes.take(20)), [...letters.slice(1), "after"]);
        await Promise.all([liAgain.leave(), wuAgain.leave()]);
      } finally {
        await broker.remove();
      }
    });

    proof("a broker that stops says so to everybody, and ends well", [], async () => {
      const broker = await startBroker();
      try {
        const li = await Person.at(broker, connect, await broker.newUser("liaojiekx"));
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
