// The console in a headless Chromium, against the broker that serves it. HONGYAN_PICTURES=DIR keeps pictures of what it saw;
// picture.mjs makes the one for the README.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Broker } from "./broker.mjs";
import { desktop, findChromium, launch, NoChromium, phone, Side } from "./browser.mjs";

const password = "correct horse battery";
const person = (name) => ({ name, password });

const skip = process.env.HONGYAN_SKIP_PAGE === "1" && "HONGYAN_SKIP_PAGE=1";
const hasBrowser = findChromium() !== undefined;

test("there is a browser for the console", { skip }, () => {
  if (!hasBrowser) throw new NoChromium();
});

describe("the console", { skip: skip || (!hasBrowser && "no Chromium") }, () => {
  const pictures = process.env.HONGYAN_PICTURES;
  let browser, broker, own;
  before(async () => {
    browser = await launch();
    broker = await Broker.start();
    own = await Broker.start();
  });
  after(async () => {
    await browser?.close();
    await broker?.remove();
    await own?.remove();
  });

  /** A fresh visitor. `act` gets both sides; afterwards nothing may have gone wrong behind the scenes. */
  const visit = (what, { at = () => broker.url, viewport = desktop, refusals = [], colorScheme }, act) =>
    test(what, async () => {
      const context = await browser.newContext({ viewport, colorScheme });
      const page = await context.newPage();
      const wrong = [];
      page.on("pageerror", (error) => wrong.push(String(error)));
      page.on("console", (message) => {
        if (!["error", "warning"].includes(message.type())) return;
        // A browser calls every answer of 4xx an error; those that the test asks for are none.
        const status = /^Failed to load resource.* status of (\d+)/.exec(message.text())?.[1];
        if (!refusals.includes(Number(status))) wrong.push(message.text());
      });
      try {
        await page.goto(`${at()}/`);
        await act(new Side(page, "left"), new Side(page, "right"), page);
        assert.deepEqual(wrong, [], "errors and violations of the policy in the browser's console");
      } finally {
        await context.close();
      }
    });

  const picture = (page, name) => page.screenshot(pictures ? { path: join(pictures, `${name}.png`) } : {});

  /** Both come in and open their conversation. */
  async function meet(left, right, one, other) {
    const [leftUid, rightUid] = [await left.register(person(one)), await right.register(person(other))];
    await left.chatWith(other);
    await left.isReadyToWrite();
    await right.chatWith(leftUid);
    await right.isReadyToWrite();
    return [leftUid, rightUid];
  }

  visit("two people chat, and see what became of each message", {}, async (left, right, page) => {
    await picture(page, "welcome");
    await meet(left, right, "liaojiekx", "wususu");
    await left.write("起来聊天");
    await right.message("起来聊天", { mine: false, state: "received" }).waitFor();
    await left.message("起来聊天", { mine: true, state: "received" }).waitFor();
    await right.write("I am up,\nsince 6 🪿");
    await left.message("since 6 🪿", { mine: false, state: "received" }).waitFor();
    await right.message("since 6 🪿", { mine: true, state: "received" }).waitFor();
    for (const side of [left, right]) assert.deepEqual(await side.contents(), ["起来聊天", "I am up,\nsince 6 🪿"]);
    await left.id("peer-presence", { here: true }).waitFor();
    await picture(page, "chat");
  });

  visit("what comes while somebody is off line comes in order when they are back", {}, async (left, right, page) => {
    await meet(left, right, "off-1", "off-2");
    await right.flip("offline");
    const letters = ["one", "two", "three"];
    for (const letter of letters) await left.write(letter);
    await left.message("three", { state: "committed" }).waitFor();
    await picture(page, "offline");
    await right.write("written off line");
    await right.message("written off line", { state: "pending" }).waitFor();
    await right.id("conversation", { name: "off-1" }).click();
    assert.deepEqual(await right.contents(), ["written off line"]);
    await right.flip("online");
    await left.message("three", { state: "received" }).waitFor();
    await left.message("written off line", { mine: false }).waitFor();
    await right.message("three", { mine: false }).waitFor();
    assert.deepEqual(
      (await right.contents()).filter((content) => letters.includes(content)),
      letters,
    );
  });

  visit("what was not on the screen is counted, and not confirmed", {}, async (left, right, page) => {
    await meet(left, right, "unread-1", "unread-2");
    const third = await broker.newUser("unread-3");
    for (const content of ["psst", "psst!"]) {
      await broker.ask("POST", "/api/messages", { to: "unread-1", content }, third.token);
    }
    const conversation = left.id("conversation", { name: third.uname });
    await conversation.getByTestId("unread").filter({ hasText: "2" }).waitFor();
    const tab = page.locator('[data-testid="tab"][data-side="left"]');
    await tab.getByTestId("tab-unread").filter({ hasText: "2" }).waitFor({ state: "attached" });
    await picture(page, "unread");
    const again = await broker.ask("POST", "/api/login", person("unread-1"));
    const waiting = await broker.ask("GET", "/api/inbox", undefined, again.body.token);
    assert.equal(waiting.body.messages.length, 2, "what was not on the screen is not confirmed");
    await conversation.click();
    await left.message("psst!", { state: "received" }).waitFor();
    await conversation.getByTestId("unread").waitFor({ state: "hidden" });
  });

  visit("what a stranger sends by Socket.IO has their name, and is unread though received", {}, async (left) => {
    await left.register(person("reader"));
    await speak(left, "socket.io");
    const [third, reader] = [await broker.newUser("stranger"), await broker.ask("POST", "/api/login", person("reader"))];
    for (const content of ["psst", "psst!"]) {
      await broker.ask("POST", "/api/messages", { to: "reader", content }, third.token);
    }
    const conversation = left.id("others").locator(`[data-testid="conversation"][data-name="${third.uname}"]`);
    const unread = conversation.getByTestId("unread");
    await unread.filter({ hasText: "2" }).waitFor();
    let waiting;
    do waiting = (await broker.ask("GET", "/api/inbox", undefined, reader.body.token)).body.messages;
    while (waiting.length > 0);
    assert.equal(await unread.textContent(), "2");
    await conversation.click();
    await left.message("psst!", { state: "received" }).waitFor();
    await unread.waitFor({ state: "hidden" });
    assert.deepEqual(await left.contents(), ["psst", "psst!"]);
  });

  visit("the transport may be changed at any time", {}, async (left, right) => {
    await meet(left, right, "way-1", "way-2");
    for (const transport of ["websocket", "sockjs"]) {
      await left.id("transport").selectOption(transport);
      await left.id("carrier").filter({ hasText: "websocket" }).waitFor();
      await left.write(`by ${transport}`);
      await left.message(`by ${transport}`, { state: "received" }).waitFor();
      await right.message(`by ${transport}`, { mine: false }).waitFor();
    }
  });

  /** Chooses what a side talks by, and waits until it does. */
  async function speak(side, protocol) {
    await side.id("transport").selectOption(protocol);
    await side.id("carrier", { protocol }).waitFor();
  }

  /** The left one asks, the right one says yes, and both know. */
  async function befriend(left, right) {
    await left.id("befriend").click();
    await left.id("bond", { bond: "asked" }).waitFor();
    await right.id("friend-request").getByTestId("accept").click();
    for (const side of [left, right]) await side.id("bond", { bond: "friend" }).waitFor();
  }

  /** Each writes to the other, who has it, and learns that they have it. */
  async function talk(left, right, about) {
    for (const [from, to, words] of [
      [left, right, `there: ${about}`],
      [right, left, `and back: ${about}`],
    ]) {
      await from.write(words);
      await to.message(words, { mine: false }).waitFor();
      await from.message(words, { mine: true, state: "received" }).waitFor();
    }
  }

  for (const protocol of ["socket.io", "socket.io:polling"]) {
    visit(`a STOMP user talks to a user of ${protocol}`, {}, async (left, right, page) => {
      await meet(left, right, `${protocol}-1`, `${protocol}-2`);
      await speak(right, protocol);
      await talk(left, right, "SockJS");
      await speak(left, "websocket");
      await talk(left, right, "WebSocket");
      await speak(left, "socket.io");
      await talk(left, right, "none");
      // What each saw is one history, in one order.
      const contents = await left.contents();
      assert.equal(contents.length, 6);
      assert.deepEqual(await right.contents(), contents);
      await picture(page, protocol.replace(":", "-"));
    });
  }

  visit("packets go between friends, whom STOMP and Socket.IO make", {}, async (left, right, page) => {
    await meet(left, right, "packets-1", "packets-2");
    await speak(right, "packets");
    await right.id("cannot-write").filter({ visible: true, hasText: "friends only" }).waitFor();
    await picture(page, "strangers");
    await right.id("befriend-to-write").click();
    await left.id("friend-request").getByTestId("accept").click();
    await right.id("cannot-write").waitFor({ state: "hidden" });
    await talk(left, right, "STOMP");
    await speak(left, "socket.io");
    await talk(left, right, "Socket.IO");
    await speak(left, "packets");
    await talk(left, right, "packets");
    assert.deepEqual(await right.contents(), await left.contents());
  });

  visit("what was written off line goes by another protocol, once", {}, async (left, right) => {
    await meet(left, right, "other-1", "other-2");
    await left.flip("offline");
    await right.flip("offline");
    for (const words of ["one", "two"]) await left.write(words);
    await left.message("two", { state: "pending" }).waitFor();
    for (const side of [left, right]) await side.id("transport").selectOption("socket.io");
    await left.flip("online");
    await left.message("two", { state: "committed" }).waitFor();
    await right.flip("online");
    await right.message("two", { mine: false }).waitFor();
    await left.message("two", { state: "received" }).waitFor();
    for (const side of [left, right]) assert.deepEqual(await side.contents(), ["one", "two"]);
  });

  for (const protocol of ["sockjs", "socket.io", "packets"]) {
    visit(`a friend's dot tells whether they are here (${protocol})`, {}, async (left, right, page) => {
      await meet(left, right, `dot-${protocol}-1`, `dot-${protocol}-2`);
      await befriend(left, right);
      await speak(left, protocol);
      const dot = (here) => left.id("friends").locator(`[data-testid="presence"][data-here="${here}"]`).waitFor();
      await dot(true);
      await right.flip("offline");
      await dot(false);
      await left.id("peer-presence", { here: false }).waitFor();
      await picture(page, `dot-${protocol.replace(".", "")}`);
      await right.flip("online");
      await dot(true);
      await left.id("peer-presence", { here: true }).waitFor();
    });
  }

  for (const protocol of ["websocket", "socket.io"]) {
    visit(`friends are asked for, refused, made and lost (${protocol})`, {}, async (left, right, page) => {
      await meet(left, right, `friend-${protocol}-1`, `friend-${protocol}-2`);
      await speak(left, protocol);
      await speak(right, protocol);
      await left.id("befriend").click();
      await left.id("bond", { bond: "asked" }).waitFor();
      await right.id("friend-request").waitFor();
      await picture(page, "request");
      await right.id("friend-request").getByTestId("reject").click();
      for (const side of [left, right]) await side.id("bond", { bond: "none" }).waitFor({ state: "attached" });
      await befriend(left, right);
      await right.id("unfriend").click();
      for (const side of [left, right]) await side.id("bond", { bond: "none" }).waitFor({ state: "attached" });
    });
  }

  visit("a group of two, one by STOMP and one by Socket.IO", { refusals: [403, 404] }, async (left, right, page) => {
    const [leftUid, rightUid] = await meet(left, right, "group-1", "group-2");
    await speak(right, "socket.io");
    await left.id("make-group").click();
    await left.id("with").filter({ hasText: "group-1 & group-2" }).waitFor();
    await right.id("groups").getByTestId("conversation").click();
    await left.write("to all");
    await right.message("to all", { mine: false }).getByTestId("sender").filter({ hasText: "group-1" }).waitFor();
    await right.write("from all");
    await left.message("from all", { mine: false }).getByTestId("sender").filter({ hasText: "group-2" }).waitFor();
    await right.message("from all", { mine: true, state: "committed" }).waitFor();
    await left.id("member-count").filter({ hasText: "2 members" }).click();
    await left.id("member", { uid: leftUid }).waitFor();
    await left.id("member", { uid: rightUid }).filter({ hasText: "group-2, admin" }).waitFor();
    await picture(page, "group");
    await speak(left, "packets");
    await left.id("cannot-write").filter({ hasText: "no groups" }).waitFor();
    await right.write("heard all the same");
    await left.message("heard all the same", { mine: false }).waitFor();
    await speak(left, "sockjs");
    await right.id("leave-group").click();
    await right.id("groups").waitFor({ state: "hidden" });
    await left.id("member-count").filter({ hasText: "1 member" }).waitFor();
    await left.id("member", { uid: rightUid }).waitFor({ state: "detached" });
  });

  visit("refusals are told in words", { refusals: [401, 404, 409, 422] }, async (left, right, page) => {
    await left.register(person("taken"));
    await right.fill(person("taken"));
    await right.id("register").click();
    await right.isRefused("login", /taken/);
    await picture(page, "refused");
    await right.fill({ name: "taken", password: "not this one" });
    await right.id("log-in").click();
    await right.isRefused("login", /password/);
    await right.fill({ name: "short", password: "short" });
    await right.id("register").click();
    await right.isRefused("login", /8/);
    await left.chatWith("nobody at all");
    await left.isRefused("chat", /no such user/);
    await left.chatWith("taken");
    await left.isRefused("chat", /That is you/);
  });

  visit("a message that is refused says why, and can be sent again", {}, async (left, right) => {
    await meet(left, right, "long-1", "long-2");
    await left.write("x".repeat(70_000));
    await left.id("message", { state: "failed" }).waitFor();
    await left.isRefused("message", /65536|64/);
    await left.write("shorter");
    await left.message("shorter", { state: "received" }).waitFor();
  });

  visit("whoever logs out is out, and may come back to what was said", { refusals: [401] }, async (left, right, page) => {
    await meet(left, right, "out-1", "out-2");
    await left.write("before");
    await left.message("before", { state: "received" }).waitFor();
    await left.id("log-out").click();
    await left.id("log-in").waitFor();
    await right.id("peer-presence", { here: false }).waitFor();
    await left.fill(person("out-1"));
    await left.id("log-in").click();
    await left.isOnLine();
    await left.id("conversation", { name: "out-2" }).click();
    await left.message("before", { state: "received" }).waitFor();
    // Who is logged in stays so when the page is loaded again.
    await page.reload();
    await left.isOnLine();
    await right.isOnLine();
  });

  visit("the page comes back by itself after kill -9", { at: () => own.url }, async (left, right, page) => {
    await meet(left, right, "kill-1", "kill-2");
    await left.write("before");
    await left.message("before", { state: "received" }).waitFor();
    page.removeAllListeners("console"); // The browser will complain of every try.
    await own.kill();
    await left.id("connection-state", { state: "waiting" }).waitFor();
    await left.write("while it was down");
    await left.message("while it was down", { state: "pending" }).waitFor();
    await picture(page, "lost");
    await own.again();
    await left.message("while it was down", { state: "received" }).waitFor();
    await right.message("while it was down", { mine: false }).waitFor();
    assert.deepEqual(await right.contents(), ["before", "while it was down"]);
  });

  visit("so it does by Socket.IO and by packets", { at: () => own.url }, async (left, right, page) => {
    await meet(left, right, "kill-3", "kill-4");
    await befriend(left, right);
    await speak(left, "socket.io");
    await speak(right, "packets");
    page.removeAllListeners("console"); // The browser will complain of every try.
    await own.kill();
    for (const side of [left, right]) await side.id("connection-state", { state: "waiting" }).waitFor();
    await left.write("one");
    await right.write("another");
    await own.again();
    for (const side of [left, right]) {
      await side.isOnLine();
      for (const words of ["one", "another"]) await side.message(words, { state: "received" }).waitFor();
    }
    assert.deepEqual(await right.contents(), await left.contents());
  });

  for (const [name, viewport] of Object.entries({ desktop, phone })) {
    visit(`"Try it" makes two people who can write at once (${name})`, { viewport }, async (left, right, page) => {
      await page.getByTestId("try-it").click();
      await left.isOnLine();
      await left.id("with").filter({ hasText: await right.id("me").textContent() }).waitFor();
      await left.isReadyToWrite();
      await page.keyboard.type("hello");
      await page.keyboard.press("Enter");
      await left.message("hello", { mine: true }).waitFor();
      if (viewport === phone) {
        await page.locator('[data-testid="tab"][data-side="right"]').click();
      }
      await right.message("hello", { mine: false, state: "received" }).waitFor();
      await right.write("hello yourself");
      await right.message("hello yourself", { mine: true }).waitFor();
      await picture(page, `try-${name}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert(wide <= viewport.width, `nothing sticks out at the side (${wide} px)`);
    });
  }

  visit("the page at a phone, empty", { viewport: phone }, async (left, _, page) => {
    await left.id("log-in").waitFor();
    await picture(page, "welcome-phone");
  });

  visit("the page in the dark", { colorScheme: "dark" }, async (left, right, page) => {
    await meet(left, right, "dark-1", "dark-2");
    await left.write("晚安");
    await left.message("晚安", { state: "received" }).waitFor();
    await picture(page, "dark");
  });

  describe("below a context path", () => {
    let mimi;
    before(async () => {
      mimi = await Broker.start({ contextPath: "/Mimi" });
    });
    after(() => mimi?.remove());

    visit("everything is there", { at: () => mimi.url }, async (left, right) => {
      await meet(left, right, "liaojiekx", "wususu");
      for (const transport of ["websocket", "sockjs"]) {
        await right.id("transport").selectOption(transport);
        await right.isOnLine();
        await right.write(transport);
        await left.message(transport, { mine: false, state: "received" }).waitFor();
      }
    });
  });
});
