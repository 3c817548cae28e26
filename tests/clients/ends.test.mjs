// How a connection ends that its client did not end: told why in its gateway's own words, then closed.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Broker } from "./broker.mjs";
import { conversations, packets, rooms, stomp, typed } from "./gateways/index.mjs";

/** What a gateway says last; STOMP's ERROR is told with the close. */
const forms = {
  [rooms.name]: (code, msg) => ({ event: "/ news", info: "error", code, msg }),
  [conversations.name]: (statusCode, error) => ({ event: "refused", statusCode, body: { error } }),
  [typed.name]: (code, error) => ({ event: 5, data: { code, error } }),
  [packets.name]: (_, msg, { id }) => ({ event: "C", id, from: 0, type: "C", msg }),
};

const invalid = { code: 401, sentence: "invalid token", error: "access-refused" };
const stopping = { code: 503, sentence: "the broker is stopping; connect again in a moment", error: "broker-stopping" };

async function ends(gateway, { notices }, { code, sentence, error }) {
  if (gateway === stomp) {
    await assert.rejects(notices.next(), new RegExp(`closed after ERROR ${error}, ${sentence}$`));
    return;
  }
  const told = await notices.next();
  assert.deepEqual(told, forms[gateway.name](code, sentence, told));
  await assert.rejects(notices.next(), /the connection was closed$/);
}

const talking = [stomp, rooms, conversations, typed, packets].flatMap((gateway) =>
  gateway.ways.map((way) => ({ gateway, way })),
);
const named = ({ gateway, way }) => `${gateway.name}, ${way.name}`;

let broker;

before(async () => {
  broker = await Broker.start();
});

after(() => broker.remove());

describe("whoever signs out is told so on every connection of the token", { concurrency: 4 }, () => {
  for (const one of talking) {
    test(named(one), async () => {
      const user = await broker.newUser("li");
      const connection = await one.gateway.connect({ broker, user, way: one.way });
      const { status } = await broker.ask("POST", "/signout", undefined, user.token);
      assert.equal(status, 204);
      await ends(one.gateway, connection, invalid);
    });
  }
});

test("a broker that stops tells everybody", async (t) => {
  const other = await Broker.start();
  t.after(() => other.remove());
  const user = await other.newUser("li");
  // Seed 002 has one connection a user.
  const all = await Promise.all(
    talking.map(async ({ gateway, way }) => {
      const who = gateway === typed ? await other.newUser("wu") : user;
      return { gateway, connection: await gateway.connect({ broker: other, user: who, way }) };
    }),
  );
  const stopped = other.stop();
  for (const { gateway, connection } of all) await ends(gateway, connection, stopping);
  await stopped;
});

describe("seed 002 has one session a user", { concurrency: 4 }, () => {
  for (const way of typed.ways) {
    test(`another device takes its place (${way.name})`, async (t) => {
      const [li, wu] = await Promise.all([broker.newUser("li"), broker.newUser("wu")]);
      const open = (device) => typed.connect({ broker, user: wu, way, device });
      const phone = await open("phone");
      const tablet = await open("tablet");
      t.after(() => tablet.leave());
      assert.deepEqual(await phone.notices.next(), { event: 12, data: {} });
      await assert.rejects(phone.notices.next(), /the connection was closed$/);

      // The old one's end has not put the new one out.
      const shown = await broker.ask("GET", `/api/users/${wu.uid}`, undefined, li.token);
      assert.equal(shown.body.online, true);
      const sender = await stomp.connect({ broker, user: li });
      t.after(() => sender.leave());
      await sender.send(wu, "to whichever device");
      assert.equal((await tablet.inbox.next()).text, "to whichever device");
      assert.equal((await sender.deliveries.next()).state, "received");
    });
  }
});
