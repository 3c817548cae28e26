/**
 * The msgID of a message that is about to be sent: SHA1(content + now in ms), in hex. Decides that no two calls on one
 * page hash the same instant; knows nothing of the message beyond its content. The hash is a library's, because the
 * browser's own is missing on plain http away from localhost.
 */
import { sha1 } from "@noble/hashes/legacy.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

export function msgIdOf(content: string, time: number): string {
  return bytesToHex(sha1(utf8ToBytes(content + time)));
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
