/**
 * Everybody a person knows or talks with: requests that wait, friends, groups and others, and the way to talk with
 * somebody new. Decides how a conversation looks from outside; knows nothing of what happens inside one.
 */
import { sentenceOf } from "../api";
import type { Conversation } from "../model/conversation";
import type { Session } from "../session";
import type { WireFriendRequest } from "../wire";
import { avatar } from "./avatar";
import { arrange, ErrorLine, h, setAttribute, setText } from "./dom";

class Entry {
  readonly element: HTMLElement;
  private readonly button: HTMLButtonElement;
  private readonly name = h("span", { class: "name" });
  private readonly face = h("span", { class: "face" });
  private readonly dot = h("span", { class: "dot", testid: "presence", role: "img" });
  private readonly preview = h("span", { class: "preview" });
  private readonly unread = h("span", { class: "badge", testid: "unread" });

  constructor(
    private readonly session: Session,
    private readonly conversation: Conversation,
  ) {
    const { peer } = conversation;
    const number = peer.kind === "user" ? "data-uid" : "data-gid";
    this.button = h(
      "button",
      { type: "button", testid: "conversation", [number]: peer.id, onclick: () => session.open(conversation) },
      this.face,
      this.name,
      this.preview,
      this.unread,
    );
    this.element = h("li", {}, this.button);
  }

  render(): void {
    const { conversation, session } = this;
    const { last, unread, peer } = conversation;
    // It may be a number until the name is learned.
    if (this.name.textContent !== peer.name) {
      setText(this.name, peer.name);
      this.face.replaceChildren(avatar(peer), this.dot);
    }
    setAttribute(this.button, "data-name", peer.name);
    setAttribute(this.button, "aria-current", conversation === session.current ? "true" : null);
    setText(this.preview, last ? (last.mine ? `You: ${last.content}` : last.content) : "");
    setText(this.unread, unread === 0 ? "" : String(unread));
    setAttribute(this.unread, "aria-label", `${unread} unread`);
    this.unread.hidden = unread === 0;
    this.renderDot();
  }

  /** Friends only have one, and off line we can't tell. */
  private renderDot(): void {
    const { circle, connection } = this.session;
    const { peer } = this.conversation;
    const isFriend = peer.kind === "user" && circle.bondWith(peer.id) === "friend";
    const here = connection.state === "online" ? circle.isHere(peer.id) : null;
    this.dot.hidden = !isFriend;
    this.dot.dataset["here"] = String(here);
    const words = here === null ? "nobody knows whether here" : here ? "is here" : "is away";
    setAttribute(this.dot, "aria-label", words);
    this.dot.title = words;
  }
}

/** Somebody who would like to be a friend. */
function requestCard({ id, fromId, from, msg }: WireFriendRequest, session: Session): HTMLElement {
  const button = (testid: string, words: string, accept: boolean): HTMLElement =>
    h("button", { type: "button", testid, onclick: () => session.answerRequest(id, accept) }, words);
  return h(
    "li",
    { class: "request", testid: "friend-request", "data-id": id, "data-uid": fromId },
    h("p", {}, h("strong", {}, from), " would like to be a friend", msg === "" ? null : `: ${msg}`),
    h("p", { class: "buttons" }, button("accept", "Accept", true), button("reject", "Reject", false)),
  );
}

/** A part of the list, there only while something is in it. */
class Section {
  readonly element: HTMLElement;
  private readonly list: HTMLElement;

  constructor(testid: string, title: string) {
    this.list = h("ul", { "aria-label": title });
    this.element = h("section", { testid, hidden: true }, h("h3", {}, title), this.list);
  }

  show(elements: HTMLElement[]): void {
    arrange(this.list, elements);
    this.element.hidden = elements.length === 0;
  }
}

export class ConversationList {
  readonly element: HTMLElement;
  private readonly entries = new Map<Conversation, Entry>();
  private readonly cards = new Map<number, HTMLElement>();
  private readonly requests = new Section("requests", "Requests");
  private readonly friends = new Section("friends", "Friends");
  private readonly groups = new Section("groups", "Groups");
  private readonly others = new Section("others", "Chats");
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
    // Somebody who asks is heard of at once.
    this.requests.element.setAttribute("aria-live", "polite");
    const sections = [this.requests, this.friends, this.groups, this.others];
    this.element = h(
      "nav",
      { class: "list", "aria-label": "Conversations" },
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
      h("div", { class: "sections" }, ...sections.map(({ element }) => element)),
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
    const { mailbox, circle } = this.session;
    const friends: HTMLElement[] = [];
    const groups: HTMLElement[] = [];
    const others: HTMLElement[] = [];
    for (const conversation of mailbox.conversations) {
      const entry = this.entryOf(conversation);
      entry.render();
      const { kind, id } = conversation.peer;
      const section = kind === "group" ? groups : circle.bondWith(id) === "friend" ? friends : others;
      section.push(entry.element);
    }
    this.requests.show(circle.requests.map((request) => this.cardOf(request)));
    this.friends.show(friends);
    this.groups.show(groups);
    this.others.show(others);
  }

  private entryOf(conversation: Conversation): Entry {
    const known = this.entries.get(conversation);
    if (known) return known;
    const entry = new Entry(this.session, conversation);
    this.entries.set(conversation, entry);
    return entry;
  }

  private cardOf(request: WireFriendRequest): HTMLElement {
    const known = this.cards.get(request.id);
    if (known) return known;
    const card = requestCard(request, this.session);
    this.cards.set(request.id, card);
    return card;
  }
}
