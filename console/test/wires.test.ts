import { beforeEach, describe, expect, test, vi } from "vitest";
import { msgIdOfShown, ownIdOf, packetIdOf } from "../src/model/msgid";
import { Seed004 } from "../src/wires/packets";
import { obstacle } from "../src/wires/protocols";
import { Seed000 } from "../src/wires/socketio";
import type { WireListener } from "../src/wires/wire";
import { flock, me, peer } from "./support";

const letter = { msgID: "m", content: "起来", time: 1504712402000 };
const answered = (code: number, content: string) => ({ msgID: "m", code, status: "", content });
let told: [string, ...unknown[]][];
let listener: WireListener;

beforeEach(() => {
  told = [];
  listener = new Proxy({} as WireListener, {
    get: (_, name: string) =>
      vi.fn((...said: unknown[]) => {
        told.push([name, ...said]);
      }),
  });
});

describe("Socket.IO, seed 000", () => {
  let dialect: Seed000;
  const id = ownIdOf(letter.content, letter.time);
  beforeEach(() => {
    dialect = new Seed000(me.uid, listener);
  });

  test("a letter is a cfmsg with the id and date that its msgID is made of", () => {
    const sent = dialect.letter(peer, letter);
    expect(sent).toEqual({ id, from: me.uid, to: peer.id, sendDate: letter.time, msg: letter.content });
    expect(packetIdOf(letter.content, letter.time)).toBe(`${id}:${letter.time}`);
  });

  test("an sfmsg of one's own is the receipt, once", () => {
    dialect.letter(peer, letter);
    const receipt = { id, from: me.uid, to: peer.id, sendDate: 9, msg: letter.content };
    dialect.friendMessage(receipt);
    dialect.friendMessage(receipt);
    expect(told).toEqual([["answered", answered(200, "")]]);
  });

  test("messages of others, now or off line, to this user or a group", () => {
    const message = { id: 17, from: 1, to: 2, sendDate: 9, msg: "x" };
    dialect.offline({ flogs: [message], glogs: [{ ...message, to: flock.id }] });
    const shown = { shownId: "17", senderId: 1, content: "x", time: 9 };
    expect(told).toEqual([
      ["shown", { ...shown, groupId: null }],
      ["shown", { ...shown, groupId: flock.id }],
    ]);
  });

  test("news: a refusal of a letter, another error, a push of the system, an answered request", () => {
    dialect.letter(peer, letter);
    dialect.news({ info: "error", msg: "not friends", code: 403, id });
    dialect.news({ info: "error", msg: "too fast", code: 429 });
    dialect.news({ info: "info", msg: "hello", date: 9 });
    dialect.news({ info: "info", msg: "wususu (1) accepted your friend request" });
    expect(told).toEqual([
      ["answered", answered(403, "not friends")],
      ["fault", "too fast"],
      ["announced", "hello"],
      ["friendNews"],
    ]);
  });
});

describe("packets, seed 004", () => {
  let dialect: Seed004;
  const id = packetIdOf(letter.content, letter.time);
  beforeEach(() => {
    dialect = new Seed004(listener);
  });

  test("a letter is a t whose id the broker makes the msgID of", () => {
    expect(dialect.letter(peer, letter)).toEqual({ id, to: peer.id, type: "t", msg: letter.content });
    expect(msgIdOfShown(me.uid, id)).toMatch(/^[0-9a-f]{40}$/);
  });

  test("A and E answer a letter, once; an E of nothing is a fault", () => {
    dialect.letter(peer, letter);
    dialect.hear({ id, from: 0, type: "A", msg: "success" });
    dialect.hear({ id, from: 0, type: "A", msg: "success" });
    dialect.letter(peer, letter);
    dialect.hear({ id, from: 0, type: "E", msg: "not friends" });
    dialect.hear({ id: null, from: 0, type: "E", msg: "not JSON" });
    expect(told).toEqual([
      ["answered", answered(200, "")],
      ["answered", answered(0, "not friends")],
      ["fault", "not JSON"],
    ]);
  });

  test("what is pushed: words, to a group as well, the system, the log-in and the end", () => {
    dialect.hear({ id: "s-1", from: 0, type: "L", msg: "login in" });
    dialect.hear({ id: 17, from: 1, type: "t", msg: "x" });
    dialect.hear({ id: 18, from: 1, type: "t", msg: "y", group: flock.id });
    dialect.hear({ id: 19, from: 0, type: "s", msg: { a: 1 } });
    dialect.hear({ id: "s-2", from: 0, type: "C", msg: "invalid token" });
    expect(told).toEqual([
      ["up"],
      ["shown", { shownId: "17", senderId: 1, groupId: null, content: "x", time: null }],
      ["shown", { shownId: "18", senderId: 1, groupId: flock.id, content: "y", time: null }],
      ["announced", '{"a":1}'],
      ["refused", "invalid token"],
    ]);
  });
});

test("what packets can't reach is told, and whether being friends would help", () => {
  const can = { tellsReceipt: false, tellsPresence: false, tellsNews: false, groups: false, strangers: false };
  expect(obstacle("packets", can, "user", "friend")).toBeNull();
  expect(obstacle("packets", can, "user", "asked")).toMatchObject({ friendshipHelps: true });
  expect(obstacle("packets", can, "group", "none")).toMatchObject({ friendshipHelps: false });
  const all = { ...can, groups: true, strangers: true };
  expect(obstacle("socket.io", all, "user", "none")).toBeNull();
  expect(obstacle("socket.io", all, "group", "none")).toBeNull();
});
