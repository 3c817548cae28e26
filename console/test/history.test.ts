import { beforeEach, expect, test } from "vitest";
import { Conversation } from "../src/model/conversation";
import { History } from "../src/model/history";
import type { Peer } from "../src/model/peer";
import { me, peer, pushed, stored } from "./support";

let newest: number;
let asked: (number | null)[];
let conversation: Conversation;
let history: History;

/** A broker that keeps the messages 1 to `newest`. */
async function ask(_peer: Peer, limit: number, before: number | null) {
  asked.push(before);
  const last = before === null ? newest : before - 1;
  const first = Math.max(1, last - limit + 1);
  const ids = Array.from({ length: last - first + 1 }, (_, index) => last - index);
  return { messages: ids.map((id) => stored(pushed(id))), more: first > 1 };
}

const ids = () => conversation.messages.map(({ id }) => id);
const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

beforeEach(() => {
  newest = 100;
  asked = [];
  conversation = new Conversation(me.uid, peer);
  history = new History(ask);
});

test("the first look loads one page", async () => {
  await history.refresh(conversation);
  expect(ids()).toEqual(upTo(61, 100));
  expect(history.hasEarlier(conversation)).toBe(true);
});

test("earlier pages, down to the first message", async () => {
  await history.refresh(conversation);
  await history.earlier(conversation);
  await history.earlier(conversation);
  expect(asked).toEqual([null, 61, 21]);
  expect(ids()).toEqual(upTo(1, 100));
  expect(history.hasEarlier(conversation)).toBe(false);
});

test("a later look leaves no hole, and does not forget how far back it was", async () => {
  await history.refresh(conversation);
  newest = 190;
  await history.refresh(conversation);
  expect(asked).toEqual([null, null, 151, 111]);
  await history.earlier(conversation);
  expect(ids()).toEqual(upTo(21, 190));
});

test("nothing there is nothing earlier", async () => {
  newest = 0;
  await history.refresh(conversation);
  expect(history.hasEarlier(conversation)).toBe(false);
});
