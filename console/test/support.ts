/** Two people, and what the broker would say about their messages. */
import type { WireMessage, WireStoredMessage, WireUser } from "../src/wire";

export const me: WireUser = { uid: 2, uname: "liaojiekx" };
export const peer: WireUser = { uid: 1, uname: "wususu" };

export function pushed(id: number, content = `letter ${id}`, chatID = `m${id}`): WireMessage {
  return {
    id,
    chatID,
    sender: peer.uname,
    reciver: me.uname,
    content,
    time: id * 1000,
    senderId: peer.uid,
    reciverId: me.uid,
  };
}

export function stored(wire: WireMessage, state: "stored" | "received" = "stored"): WireStoredMessage {
  return { ...wire, msgID: wire.chatID, state };
}

/** The same, but sent by `me`. */
export function mine(id: number, msgID: string, state: "stored" | "received" = "stored"): WireStoredMessage {
  const there = stored(pushed(id, `mine ${id}`, msgID), state);
  return { ...there, sender: me.uname, senderId: me.uid, reciver: peer.uname, reciverId: peer.uid };
}
