/**
 * Where a message is written. Decides which key sends, and keeps one draft a conversation; knows nothing of sending.
 */
import type { Bond } from "../model/circle";
import type { Conversation } from "../model/conversation";
import type { Session } from "../session";
import { h, setText } from "./dom";

const befriendWords: Record<Bond, string> = {
  none: "Become friends",
  asked: "Asked: waiting for a yes",
  asking: "Say yes",
  friend: "",
};

export class Composer {
  readonly element: HTMLElement;
  private readonly text: HTMLTextAreaElement;
  private readonly button = h("button", { class: "primary", testid: "send" }, "Send");
  private readonly whyNot = h("span");
  private readonly befriend: HTMLButtonElement;
  private readonly closed: HTMLElement;
  private readonly drafts = new WeakMap<Conversation, string>();
  private conversation: Conversation | null = null;

  constructor(private readonly session: Session) {
    this.text = h("textarea", {
      testid: "composer",
      rows: 1,
      "aria-label": "Message",
      oninput: () => this.grow(),
      onkeydown: (event: KeyboardEvent) => this.key(event),
    });
    this.befriend = h(
      "button",
      { type: "button", testid: "befriend-to-write", onclick: () => this.becomeFriends() },
      "Become friends",
    );
    this.closed = h("p", { class: "closed", testid: "cannot-write", hidden: true }, this.whyNot, this.befriend);
    this.element = h(
      "form",
      {
        class: "composer",
        onsubmit: (event: SubmitEvent) => {
          event.preventDefault();
          this.send();
        },
      },
      this.closed,
      this.text,
      this.button,
    );
  }

  render(): void {
    const { current, connection } = this.session;
    const name = current?.peer.name ?? "";
    const whyNot = current && this.session.whyNot(current);
    this.closed.hidden = whyNot === null;
    this.text.hidden = this.button.hidden = whyNot !== null;
    setText(this.whyNot, whyNot?.sentence ?? "");
    const bond = current?.peer.kind === "user" ? this.session.circle.bondWith(current.peer.id) : "none";
    this.befriend.hidden = !whyNot?.friendshipHelps;
    this.befriend.disabled = bond === "asked";
    setText(this.befriend, befriendWords[bond]);
    this.text.placeholder =
      connection.state === "offline" ? "Off line: it leaves when you are back" : `Write to ${name}`;
    if (current === this.conversation) return;
    if (this.conversation) this.drafts.set(this.conversation, this.text.value);
    this.conversation = current;
    this.text.value = (current && this.drafts.get(current)) ?? "";
    this.grow();
  }

  focus(): void {
    this.text.focus();
  }

  private becomeFriends(): void {
    const { current } = this.session;
    if (current?.peer.kind === "user") this.session.befriend(current.peer.id);
  }

  /** Enter sends, Shift+Enter is a new line; an Enter that picks a character of an input method does neither. */
  private key(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.send();
  }

  private send(): void {
    if (!this.conversation || this.text.value.trim() === "") return;
    this.session.send(this.conversation, this.text.value);
    this.text.value = "";
    this.grow();
  }

  private grow(): void {
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight + 2}px`;
  }
}
