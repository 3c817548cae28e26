// Every arrow between gateways: whoever sends, on whatever, reaches whoever is or will be here, on whatever (CONTRACT
// section 8). Each arrow takes the next of its gateways' clients and transports, so that all of them have their turns.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Broker } from "./broker.mjs";
import { gateways, packets, rest, rooms, stomp } from "./gateways/index.mjs";
import { kept } from "./gateways/rest.mjs";
import { befriend, unused } from "./people.mjs";

let broker;

before(async () => {
  broker = await Broker.start();
});

after(() => broker.remove());

/** Gives each of a gateway's ways its turn. */
class Turns {
  #taken = new Map();

  next(gateway) {
    const taken = this.#taken.get(gateway) ?? 0;
    this.#taken.set(gateway, taken + 1);
    return gateway.ways[taken % gateway.ways.length];
  }

  leftOut() {
    const left = (gateway) => gateway.ways.slice(this.#taken.get(gateway) ?? 0).map(({ name }) => `${gateway.name}: ${name}`);
    return gateways.flatMap(left);
  }
}

const [senders, receivers] = [new Turns(), new Turns()];

describe("a message goes", { concurrency: 6 }, () => {
  for (const from of gateways) {
    for (const to of gateways) {
      // One after the other: the two users are the same.
      describe(`from ${from.name} to ${to.name}`, { concurrency: 1 }, () => arrows(from, to));
    }
  }
});

test("every client had its turn on every transport, as sender and as receiver", () => {
  assert.deepEqual([senders.leftOut(), receivers.leftOut()], [[], []]);
});

/** The arrows from one gateway to another, between the same two users. */
function arrows(from, to) {
  let sender;
  let receiver;
  let gid;
  let witness;

  before(async () => {
    [sender, receiver] = await Promise.all([broker.newUser("li"), broker.newUser("wu")]);
    // Packets are for friends only.
    await befriend(broker, sender, receiver);
    const made = await broker.ask("POST", "/api/groups", { name: "geese", members: [receiver.uid] }, sender.token);
    assert.equal(made.status, 201);
    gid = made.body.gid;
    // Delivery is told to a sender on STOMP, whatever the message was sent with.
    witness = await stomp.connect({ broker, user: sender });
  });

  after(async () => {
    const waiting = await broker.ask("GET", "/api/inbox", undefined, receiver.token);
    assert.deepEqual(waiting.body, { messages: [], more: false });
    await witness.leave();
  });

  for (const isGroup of from.groups ? [false, true] : [false]) {
    for (const isOnline of [true, false]) {
      const [senderWay, receiverWay] = [senders.next(from), receivers.next(to)];
      const what = `${isGroup ? "to a group" : "to a user"} ${isOnline ? "on line" : "off line"}`;
      test(`${what} (${senderWay.name} to ${receiverWay.name})`, async (t) => {
        const open = async (gateway, user, way) => {
          const connection = await gateway.connect({ broker, user, way });
          t.after(() => connection.leave());
          return connection;
        };
        const source = await open(from, sender, senderWay);
        const arrive = () => open(to, receiver, receiverWay);
        const [text, last] = [unused("起来聊天 😀"), unused("the last word")];
        const send = (words) => (isGroup ? source.sendGroup(gid, words) : source.send(receiver, words));
        const place = (other) => (isGroup ? { gid } : { user: other });
        // What is kept of these two, as the sender sees it.
        const history = async () => {
          const messages = await kept(broker, sender, place(receiver));
          return messages.filter(({ content }) => content === text || content === last);
        };

        let target;
        if (isOnline) {
          target = await arrive();
          await send(text);
        } else {
          await send(text);
          assert.deepEqual(
            (await history()).map(({ content, state }) => ({ content, state })),
            [{ content: text, state: "stored" }],
          );
          target = await arrive();
        }
        await send(last);

        // Both, in order, and neither twice.
        const came = (await target.inbox.take(2)).map(({ whole, ...rest }) => rest);
        const group = isGroup ? gid : null;
        assert.deepEqual(came, [
          { from: sender.uid, group, text },
          { from: sender.uid, group, text: last },
        ]);

        // By a confirmation, or by what the transport has proved.
        const told = await witness.deliveries.take(2);
        const inHistory = await history();
        assert.deepEqual(
          inHistory.map(({ senderId, content, state }) => ({ senderId, content, state })),
          [
            { senderId: sender.uid, content: text, state: "received" },
            { senderId: sender.uid, content: last, state: "received" },
          ],
        );
        assert.deepEqual(
          told.map(({ msgID, state, reciverId }) => ({ msgID, state, reciverId })),
          inHistory.map(({ msgID }) => ({ msgID, state: "received", reciverId: receiver.uid })),
        );
      });
    }
  }
}

describe("any text arrives as it was written", { concurrency: 4 }, () => {
  const texts = [
    "naïve, café, ÿ",
    "起来聊天".repeat(200),
    "😀👨‍👩‍👧🇨🇳 \u{10ffff}",
    "\0 \u0001 \u001e \u007f \u0085",
    "\u2028 \u2029 \ufeff \uffff",
    "'\"\\ /n \n \r\n \t </script> %20 &amp;",
    " 1:2 42[] a[\"\"] ",
  ];
  for (const gateway of gateways) {
    for (const way of gateway.ways) {
      test(`${gateway.name}, ${way.name}`, async (t) => {
        const [li, wu] = await Promise.all([broker.newUser("li"), broker.newUser("wu")]);
        await befriend(broker, li, wu);
        const [one, two] = await Promise.all([li, wu].map((user) => gateway.connect({ broker, user, way })));
        t.after(() => Promise.all([one.leave(), two.leave()]));
        for (const text of texts) await one.send(wu, text);
        const came = await two.inbox.take(texts.length);
        assert.deepEqual(came.map(({ text }) => text), texts);
        const history = await kept(broker, li, { user: wu });
        assert.deepEqual(history.map(({ content }) => content), texts);
      });
    }
  }
});

test("a group has one order for all of its members, wherever they are", async () => {
  const users = await Promise.all(gateways.map(() => broker.newUser("goose")));
  const [first, ...others] = users;
  const made = await broker.ask("POST", "/api/groups", { members: others.map(({ uid }) => uid) }, first.token);
  const { gid } = made.body;
  const connections = await Promise.all(gateways.map((gateway, index) => gateway.connect({ broker, user: users[index] })));
  const senders = connections.filter((_, index) => gateways[index].groups);
  const rounds = 8;
  const chatter = senders.map(async (sender) => {
    for (let round = 0; round < rounds; round += 1) await sender.sendGroup(gid, unused("honk"));
  });
  await Promise.all(chatter);
  // One message that is not for the first of the others, which leaves no gap.
  const aside = { group: gid, content: "behind your back", ignoreIds: [others[0].uid] };
  assert.equal((await broker.ask("POST", "/api/messages", aside, first.token)).status, 201);
  await senders[0].sendGroup(gid, "the last word");
  const order = await kept(broker, first, { gid });
  assert.equal(order.length, senders.length * rounds + 2);
  for (const [index, { inbox }] of connections.entries()) {
    const isForMe = ({ senderId, content }) => senderId !== users[index].uid && (index !== 1 || content !== aside.content);
    const expected = order.filter(isForMe).map(({ senderId, content }) => ({ from: senderId, group: gid, text: content }));
    const came = await inbox.take(expected.length);
    assert.deepEqual(came.map(({ whole, ...message }) => message), expected, gateways[index].name);
  }
  await Promise.all(connections.map((connection) => connection.leave()));
});

test("whoever is on several gateways at once is told on each, and receives it once", async () => {
  const [li, wu] = await Promise.all([broker.newUser("li"), broker.newUser("wu")]);
  const sender = await stomp.connect({ broker, user: li });
  const told = gateways.filter((gateway) => gateway !== rest);
  const connections = await Promise.all(told.map((gateway) => gateway.connect({ broker, user: wu })));
  const texts = Array.from({ length: 10 }, () => unused("to all of them"));
  for (const text of texts) await sender.send(wu, text);
  for (const [index, { inbox }] of connections.entries()) {
    const came = await inbox.take(texts.length);
    assert.deepEqual(came.map(({ text }) => text), texts, told[index].name);
  }
  const deliveries = await sender.deliveries.take(texts.length);
  const history = await kept(broker, li, { user: wu });
  assert.deepEqual(history.map(({ content, state }) => [content, state]), texts.map((text) => [text, "received"]));
  assert.deepEqual(deliveries.map(({ msgID }) => msgID).sort(), history.map(({ msgID }) => msgID).sort());
  await Promise.all([sender, ...connections].map((connection) => connection.leave()));
  assert.equal(sender.deliveries.length, 0, "each delivery is told once");
});

test("one history is the same on all gateways that have one", async () => {
  const [li, wu] = await Promise.all([broker.newUser("li"), broker.newUser("wu")]);
  await befriend(broker, li, wu);
  const { body } = await broker.ask("POST", "/api/groups", { name: "geese", members: [wu.uid] }, li.token);
  const { gid } = body;
  const [direct, group] = [[], []];
  const open = (user) => Promise.all(gateways.map((gateway) => gateway.connect({ broker, user })));
  const [connectionsOfLi, connectionsOfWu] = [await open(li), await open(wu)];
  for (const [index, gateway] of gateways.entries()) {
    for (const [user, other, connections] of [
      [li, wu, connectionsOfLi],
      [wu, li, connectionsOfWu],
    ]) {
      const text = unused(`${gateway.name} 😀`);
      await connections[index].send(other, text);
      direct.push({ from: user.uid, text });
      if (!gateway.groups) continue;
      const toAll = unused(`${gateway.name} to all`);
      await connections[index].sendGroup(gid, toAll);
      group.push({ from: user.uid, text: toAll });
    }
  }
  for (const gateway of [rest, stomp, rooms, packets]) {
    const index = gateways.indexOf(gateway);
    for (const [user, other, connections] of [
      [li, wu, connectionsOfLi],
      [wu, li, connectionsOfWu],
    ]) {
      const whose = `as ${user.uname} sees it by ${gateway.name}`;
      assert.deepEqual(await connections[index].history({ user: other }), direct, whose);
      assert.deepEqual(await connections[index].history({ gid }), group, whose);
    }
  }
  await Promise.all([...connectionsOfLi, ...connectionsOfWu].map((connection) => connection.leave()));
});
