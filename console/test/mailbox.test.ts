import { beforeEach, expect, test } from "vitest";
import { Mailbox } from "../src/model/mailbox";
import { me, peer, pushed } from "./support";

const ok = { code: 200, status: "成功", content: "(=ↀωↀ=)" };
let mailbox: Mailbox;

beforeEach(() => {
  mailbox = new Mailbox(me);
});

test("a push from a stranger begins a conversation", () => {
  const { conversation } = mailbox.receive(pushed(1));
  expect(mailbox.peers).toEqual([peer]);
  expect(mailbox.with(peer)).toBe(conversation);
  expect(mailbox.unread).toBe(1);
});

test("the answer to a SEND finds its message by the msgID alone", () => {
  const written = mailbox.with(peer).write("a", "a", 1);
  mailbox.with({ uid: 9, uname: "other" }).write("b", "b", 1);
  expect(mailbox.sendAnswered({ msgID: "a", ...ok })?.message).toBe(written);
  expect(written.state).toBe("committed");
  expect(mailbox.sendAnswered({ msgID: "unknown", ...ok })).toBeUndefined();
});

test("a refusal without a sentence shows its status", () => {
  const written = mailbox.with(peer).write("a", "a", 1);
  mailbox.sendAnswered({ msgID: "a", code: 403, status: "refused", content: "" });
  expect(written.refusal).toBe("refused");
});

test("a delivery raises the sender's tick, and only with the receiver it names", () => {
  const written = mailbox.with(peer).write("a", "a", 1);
  mailbox.delivered({ msgID: "a", state: "received", reciverId: 77, time: 1 });
  expect(written.state).toBe("pending");
  mailbox.delivered({ msgID: "a", state: "received", reciverId: peer.uid, time: 1 });
  expect(written.state).toBe("received");
});

test("a confirmation counts once the broker has taken it", () => {
  const { conversation, message } = mailbox.receive(pushed(1));
  conversation.see(message);
  expect(mailbox.confirmAnswered({ msgID: "m1", ...ok, code: 500 })).toBe(false);
  expect(message.state).toBe("committed");
  expect(mailbox.confirmAnswered({ msgID: "m1", ...ok })).toBe(true);
  expect(message.state).toBe("received");
});

test("the latest conversation comes first", () => {
  const quiet = mailbox.with({ uid: 9, uname: "other" });
  const { conversation } = mailbox.receive(pushed(1));
  expect(mailbox.conversations).toEqual([conversation, quiet]);
});
