/**
 * Messages that were pushed with their sender's own id in place of the msgID. Decides which message such an id means, and
 * which message of history one of them is; knows nothing of order.
 *
 * A STOMP sender has no other id than the msgID; of a packet's id it can be computed. Of a Socket.IO message it can't: its
 * date, which is part of it, is not told. What is left is compared by sender, words and time.
 */
import type { WireStoredMessage } from "../wire";
import type { ShownMessage } from "../wires/wire";
import type { Message } from "./message";
import { msgIdOfShown } from "./msgid";

export class ShownIds {
  private readonly byId = new Map<string, Message>();
  /** Each message that was pushed so, and whether its time is the broker's. */
  private readonly shown = new Map<Message, { isTimed: boolean }>();

  /** Whether the message was pushed so. */
  has(message: Message): boolean {
    return this.shown.has(message);
  }

  /** The message that is pushed again, or that history has told before. */
  find(shown: ShownMessage, messages: readonly Message[]): Message | undefined {
    const { shownId, senderId, content, time } = shown;
    const known =
      this.byId.get(keyOf(shown)) ??
      messages.find(
        (message) =>
          message.senderId === senderId &&
          (message.msgID === shownId ||
            message.msgID === msgIdOfShown(senderId, shownId) ||
            (!this.shown.has(message) && message.time === time && message.content === content)),
      );
    if (known) this.note(shown, known);
    return known;
  }

  note(shown: ShownMessage, message: Message): void {
    this.byId.set(keyOf(shown), message);
    this.shown.set(message, { isTimed: shown.time !== null });
  }

  /** What was thought to be two is one, and `kept` stays. */
  fold(gone: Message, kept: Message): void {
    for (const [key, message] of this.byId) if (message === gone) this.byId.set(key, kept);
    this.shown.delete(gone);
    this.shown.set(kept, { isTimed: true });
  }

  /** Which message of history one is that was pushed without a msgID; `knownAs` tells what is known here of each. */
  amongst(
    stored: readonly WireStoredMessage[],
    message: Message,
    knownAs: (wire: WireStoredMessage) => Message | undefined,
  ): WireStoredMessage | undefined {
    const { senderId, msgID, content, time } = message;
    const isTimed = this.shown.get(message)?.isTimed ?? false;
    const theirs = stored.filter((wire) => wire.senderId === senderId);
    const isSame = (wire: WireStoredMessage): boolean =>
      wire.msgID === msgID || wire.msgID === msgIdOfShown(senderId, msgID);
    const isAlike = (wire: WireStoredMessage): boolean => {
      const known = knownAs(wire);
      if (known !== undefined && this.shown.has(known)) return false;
      return wire.content === content && (!isTimed || wire.time === time);
    };
    return theirs.find(isSame) ?? theirs.find(isAlike);
  }
}

function keyOf({ senderId, shownId }: ShownMessage): string {
  return `${senderId}:${shownId}`;
}
