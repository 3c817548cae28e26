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
