/**
 * Everybody a person talks with, and the way to talk with somebody new. Decides how a conversation looks from outside;
 * knows nothing of what happens inside one.
 */
import { sentenceOf } from "../api";
import type { Conversation } from "../model/conversation";
import type { Session } from "../session";
import { avatar } from "./avatar";
import { arrange, ErrorLine, h, setAttribute, setText } from "./dom";

class Entry {
  readonly element: HTMLElement;
  private readonly button: HTMLButtonElement;
  private readonly preview = h("span", { class: "preview" });
  private readonly unread = h("span", { class: "badge", testid: "unread" });

  constructor(
    private readonly conversation: Conversation,
    open: () => void,
  ) {
    const { peer } = conversation;
    this.button = h(
      "button",
      { type: "button", testid: "conversation", "data-uid": peer.uid, "data-name": peer.uname, onclick: open },
      avatar(peer),
      h("span", { class: "name" }, peer.uname),
      this.preview,
      this.unread,
    );
    this.element = h("li", {}, this.button);
  }

  render(isOpen: boolean): void {
    const { last, unread } = this.conversation;
    setAttribute(this.button, "aria-current", isOpen ? "true" : null);
    setText(this.preview, last ? (last.mine ? `You: ${last.content}` : last.content) : "");
    setText(this.unread, unread === 0 ? "" : String(unread));
    setAttribute(this.unread, "aria-label", `${unread} unread`);
    this.unread.hidden = unread === 0;
  }
}

export class ConversationList {
  readonly element: HTMLElement;
  private readonly entries = new Map<Conversation, Entry>();
  private readonly list = h("ul", { "aria-label": "Conversations" });
  private readonly peer = h("input", {
    testid: "peer",
    "aria-label": "Name or uid of somebody",
    placeholder: "Name or uid",
    autocomplete: "off",
    autocapitalize: "none",
  });
  private readonly error = new ErrorLine("chat");

  /** `begun`: a chat was asked for, and is open. */
  constructor(
    private readonly session: Session,
    private readonly begun: () => void,
  ) {
    this.element = h(
      "nav",
      { class: "list" },
      h(
        "form",
        {
          class: "start",
          onsubmit: (event: SubmitEvent) => {
            event.preventDefault();
            void this.startChat(this.peer.value.trim());
          },
        },
        this.peer,
        h("button", { testid: "start-chat" }, "Chat"),
      ),
      this.error.element,
      this.list,
    );
  }

  async startChat(nameOrUid: string): Promise<void> {
    if (nameOrUid === "") return this.error.show("With whom? A name or a uid.");
    try {
      await this.session.startChat(nameOrUid);
      this.peer.value = "";
      this.error.show("");
      if (this.hasFocus()) this.begun();
    } catch (error) {
      this.error.show(sentenceOf(error));
    }
  }

  /** Whoever has gone to write elsewhere meanwhile is left there. */
  private hasFocus(): boolean {
    const { activeElement, body } = document;
    return activeElement === body || this.element.contains(activeElement);
  }

  render(): void {
    const { mailbox, current } = this.session;
    const entries = mailbox.conversations.map((conversation) => {
      const entry = this.entryOf(conversation);
      entry.render(conversation === current);
      return entry.element;
    });
    arrange(this.list, entries);
  }

  private entryOf(conversation: Conversation): Entry {
    const known = this.entries.get(conversation);
    if (known) return known;
    const entry = new Entry(conversation, () => this.session.open(conversation));
    this.entries.set(conversation, entry);
    return entry;
  }
}
