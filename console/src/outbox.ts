/**
 * Messages that went out and have no answer yet. Decides how long an answer may take, and what becomes of a message
 * without one; knows nothing of what the answers say.
 */
import type { Conversation } from "./model/conversation";
import type { Message } from "./model/message";
import type { Peer } from "./model/peer";
import type { Letter } from "./wires/wire";

interface Unanswered {
  conversation: Conversation;
  timer: ReturnType<typeof setTimeout>;
}

const ANSWER_MAX_MS = 15_000;
const NO_ANSWER = "No answer from the broker. Sending it again is safe.";

export class Outbox {
  private readonly unanswered = new Map<Message, Unanswered>();

  constructor(
    private readonly send: (to: Peer, letter: Letter) => boolean,
    private readonly changed: () => void,
  ) {}

  /** Off line nothing goes out: the message stays pending, and is transmitted with the next connection. */
  transmit(conversation: Conversation, message: Message): void {
    this.answered(message);
    if (!this.send(conversation.peer, message)) return;
    const timer = setTimeout(() => this.giveUp(conversation, message, NO_ANSWER), ANSWER_MAX_MS);
    this.unanswered.set(message, { conversation, timer });
  }

  answered(message: Message): void {
    clearTimeout(this.unanswered.get(message)?.timer);
    this.unanswered.delete(message);
  }

  /** The connection is gone, and with it all answers. */
  forget(): void {
    for (const message of [...this.unanswered.keys()]) this.answered(message);
  }

  /** One of these is what the broker could not take. Answers whether there was any. */
  blame(sentence: string): boolean {
    const blamed = [...this.unanswered];
    for (const [message, { conversation }] of blamed) this.giveUp(conversation, message, sentence);
    return blamed.length > 0;
  }

  private giveUp(conversation: Conversation, message: Message, sentence: string): void {
    this.answered(message);
    conversation.answered(message, 0, sentence);
    this.changed();
  }
}
