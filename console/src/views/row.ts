/**
 * One message on the screen. Decides how its words, time and tick are drawn; knows nothing of its neighbours but the day.
 */
import type { Message } from "../model/message";
import { h, setAttribute, setText } from "./dom";
import { tick, tickWords } from "./icons";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export class Row {
  readonly element: HTMLElement;
  private readonly sender: HTMLElement | null;
  private readonly day = h("p", { class: "day", hidden: true });
  private readonly time = h("time");
  private readonly tick = h("span", { class: "tick", role: "img", testid: "tick" });
  private readonly refusal = h("span", { class: "refusal", role: "alert", testid: "error", "data-where": "message" });
  private readonly failure: HTMLElement;
  private drawnTime: number | null = null;

  constructor(
    readonly message: Message,
    sendAgain: () => void,
    /** Who has written it, where that is not plain. */
    private readonly senderName: (() => string) | null,
  ) {
    this.sender = senderName && !message.mine ? h("p", { class: "sender", testid: "sender" }) : null;
    this.failure = h(
      "p",
      { class: "failure", hidden: true },
      this.refusal,
      h("button", { type: "button", testid: "resend", onclick: sendAgain }, "Send again"),
    );
    this.element = h(
      "li",
      {
        class: message.mine ? "mine" : "theirs",
        testid: "message",
        "data-msgid": message.msgID,
        "data-sender": message.senderId,
        "data-mine": String(message.mine),
      },
      this.day,
      h(
        "div",
        { class: "bubble" },
        this.sender,
        h("p", { class: "content", testid: "content", dir: "auto" }, message.content),
        h("span", { class: "meta" }, this.time, message.mine ? this.tick : null),
      ),
      this.failure,
    );
  }

  render(before: Message | undefined): void {
    const { message } = this;
    this.day.hidden = before !== undefined && sameDay(before.time, message.time);
    if (this.drawnTime !== message.time) {
      this.drawnTime = message.time;
      setText(this.day, calendar.format(message.time));
      setText(this.time, clock.format(message.time));
    }
    if (this.sender && this.senderName) setText(this.sender, this.senderName());
    // Both may be learned later.
    setAttribute(this.element, "data-msgid", message.msgID);
    setAttribute(this.element, "data-id", message.id);
    setAttribute(this.element, "data-seen", String(message.seen));
    setAttribute(this.element, "data-joined", before?.senderId === message.senderId && this.day.hidden);
    this.failure.hidden = message.state !== "failed";
    setText(this.refusal, message.refusal ?? "");
    if (this.element.dataset["state"] === message.state) return;
    this.element.dataset["state"] = message.state;
    this.tick.replaceChildren(tick(message.state));
    setAttribute(this.tick, "aria-label", tickWords[message.state]);
    this.tick.title = tickWords[message.state];
  }
}

function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}
