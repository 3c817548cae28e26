/**
 * The head of a conversation: whom it is with, whether they are here, what they are to this user, and what may be done
 * about that. Decides the words; knows nothing of messages.
 */
import type { Bond } from "../model/circle";
import type { Peer } from "../model/peer";
import type { Session } from "../session";
import type { WireGroup } from "../wire";
import { arrange, ErrorLine, h, setAttribute, setText } from "./dom";

const bondWords: Record<Bond, string> = {
  friend: "friend",
  asked: "asked to be a friend",
  asking: "wants to be a friend",
  none: "",
};

export class About {
  readonly element: HTMLElement;
  private readonly title = h("strong", { testid: "with" });
  private readonly presence = h("span", { class: "presence", testid: "peer-presence" });
  private readonly bond = h("span", { class: "bond", testid: "bond" });
  private readonly error = new ErrorLine("circle");
  private readonly members = h("ul", { class: "members", testid: "members" });
  private readonly count = h("summary", { testid: "member-count" });
  private readonly membership: HTMLElement;
  private readonly befriend: HTMLButtonElement;
  private readonly unfriend: HTMLButtonElement;
  private readonly makeGroup: HTMLButtonElement;
  private readonly leave: HTMLButtonElement;
  private peer: Peer | null = null;

  constructor(private readonly session: Session) {
    const button = (testid: string, words: string, act: (peer: Peer) => void): HTMLButtonElement =>
      h(
        "button",
        { type: "button", class: "small", testid, hidden: true, onclick: () => this.peer && act(this.peer) },
        words,
      );
    this.befriend = button("befriend", "Add friend", ({ id }) => session.befriend(id));
    this.unfriend = button("unfriend", "End friendship", ({ id }) => session.unfriend(id));
    this.makeGroup = button("make-group", "Make a group", ({ id, name }) =>
      session.makeGroup(id, `${session.me.uname} & ${name}`),
    );
    this.leave = button("leave-group", "Leave", ({ id }) => session.leaveGroup(id));
    this.membership = h("details", { class: "membership", hidden: true }, this.count, this.members);
    this.element = h(
      "header",
      {},
      this.title,
      this.presence,
      this.bond,
      this.membership,
      h("span", { class: "acts" }, this.befriend, this.unfriend, this.makeGroup, this.leave),
      this.error.element,
    );
  }

  render(peer: Peer): void {
    const { session } = this;
    const isUser = peer.kind === "user";
    this.peer = peer;
    setText(this.title, peer.name);
    const bond = isUser ? session.circle.bondWith(peer.id) : "none";
    setText(this.bond, bondWords[bond]);
    setAttribute(this.bond, "data-bond", isUser ? bond : null);
    this.befriend.hidden = !isUser || bond === "friend" || bond === "asked";
    setText(this.befriend, bond === "asking" ? "Accept" : "Add friend");
    this.unfriend.hidden = bond !== "friend";
    this.makeGroup.hidden = !isUser;
    this.leave.hidden = isUser;
    this.renderPresence(isUser);
    this.membership.hidden = isUser;
    const group = isUser ? undefined : session.circle.group(peer.id);
    if (group) this.renderMembers(group);
    this.error.show(session.circleError);
  }

  private renderPresence(isUser: boolean): void {
    const { connection, presence } = this.session;
    // Off line we can't tell.
    const here = isUser && connection.state === "online" ? presence.here : null;
    setText(this.presence, here === null ? "" : here ? "is here" : "is away");
    this.presence.dataset["here"] = String(here);
  }

  private renderMembers({ members, admin }: WireGroup): void {
    setText(this.count, members.length === 1 ? "1 member" : `${members.length} members`);
    arrange(
      this.members,
      members.map((uid) => {
        const role = admin.includes(uid) ? ", admin" : "";
        return h("li", { testid: "member", "data-uid": uid }, `${this.session.nameOf(uid)}${role}`);
      }),
    );
  }
}
