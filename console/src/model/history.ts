/**
 * Fills conversations from what the broker keeps. Decides which pages to ask for and when there is nothing earlier;
 * knows nothing of pushes or of the screen.
 */
import type { WirePage } from "../wire";
import type { Conversation } from "./conversation";
import type { Peer } from "./peer";

export type AskForPage = (peer: Peer, limit: number, before: number | null) => Promise<WirePage>;

/** The stretch of a conversation that has no holes. */
interface Loaded {
  oldest: number;
  newest: number;
  more: boolean;
}

const PAGE = 40;
/** A longer absence than this many pages is not filled at once; "load earlier" goes on from there. */
const CATCH_UP_PAGES = 10;

export class History {
  private readonly loaded = new Map<Conversation, Loaded>();

  constructor(private readonly ask: AskForPage) {}

  hasEarlier(conversation: Conversation): boolean {
    return this.loaded.get(conversation)?.more ?? false;
  }

  /** The newest page, and those behind it until they meet what is loaded already. */
  async refresh(conversation: Conversation): Promise<void> {
    const before = this.loaded.get(conversation);
    let found = await this.page(conversation, null);
    for (let pages = 1; before && found && pages < CATCH_UP_PAGES; pages++) {
      if (found.oldest <= before.newest || !found.more) break;
      const earlier = await this.page(conversation, found.oldest);
      if (!earlier) break;
      found = { ...earlier, newest: found.newest };
    }
    if (!found) return;
    const meets = before && found.oldest <= before.newest;
    this.loaded.set(
      conversation,
      meets && before.oldest < found.oldest ? { ...before, newest: found.newest } : found,
    );
  }

  async earlier(conversation: Conversation): Promise<void> {
    const known = this.loaded.get(conversation);
    if (!known) return this.refresh(conversation);
    const found = await this.page(conversation, known.oldest);
    this.loaded.set(conversation, found ? { ...found, newest: known.newest } : { ...known, more: false });
  }

  /** Null for a page with nothing on it. */
  private async page(conversation: Conversation, before: number | null): Promise<Loaded | null> {
    const { messages, more } = await this.ask(conversation.peer, PAGE, before);
    conversation.merge(messages);
    if (messages.length === 0) return null;
    const ids = messages.map(({ id }) => id);
    return { oldest: Math.min(...ids), newest: Math.max(...ids), more };
  }
}
