/**
 * Everybody one person talks with. Decides which conversation a push or an answer belongs to; knows nothing of how it
 * came or of what is on the screen.
 */
import type { WireDelivery, WireMessage, WireStatus, WireUser } from "../wire";
import type { ShownMessage } from "../wires/wire";
import { Conversation } from "./conversation";
import type { Message } from "./message";
import { keyOfPeer, type Peer } from "./peer";

export interface Letter {
  conversation: Conversation;
  message: Message;
}

export class Mailbox {
  private readonly byPeer = new Map<string, Conversation>();

  constructor(readonly me: WireUser) {}

  /** The latest first; those without a message at the end, in the order they were begun. */
  get conversations(): Conversation[] {
    return [...this.byPeer.values()].sort((a, b) => (b.last?.time ?? 0) - (a.last?.time ?? 0));
  }

  get peers(): Peer[] {
    return [...this.byPeer.values()].map(({ peer }) => peer);
  }

  get unread(): number {
    return [...this.byPeer.values()].reduce((sum, { unread }) => sum + unread, 0);
  }

  /** Those whose order is a guess. */
  get unsure(): Conversation[] {
    return [...this.byPeer.values()].filter(({ orderUnsure }) => orderUnsure);
  }

  with(peer: Peer): Conversation {
    const known = this.byPeer.get(keyOfPeer(peer));
    if (known) return known;
    const begun = new Conversation(this.me.uid, peer);
    this.byPeer.set(keyOfPeer(peer), begun);
    return begun;
  }

  /** Takes a conversation out: its group is none of this user's any more. */
  drop(peer: Pick<Peer, "kind" | "id">): void {
    this.byPeer.delete(keyOfPeer(peer));
  }

  /** What is pushed names a user, and of a group only the number. */
  receive(wire: WireMessage): Letter {
    const conversation = this.from(wire.senderId, wire.groupId ?? null, wire.sender);
    return { conversation, message: conversation.receive(wire) };
  }

  receiveShown(shown: ShownMessage): Letter {
    const conversation = this.from(shown.senderId, shown.groupId, null);
    return { conversation, message: conversation.receiveShown(shown) };
  }

  /** The answer to a message. It names only the msgID, so the sender looks through all it has sent. */
  sendAnswered(status: WireStatus): Letter | undefined {
    const letter = this.find((conversation) => conversation.mine(status.msgID));
    letter?.conversation.answered(letter.message, status.code, status.content || status.status);
    return letter;
  }

  /** The answer to a confirmation: true if that settled it. */
  confirmAnswered(status: WireStatus): boolean {
    if (status.code !== 200) return false;
    for (const conversation of this.byPeer.values()) {
      for (const message of conversation.theirs(status.msgID)) if (message.seen) conversation.received(message);
    }
    return true;
  }

  delivered({ msgID, reciverId }: Pick<WireDelivery, "msgID" | "reciverId">): void {
    const conversation = this.byPeer.get(keyOfPeer({ kind: "user", id: reciverId }));
    const message = conversation?.mine(msgID);
    if (conversation && message) conversation.received(message);
  }

  private from(sender: number, group: number | null, name: string | null): Conversation {
    if (group !== null) return this.with({ kind: "group", id: group, name: `#${group}` });
    return this.with({ kind: "user", id: sender, name: name ?? `#${sender}` });
  }

  private find(look: (conversation: Conversation) => Message | undefined): Letter | undefined {
    for (const conversation of this.byPeer.values()) {
      const message = look(conversation);
      if (message) return { conversation, message };
    }
    return undefined;
  }
}
