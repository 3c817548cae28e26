import { beforeEach, describe, expect, test } from "vitest";
import { Conversation } from "../src/model/conversation";
import { flock, me, mine, peer, pushed, stored } from "./support";

let conversation: Conversation;
const order = () => conversation.messages.map(({ msgID }) => msgID);
const states = () => conversation.messages.map(({ state }) => state);

beforeEach(() => {
  conversation = new Conversation(me.uid, peer);
});

describe("duplicates", () => {
  test("a message pushed twice is one message", () => {
    const first = conversation.receive(pushed(1));
    expect(conversation.receive(pushed(1))).toBe(first);
    expect(order()).toEqual(["m1"]);
  });

  test("a message pushed and then found in history is one message", () => {
    conversation.receive(pushed(1));
    conversation.merge([stored(pushed(1))]);
    expect(order()).toEqual(["m1"]);
  });

  test("the same msgID from either side is two messages", () => {
    conversation.write("same", "mine", 5);
    conversation.receive(pushed(1, "theirs", "same"));
    expect(conversation.messages.map(({ content }) => content)).toEqual(["theirs", "mine"]);
  });
});

describe("order", () => {
  test("is the order of ids, whatever the order of arrival", () => {
    for (const id of [3, 1, 2]) conversation.receive(pushed(id));
    expect(order()).toEqual(["m1", "m2", "m3"]);
  });

  test("what is not accepted stays last", () => {
    conversation.write("a", "a", 1);
    conversation.receive(pushed(7));
    expect(order()).toEqual(["m7", "a"]);
  });

  test("an accepted message keeps its place before what comes later", () => {
    conversation.receive(pushed(1));
    const written = conversation.write("a", "a", 1);
    conversation.answered(written, 200, "");
    conversation.receive(pushed(9));
    expect(order()).toEqual(["m1", "a", "m9"]);
    expect(conversation.write("b", "b", 2)).toBe(conversation.last);
  });

  test("several accepted messages stand in the order of acceptance", () => {
    const [a, b] = [conversation.write("a", "a", 1), conversation.write("b", "b", 2)];
    conversation.answered(b, 200, "");
    conversation.answered(a, 200, "");
    expect(order()).toEqual(["b", "a"]);
  });

  test("is a guess when two messages crossed, until history settles it", () => {
    const written = conversation.write("a", "a", 1);
    conversation.receive(pushed(5));
    expect(conversation.orderUnsure).toBe(false);
    conversation.answered(written, 200, "");
    expect(conversation.orderUnsure).toBe(true);
    conversation.merge([stored(pushed(5)), mine(4, "a")]);
    expect(conversation.orderUnsure).toBe(false);
    expect(order()).toEqual(["a", "m5"]);
  });
});

describe("ticks", () => {
  test("pending, committed, received", () => {
    const written = conversation.write("a", "a", 1);
    expect(states()).toEqual(["pending"]);
    conversation.answered(written, 200, "");
    expect(states()).toEqual(["committed"]);
    conversation.received(written);
    expect(states()).toEqual(["received"]);
  });

  test("never go back", () => {
    const written = conversation.write("a", "a", 1);
    conversation.received(written);
    conversation.answered(written, 200, "");
    conversation.answered(written, 429, "too fast");
    conversation.merge([mine(3, "a")]);
    expect(states()).toEqual(["received"]);
    expect(written.refusal).toBeNull();
  });

  test("history brings those that were missed off line", () => {
    const written = conversation.write("a", "a", 1);
    conversation.answered(written, 200, "");
    conversation.merge([mine(3, "a", "received")]);
    expect(states()).toEqual(["received"]);
  });
});

describe("failure", () => {
  test("keeps the broker's words, and the message is sent again under the same msgID", () => {
    const written = conversation.write("a", "a", 1);
    conversation.answered(written, 429, "too fast");
    expect(written).toMatchObject({ state: "failed", refusal: "too fast" });
    conversation.writeAgain(written);
    expect(written).toMatchObject({ state: "pending", refusal: null, msgID: "a" });
    expect(conversation.pending).toEqual([written]);
    conversation.answered(written, 200, "");
    expect(states()).toEqual(["committed"]);
  });

  test("a late answer still counts", () => {
    const written = conversation.write("a", "a", 1);
    conversation.answered(written, 0, "no answer");
    conversation.answered(written, 200, "");
    expect(states()).toEqual(["committed"]);
  });

  test("what was accepted is not sent again", () => {
    const written = conversation.write("a", "a", 1);
    conversation.answered(written, 200, "");
    conversation.writeAgain(written);
    expect(conversation.pending).toEqual([]);
  });
});

describe("unread", () => {
  test("counts what came and was not seen; one's own never counts", () => {
    conversation.write("a", "a", 1);
    conversation.receive(pushed(1));
    conversation.receive(pushed(2));
    conversation.receive(pushed(2));
    expect(conversation.unread).toBe(2);
  });

  test("seeing a message sees all before it, once", () => {
    const [first, second, third] = [1, 2, 3].map((id) => conversation.receive(pushed(id)));
    expect(conversation.see(second!)).toEqual([first, second]);
    expect(conversation.see(second!)).toEqual([]);
    expect(conversation.unread).toBe(1);
    expect(third!.seen).toBe(false);
  });

  test("what turns up above a seen message is not news", () => {
    conversation.see(conversation.receive(pushed(5)));
    expect(conversation.receive(pushed(3)).seen).toBe(true);
    expect(conversation.receive(pushed(6)).seen).toBe(false);
  });

  test("what history calls received is read", () => {
    conversation.merge([stored(pushed(2)), stored(pushed(1), "received")]);
    expect(conversation.unread).toBe(1);
  });
});

test("is worth another look while history may tell of a receipt", () => {
  expect(conversation.hasUnreceived).toBe(false);
  conversation.merge([mine(1, "a")]);
  expect(conversation.hasUnreceived).toBe(true);
  conversation.merge([mine(1, "a", "received")]);
  expect(conversation.hasUnreceived).toBe(false);
  const group = new Conversation(me.uid, flock);
  group.answered(group.write("a", "a", 1), 200, "");
  expect(group.hasUnreceived).toBe(false);
});
