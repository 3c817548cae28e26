/** Two people, and what the broker would say about their messages. */
import type { Peer } from "../src/model/peer";
import type { WireMessage, WireStoredMessage, WireUser } from "../src/wire";
import type { ShownMessage } from "../src/wires/wire";

export const me: WireUser = { uid: 2, uname: "liaojiekx" };
export const other: WireUser = { uid: 1, uname: "wususu" };
export const peer: Peer = { kind: "user", id: other.uid, name: other.uname };
export const flock: Peer = { kind: "group", id: 7, name: "flock" };

export function pushed(id: number, content = `letter ${id}`, chatID = `m${id}`): WireMessage {
  return {
    id,
    chatID,
    sender: other.uname,
    reciver: me.uname,
    content,
    time: id * 1000,
    senderId: other.uid,
    reciverId: me.uid,
  };
}

export function stored(wire: WireMessage, state: "stored" | "received" = "stored"): WireStoredMessage {
  return { ...wire, msgID: wire.chatID, state };
}

/** The same, but sent by `me`. */
export function mine(id: number, msgID: string, state: "stored" | "received" = "stored"): WireStoredMessage {
  const there = stored(pushed(id, `mine ${id}`, msgID), state);
  return { ...there, sender: me.uname, senderId: me.uid, reciver: other.uname, reciverId: other.uid };
}


/** The same as `pushed`, as a protocol tells it that has no msgIDs. Null for a protocol that has no times either. */
export function shown(id: number, shownId: string, content = `letter ${id}`, time: number | null = id * 1000): ShownMessage {
  return { shownId, senderId: other.uid, groupId: null, content, time };
}
