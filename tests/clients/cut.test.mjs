// A connection that is cut without a word right after a push: what the client may never have seen comes again on its next
// connection. Neither side is told: the old connection stands, and swallows what is said.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Broker } from "./broker.mjs";
import { conversations, packets, rooms, stomp, typed } from "./gateways/index.mjs";
import { kept } from "./gateways/rest.mjs";
import { befriend, unused } from "./people.mjs";
import { Proxy } from "./proxy.mjs";

let broker;

before(async () => {
  broker = await Broker.start();
});

after(() => broker.remove());

// REST has no pushes; its client confirms what an answer has brought in a call of its own.
for (const gateway of [stomp, rooms, conversations, typed, packets]) {
  for (const way of gateway.ways) {
    describe(`${gateway.name}, ${way.name}`, { concurrency: true }, () => cut(gateway, way));
  }
}

function cut(gateway, way) {
  const scene = async (t) => {
    const [li, wu] = await Promise.all([broker.newUser("li"), broker.newUser("wu")]);
    await befriend(broker, li, wu);
    const [sender, proxy] = await Promise.all([stomp.connect({ broker, user: li }), Proxy.before(broker)]);
    t.after(() => Promise.all([sender.leave(), proxy.close()]));
    const there = await gateway.connect({ broker, user: wu, way, url: proxy.url });
    // It hears, and what it has heard so far is proved.
    await sender.send(wu, "the first");
    assert.equal((await there.inbox.next()).text, "the first");
    await sender.deliveries.next();
    return { t, li, wu, sender, proxy };
  };

  /** On the next connection it comes, once, and then it is received. */
  const again = async ({ t, li, wu, sender }, text) => {
    const waiting = await broker.ask("GET", "/api/inbox", undefined, wu.token);
    assert.deepEqual(waiting.body.messages.map(({ content }) => content), [text], "nothing has proved that it arrived");
    const back = await gateway.connect({ broker, user: wu, way });
    t.after(() => back.leave());
    await sender.send(wu, "the last");
    const came = await back.inbox.take(2);
    assert.deepEqual(came.map((message) => message.text), [text, "the last"]);
    await sender.deliveries.take(2);
    const history = await kept(broker, li, { user: wu });
    assert.deepEqual(
      history.map(({ content, state }) => [content, state]),
      ["the first", text, "the last"].map((content) => [content, "received"]),
    );
  };

  test("what was pushed and swallowed comes again", async (t) => {
    const stage = await scene(t);
    const text = unused("swallowed");
    const pushed = stage.proxy.said(text);
    stage.proxy.swallow("up", "down");
    await stage.sender.send(stage.wu, text);
    await pushed;
    await again(stage, text);
  });

  test("what arrived, and whose proof was swallowed, comes again", async (t) => {
    const stage = await scene(t);
    const text = unused("unproved");
    stage.proxy.swallow("up");
    const pushed = stage.proxy.said(text);
    await stage.sender.send(stage.wu, text);
    await pushed;
    await again(stage, text);
  });
}
