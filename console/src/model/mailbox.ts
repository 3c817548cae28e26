/**
 * Everybody one person talks with. Decides which conversation a push or an answer belongs to; knows nothing of how it
 * came or of what is on the screen.
 */
import type { WireDelivery, WireMessage, WireStatus, WireUser } from "../wire";
import { Conversation } from "./conversation";
import type { Message } from "./message";

export interface Letter {
  conversation: Conversation;
  message: Message;
}

export class Mailbox {
  private readonly byPeer = new Map<number, Conversation>();

  constructor(readonly me: WireUser) {}

  /** The latest first; those without a message at the end, in the order they were begun. */
  get conversations(): Conversation[] {
    return [...this.byPeer.values()].sort((a, b) => (b.last?.time ?? 0) - (a.last?.time ?? 0));
  }

  get peers(): WireUser[] {
    return [...this.byPeer.values()].map(({ peer }) => peer);
  }

  get unread(): number {
    return [...this.byPeer.values()].reduce((sum, { unread }) => sum + unread, 0);
  }

  /** Those whose order is a guess. */
  get unsure(): Conversation[] {
    return [...this.byPeer.values()].filter(({ orderUnsure }) => orderUnsure);
  }

  with(peer: WireUser): Conversation {
    const known = this.byPeer.get(peer.uid);
    if (known) return known;
    const begun = new Conversation(this.me.uid, peer);
    this.byPeer.set(peer.uid, begun);
    return begun;
  }

  receive(wire: WireMessage): Letter {
    const conversation = this.with({ uid: wire.senderId, uname: wire.sender });
    return { conversation, message: conversation.receive(wire) };
  }

  /** The answer to a SEND. It names only the msgID, so the sender looks through all it has sent. */
  sendAnswered(status: WireStatus): Letter | undefined {
    const letter = this.find((conversation) => conversation.mine(status.msgID));
    letter?.conversation.answered(letter.message, status.code, status.content || status.status);
    return letter;
  }

  /** The answer to a confirmation: true if that settled it. */
  confirmAnswered(status: WireStatus): boolean {
    if (status.code !== 200) return false;
    for (const conversation of this.byPeer.values()) {
      const message = conversation.theirs(status.msgID);
      if (message?.seen) conversation.received(message);
    }
    return true;
  }

  delivered(delivery: WireDelivery): void {
    const conversation = this.byPeer.get(delivery.reciverId);
    const message = conversation?.mine(delivery.msgID);
    if (conversation && message) conversation.received(message);
  }

  private find(look: (conversation: Conversation) => Message | undefined): Letter | undefined {
    for (const conversation of this.byPeer.values()) {
      const message = look(conversation);
      if (message) return { conversation, message };
    }
    return undefined;
  }
}
