import { beforeEach, describe, expect, test } from "vitest";
import { Conversation } from "../src/model/conversation";
import { msgIdOfShown } from "../src/model/msgid";
import { me, other, peer, pushed, shown, stored } from "./support";

let conversation: Conversation;
const msgIds = () => conversation.messages.map(({ msgID }) => msgID);
const ofPacket = msgIdOfShown(other.uid, "p1");

beforeEach(() => {
  conversation = new Conversation(me.uid, peer);
});

describe("a message that is pushed without its msgID", () => {
  test("is there at once, and history tells where and what it is", () => {
    const message = conversation.receiveShown(shown(5, "x"));
    expect(conversation.orderUnsure).toBe(true);
    conversation.merge([stored(pushed(6)), stored(pushed(5)), stored(pushed(4))]);
    expect(conversation.orderUnsure).toBe(false);
    expect(msgIds()).toEqual(["m4", "m5", "m6"]);
    expect(conversation.messages[1]).toBe(message);
  });

  test("is one message, however often it is pushed", () => {
    const message = conversation.receiveShown(shown(5, "x"));
    expect(conversation.receiveShown(shown(5, "x"))).toBe(message);
    conversation.merge([stored(pushed(5))]);
    expect(conversation.receiveShown(shown(5, "x"))).toBe(message);
    expect(msgIds()).toEqual(["m5"]);
  });

  test("is known if history was faster: by its msgID, by a packet's, or by words and time", () => {
    conversation.merge([stored(pushed(3, "c", ofPacket)), stored(pushed(2, "b")), stored(pushed(1, "a"))]);
    const [first, second, third] = conversation.messages;
    expect(conversation.receiveShown(shown(1, "m1", "a"))).toBe(first);
    expect(conversation.receiveShown(shown(2, "17", "b"))).toBe(second);
    expect(conversation.receiveShown(shown(0, "p1", "c", null))).toBe(third);
    expect(conversation.messages).toHaveLength(3);
  });

  test("with the words of another but not its time is another", () => {
    conversation.merge([stored(pushed(1, "ok"))]);
    conversation.receiveShown(shown(2, "17", "ok"));
    conversation.merge([stored(pushed(2, "ok")), stored(pushed(1, "ok"))]);
    expect(msgIds()).toEqual(["m1", "m2"]);
  });

  test("and without a time is the newest with its words; of several, each is one", () => {
    for (const id of ["17", "18"]) conversation.receiveShown(shown(0, id, "ok", null));
    const [first, second] = conversation.messages;
    conversation.merge([3, 2, 1].map((id) => stored(pushed(id, "ok"))));
    expect(msgIds()).toEqual(["m1", "m2", "m3"]);
    expect(conversation.messages.slice(1)).toEqual([first, second]);
  });

  test("is folded into the one that history has told, if only history can tell that they are one", () => {
    conversation.merge([stored(pushed(1, "ok"), "received")]);
    conversation.receiveShown(shown(0, "17", "ok", null));
    expect(conversation.messages).toHaveLength(2);
    conversation.merge([stored(pushed(1, "ok"), "received")]);
    expect(msgIds()).toEqual(["m1"]);
    conversation.receiveShown(shown(0, "17", "ok", null));
    expect(msgIds()).toEqual(["m1"]);
  });

  test("is unread until it was on the screen: what the transport has proved nobody need have read", () => {
    const message = conversation.receiveShown(shown(5, "x"));
    conversation.merge([stored(pushed(5), "received")]);
    expect(message.state).toBe("received");
    expect(conversation.unread).toBe(1);
    conversation.see(message);
    expect(conversation.unread).toBe(0);
    expect(conversation.receive(pushed(4)).seen).toBe(true);
  });
});
