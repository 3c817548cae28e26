/**
 * The ids of a message that is about to be sent. Decides that no two calls on one page hash the same instant, and that a
 * message has one msgID whatever protocol carries it; knows nothing of the message beyond its content. The hash is a
 * library's, because the browser's own is missing on plain http away from localhost.
 *
 * A STOMP client names the msgID itself. Of a packet the broker makes it of sender and id, of a Socket.IO message (seed
 * 000) of sender, id and date. So the id is the hash that seed 003 has, SHA1(content + now in ms), and the msgID is what
 * the broker makes of it: a message that was not answered may go again by another protocol, and is stored once.
 */
import { sha1 } from "@noble/hashes/legacy.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

function hash(text: string): string {
  return bytesToHex(sha1(utf8ToBytes(text)));
}

/** The client's own id, 40 hex digits. */
export function ownIdOf(content: string, time: number): string {
  return hash(content + time);
}

/** The id of a packet: the client's own, and when it was written. */
export function packetIdOf(content: string, time: number): string {
  return `${ownIdOf(content, time)}:${time}`;
}

/** The msgID that the broker makes of a client's id. */
export function msgIdOfShown(sender: number, shownId: string): string {
  return hash(`${sender}:${shownId}`);
}

export function msgIdOf(sender: number, content: string, time: number): string {
  return msgIdOfShown(sender, packetIdOf(content, time));
}

/** Milliseconds since the epoch that never repeat: the same words sent twice in one millisecond are two messages. */
export class Instants {
  private last = 0;

  constructor(private readonly clock: () => number = Date.now) {}

  next(): number {
    this.last = Math.max(this.clock(), this.last + 1);
    return this.last;
  }
}
