/**
 * What a logged-in person has before them: bar, conversations, the open thread and the composer. Decides where each
 * stands; knows nothing of their insides.
 */
import type { Session } from "../session";
import type { Protocol } from "../wires/protocols";
import { Bar } from "./bar";
import { Composer } from "./composer";
import { h } from "./dom";
import { gooseMark } from "./icons";
import { ConversationList } from "./list";
import { Thread } from "./thread";

export class Desk {
  readonly element: HTMLElement;
  private readonly bar: Bar;
  private readonly list: ConversationList;
  private readonly thread: Thread;
  private readonly composer: Composer;
  private readonly nobody = h(
    "div",
    { class: "nobody" },
    gooseMark(),
    h("p", {}, "Whom would you like to write to?"),
    h("p", { class: "hint" }, "Give a name or a uid, or pick a conversation."),
  );

  constructor(
    private readonly session: Session,
    chosen: (protocol: Protocol) => void,
    logOut: () => void,
  ) {
    this.bar = new Bar(session, chosen, logOut);
    this.list = new ConversationList(session, () => this.focus());
    this.thread = new Thread(session);
    this.composer = new Composer(session);
    this.element = h(
      "div",
      { class: "desk" },
      this.bar.element,
      this.list.element,
      h("div", { class: "page" }, this.nobody, this.thread.element, this.composer.element),
    );
  }

  render(): void {
    const isOpen = this.session.current !== null;
    this.nobody.hidden = isOpen;
    this.thread.element.hidden = !isOpen;
    this.composer.element.hidden = !isOpen;
    this.bar.render();
    this.list.render();
    this.thread.render();
    this.composer.render();
  }

  startChat(nameOrUid: string): Promise<void> {
    return this.list.startChat(nameOrUid);
  }

  /** Ready to write. */
  focus(): void {
    // What is not on the screen yet takes no focus.
    this.render();
    this.composer.focus();
  }
}
