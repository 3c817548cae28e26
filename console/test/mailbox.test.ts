import { beforeEach, expect, test } from "vitest";
import { Mailbox } from "../src/model/mailbox";
import { flock, me, other, peer, pushed, shown } from "./support";

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
  mailbox.with({ kind: "user", id: 9, name: "other" }).write("b", "b", 1);
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
  mailbox.delivered({ msgID: "a", reciverId: 77 });
  expect(written.state).toBe("pending");
  mailbox.delivered({ msgID: "a", reciverId: peer.id });
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
  const quiet = mailbox.with({ kind: "user", id: 9, name: "other" });
  const { conversation } = mailbox.receive(pushed(1));
  expect(mailbox.conversations).toEqual([conversation, quiet]);
});

test("a message to a group begins the group's conversation, whoever sends it", () => {
  const { conversation } = mailbox.receive({ ...pushed(1), groupId: flock.id });
  const again = mailbox.receiveShown({ ...shown(2, "x"), senderId: 5, groupId: flock.id });
  expect(again.conversation).toBe(conversation);
  expect(mailbox.peers).toEqual([{ ...flock, name: "#7" }]);
});

test("a user and a group of one number are two", () => {
  expect(mailbox.with({ ...flock, kind: "user" })).not.toBe(mailbox.with(flock));
  mailbox.drop(flock);
  expect(mailbox.peers).toEqual([{ ...flock, kind: "user" }]);
});

test("a confirmation in a group finds the message of whoever sent it", () => {
  const { conversation, message } = mailbox.receive({ ...pushed(1), groupId: flock.id });
  conversation.see(message);
  expect(mailbox.confirmAnswered({ msgID: "m1", ...ok })).toBe(true);
  expect(message.state).toBe("received");
});

test("who sends without a name is called by the number", () => {
  mailbox.receiveShown(shown(1, "x"));
  expect(mailbox.peers).toEqual([{ ...peer, name: `#${other.uid}` }]);
});
