/**
 * The open conversation: its messages and where the reader is among them. Decides when a message counts as shown, and
 * that new ones never move what is being read; knows nothing of how messages come or go.
 */
import type { Conversation } from "../model/conversation";
import type { Session } from "../session";
import { About } from "./about";
import { arrange, ErrorLine, h, setText } from "./dom";
import { Row } from "./row";

const NEAR_END_PX = 48;

export class Thread {
  readonly element: HTMLElement;
  private readonly about: About;
  private readonly earlier: HTMLButtonElement;
  private readonly historyError = new ErrorLine("history");
  private readonly list = h("ol", { class: "messages", testid: "messages" });
  private readonly empty = h("p", { class: "empty" }, "Nothing here yet. Write the first letter.");
  private readonly scroller: HTMLElement;
  private readonly below: HTMLButtonElement;
  private readonly rows = new Map<Element, Row>();
  private rowOf = new WeakMap<object, Row>();
  private conversation: Conversation | null = null;
  /** The reader is at the end, and wants to stay there. */
  private following = true;
  private lastTop = 0;
  private readonly watcher = new IntersectionObserver((entries) => this.cameIntoView(entries));

  constructor(private readonly session: Session) {
    this.about = new About(session);
    this.earlier = h(
      "button",
      { type: "button", class: "earlier", testid: "load-earlier", onclick: () => this.loadEarlier() },
      "Load earlier",
    );
    this.below = h(
      "button",
      { type: "button", class: "below", testid: "new-below", hidden: true, onclick: () => this.toEnd() },
      "",
    );
    this.scroller = h(
      "div",
      { class: "scroller", tabindex: 0, role: "log", "aria-label": "Messages", onscroll: () => this.scrolled() },
      this.historyError.element,
      this.earlier,
      this.empty,
      this.list,
    );
    this.element = h(
      "section",
      { class: "thread", "aria-label": "Conversation" },
      this.about.element,
      this.scroller,
      this.below,
    );
    new ResizeObserver(() => this.following && this.toEnd()).observe(this.scroller);
  }

  render(): void {
    const { current, history, historyError } = this.session;
    if (current === null) return;
    if (current !== this.conversation) this.begin(current);
    this.about.render(current.peer);
    this.earlier.hidden = !history.hasEarlier(current);
    this.historyError.show(historyError);
    this.empty.hidden = current.last !== undefined;
    if (current.last?.state === "pending" && !this.rowOf.has(current.last)) this.following = true;
    this.keepingPlace(() => this.renderRows(current));
    if (this.following) this.toEnd();
    this.below.hidden = current.unread === 0 || this.following;
    setText(this.below, `${current.unread} new below`);
  }

  private begin(conversation: Conversation): void {
    this.conversation = conversation;
    this.following = true;
    this.watcher.disconnect();
    this.rows.clear();
    this.rowOf = new WeakMap();
    this.list.replaceChildren();
  }

  private renderRows(conversation: Conversation): void {
    const { messages } = conversation;
    arrange(
      this.list,
      messages.map((message, index) => {
        const row = this.rowOf.get(message) ?? this.addRow(conversation, index);
        row.render(messages[index - 1]);
        return row.element;
      }),
    );
  }

  private addRow(conversation: Conversation, index: number): Row {
    const message = conversation.messages[index]!;
    const isGroup = conversation.peer.kind === "group";
    const name = () => message.sender ?? this.session.nameOf(message.senderId);
    const row = new Row(message, () => this.session.sendAgain(conversation, message), isGroup ? name : null);
    this.rowOf.set(message, row);
    this.rows.set(row.element, row);
    if (!message.seen) this.watcher.observe(row.element);
    return row;
  }

  private cameIntoView(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const row = this.rows.get(target);
      if (!isIntersecting || !row || !this.conversation) continue;
      this.watcher.unobserve(target);
      this.session.shown(this.conversation, row.message);
    }
  }

  private async loadEarlier(): Promise<void> {
    if (!this.conversation) return;
    this.earlier.disabled = true;
    await this.session.loadEarlier(this.conversation);
    this.earlier.disabled = false;
  }

  /** What comes in above the reader pushes nothing out of sight. */
  private keepingPlace(change: () => void): void {
    const top = this.scroller.scrollTop;
    const reading = [...this.list.children].find((row) => (row as HTMLElement).offsetTop >= top) as
      | HTMLElement
      | undefined;
    const offset = reading ? reading.offsetTop - top : 0;
    change();
    if (reading?.isConnected) this.scroller.scrollTop = reading.offsetTop - offset;
  }

  /** Only going up is leaving the end: a window that shrinks moves the end away, and nobody has scrolled. */
  private scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    const nearEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    this.following = nearEnd || (this.following && scrollTop >= this.lastTop);
    this.lastTop = scrollTop;
  }

  private toEnd(): void {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.lastTop = this.scroller.scrollTop;
  }
}
