/**
 * One logged-in person: their mailbox, their circle, their line to the broker, and what each tells the others. Decides
 * when something is sent, sent again, confirmed or looked up; knows nothing of elements on the screen.
 */
import type { Addresses } from "./addresses";
import { Api, Refusal, sentenceOf } from "./api";
import { Connection } from "./connection";
import { Circle } from "./model/circle";
import type { Conversation } from "./model/conversation";
import { History } from "./model/history";
import { Mailbox, type Letter } from "./model/mailbox";
import type { Message } from "./model/message";
import { Instants, msgIdOf } from "./model/msgid";
import { groupPeer, keyOfPeer, userPeer } from "./model/peer";
import { Outbox } from "./outbox";
import { Presence } from "./presence";
import { Society } from "./society";
import type { Memory } from "./storage";
import type * as wire from "./wire";
import { obstacle, opener, type Obstacle, type Protocol } from "./wires/protocols";
import type { ShownMessage } from "./wires/wire";

export interface SessionListener {
  changed(): void;
  /** The broker no longer takes the token. */
  ended(sentence: string): void;
}

const CONFIRM_AGAIN_MS = 1_000;
const SETTLE_AFTER_MS = 300;
/** How often REST is asked for what the protocol has no words for. */
const LOOK_EVERY_MS = 2_000;
const TOO_MANY = 429;
const NOT_STORED = 500;

export class Session {
  readonly mailbox: Mailbox;
  readonly circle: Circle;
  readonly connection: Connection;
  readonly history: History;
  readonly presence: Presence;
  /** The conversation on the screen. */
  current: Conversation | null = null;
  /** What keeps the line from coming up. */
  lineError = "";
  /** What the broker said that belongs to no message. It stays until it is dismissed. */
  notice = "";
  historyError = "";
  /** Why something with a friend or a group was not done. */
  circleError = "";

  private readonly api: Api;
  private readonly society: Society;
  private readonly instants = new Instants();
  private readonly outbox: Outbox;
  private settleTimer: ReturnType<typeof setTimeout> | undefined;
  private lookTimer: ReturnType<typeof setInterval> | undefined;
  private over = false;

  constructor(
    readonly me: wire.WireLogin,
    addresses: Addresses,
    private readonly memory: Memory,
    private readonly listener: SessionListener,
  ) {
    this.api = new Api(addresses, me.token);
    this.mailbox = new Mailbox(me);
    this.circle = new Circle(me.uid);
    this.history = new History((peer, limit, before) => this.api.history(peer, limit, before));
    this.presence = new Presence((uid) => this.api.user(uid), listener.changed);
    this.outbox = new Outbox((to, letter) => this.connection.wire?.send(to, letter) ?? false, listener.changed);
    this.society = new Society(me.uid, this.api, this.circle, {
      changed: () => this.circleChanged(),
      left: (groups) => this.left(groups),
    });
    for (const peer of memory.peers(me.uid)) this.mailbox.with(userPeer(peer));
    this.connection = new Connection(opener(me, addresses, this.api), {
      up: () => this.connected(),
      pushed: (message) => this.heard(() => this.pushed(message)),
      shown: (message) => this.heard(() => this.shownBy(message)),
      announced: (words) => this.heard(() => (this.notice = words)),
      answered: (status) => this.heard(() => this.sendAnswered(status)),
      confirmed: (status) => this.heard(() => this.confirmAnswered(status)),
      delivered: (msgID, reciverId) =>
        this.heard(() => {
          this.mailbox.delivered({ msgID, reciverId });
          this.presence.told(reciverId, true);
        }),
      presence: (uid, online) =>
        this.heard(() => {
          this.circle.presence(uid, online);
          this.presence.told(uid, online);
        }),
      friendNews: () => this.inCircle(() => this.society.refreshFriends()),
      groupNews: (gid) => this.groupNews(gid),
      fault: (sentence) => this.heard(() => (this.notice = sentence)),
      refused: (sentence) => this.refused(sentence),
      lost: () => void this.checkToken(),
      stateChanged: listener.changed,
    });
  }

  goOnline(protocol: Protocol): void {
    this.lineError = "";
    this.outbox.forget();
    this.connection.goOnline(protocol);
  }

  goOffline(): void {
    this.lineError = "";
    clearInterval(this.lookTimer);
    this.outbox.forget();
    this.connection.goOffline();
  }

  /** Takes effect at once, or with the next connection if there is none. */
  chooseProtocol(protocol: Protocol): void {
    if (this.connection.state === "offline") {
      this.connection.protocol = protocol;
      this.listener.changed();
    } else this.goOnline(protocol);
  }

  /** Ends this session here; the token stays good. */
  close(): void {
    this.over = true;
    this.presence.stop();
    clearTimeout(this.settleTimer);
    this.goOffline();
  }

  async logOut(): Promise<void> {
    this.close();
    await this.api.logOut();
  }

  /** Throws a refusal with the broker's words. */
  async startChat(nameOrUid: string): Promise<void> {
    const user = await this.api.user(nameOrUid);
    if (user.uid === this.me.uid) throw new Refusal(0, "That is you. Who else?");
    this.open(this.mailbox.with(userPeer(user)));
    this.rememberPeers();
  }

  open(conversation: Conversation): void {
    const { peer } = conversation;
    this.current = conversation;
    this.circleError = "";
    if (peer.kind === "user") this.presence.watch(peer.id);
    else {
      this.presence.stop();
      this.inCircle(() => this.society.refreshGroup(peer.id));
    }
    this.refresh(conversation);
    this.listener.changed();
  }

  loadEarlier(conversation: Conversation): Promise<void> {
    return this.load(() => this.history.earlier(conversation));
  }

  /** Why the chosen protocol can't carry a message to this conversation; null where it can. */
  whyNot({ peer }: Conversation): Obstacle | null {
    const { wire, protocol } = this.connection;
    // Off line it may still be another protocol that carries it.
    return wire && obstacle(protocol, wire.abilities, peer.kind, this.circle.bondWith(peer.id));
  }

  send(conversation: Conversation, content: string): void {
    const time = this.instants.next();
    this.outbox.transmit(conversation, conversation.write(msgIdOf(this.me.uid, content, time), content, time));
    this.listener.changed();
  }

  sendAgain(conversation: Conversation, message: Message): void {
    conversation.writeAgain(message);
    this.outbox.transmit(conversation, message);
    this.listener.changed();
  }

  /** An incoming message came into view. */
  shown(conversation: Conversation, message: Message): void {
    const fresh = conversation.see(message);
    for (const { msgID } of fresh) this.confirm(msgID);
    if (fresh.length > 0) this.listener.changed();
  }

  befriend(uid: number): void {
    this.inCircle(() => this.society.befriend(uid));
  }

  answerRequest(request: number, accept: boolean): void {
    this.inCircle(() => this.society.answer(request, accept));
  }

  unfriend(uid: number): void {
    this.inCircle(() => this.society.unfriend(uid));
  }

  /** Makes a group of this user and another, and opens it. */
  makeGroup(uid: number, name: string): void {
    this.inCircle(async () => {
      const group = await this.society.makeGroup(name, uid);
      this.circleChanged();
      this.open(this.mailbox.with(groupPeer(group)));
    });
  }

  leaveGroup(gid: number): void {
    this.inCircle(() => this.society.leaveGroup(gid));
  }

  /** What somebody is called, as far as anybody has told. */
  nameOf(uid: number): string {
    return uid === this.me.uid ? this.me.uname : (this.circle.nameOf(uid) ?? `#${uid}`);
  }

  dismissNotice(): void {
    this.notice = "";
    this.listener.changed();
  }

  private connected(): void {
    this.lineError = "";
    for (const conversation of this.mailbox.conversations) {
      for (const message of conversation.pending) {
        conversation.writeAgain(message);
        this.outbox.transmit(conversation, message);
      }
    }
    const { current } = this;
    if (current) {
      if (current.peer.kind === "user") this.presence.watch(current.peer.id);
      this.refresh(current);
    }
    this.inCircle(() => this.society.refresh());
    clearInterval(this.lookTimer);
    this.lookTimer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.listener.changed();
  }

  /** What the protocol does not tell. */
  private look(): void {
    const { wire } = this.connection;
    if (!wire) return;
    if (!wire.abilities.tellsReceipt && this.current?.hasUnreceived) this.refresh(this.current);
    if (!wire.abilities.tellsNews || !wire.abilities.tellsPresence) {
      // Nobody has asked for this: a failure is for the next look.
      void this.society.refresh().catch(() => undefined);
      if (this.current?.peer.kind === "group") void this.society.refreshGroup(this.current.peer.id).catch(() => undefined);
    }
  }

  private heard(act: () => void): void {
    act();
    this.settleOrder();
    this.listener.changed();
  }

  private pushed(body: wire.WireMessage): void {
    if (body.senderId === 0 && body.groupId === undefined) {
      this.notice = body.content;
      this.confirm(body.chatID);
      return;
    }
    this.circle.learnName(body.senderId, body.sender);
    this.arrived(() => this.mailbox.receive(body));
  }

  private shownBy(shown: ShownMessage): void {
    this.society.askName(shown.senderId);
    this.arrived(() => this.mailbox.receiveShown(shown));
  }

  private arrived(receive: () => Letter): void {
    const begun = this.mailbox.peers.length;
    const { conversation, message } = receive();
    // Seen in history, or pushed again because an earlier confirmation did not arrive.
    if (message.seen) this.confirm(message.msgID);
    if (this.mailbox.peers.length === begun) return;
    if (conversation.peer.kind === "group") this.inCircle(() => this.society.refreshGroups());
    this.nameConversations();
    this.rememberPeers();
  }

  private sendAnswered(status: wire.WireStatus): void {
    const letter = this.mailbox.sendAnswered(status);
    if (letter) this.outbox.answered(letter.message);
    else if (status.code !== 200) this.notice = status.content || status.status;
  }

  private confirmAnswered(status: wire.WireStatus): void {
    if (this.mailbox.confirmAnswered(status)) return;
    if (status.code === TOO_MANY || status.code === NOT_STORED) {
      setTimeout(() => this.confirm(status.msgID), CONFIRM_AGAIN_MS);
    } else this.notice = status.content || status.status;
  }

  private confirm(msgID: string): void {
    // Off line nothing is lost: what is not confirmed is pushed again.
    this.connection.wire?.confirm?.(msgID);
  }

  private groupNews(gid: number): void {
    this.inCircle(async () => {
      await this.society.refreshGroups();
      if (this.current?.peer.kind === "group" && this.current.peer.id === gid && this.circle.isMember(gid)) {
        await this.society.refreshGroup(gid);
      }
    });
  }

  /** Every friend and every group has a conversation, perhaps an empty one. */
  private circleChanged(): void {
    for (const group of this.circle.groups) this.mailbox.with(groupPeer(group));
    for (const uid of this.circle.friends) this.mailbox.with(userPeer({ uid, uname: this.nameOf(uid) }));
    this.nameConversations();
    this.listener.changed();
  }

  /** A conversation that began with a number gets its name. */
  private nameConversations(): void {
    const groups = new Map(this.circle.groups.map(({ gid, name }) => [gid, name]));
    for (const { peer } of this.mailbox.conversations) {
      const name = peer.kind === "group" ? groups.get(peer.id) : this.circle.nameOf(peer.id);
      if (name !== undefined && peer.name !== name) {
        peer.name = name;
        if (peer.kind === "user") this.rememberPeers();
      }
    }
  }

  private left(groups: readonly wire.WireGroupName[]): void {
    for (const group of groups) {
      const peer = groupPeer(group);
      this.mailbox.drop(peer);
      if (this.current && keyOfPeer(this.current.peer) === keyOfPeer(peer)) this.current = null;
    }
  }

  private refused(sentence: string): void {
    // What was sent again by itself after this would end every new connection too.
    if (!this.outbox.blame(sentence)) this.notice = sentence;
    this.listener.changed();
  }

  private async checkToken(): Promise<void> {
    clearInterval(this.lookTimer);
    this.outbox.forget();
    try {
      await this.api.user(this.me.uid);
    } catch (error) {
      if (this.over || this.connection.state === "online") return;
      if (error instanceof Refusal && error.code === 401) {
        this.close();
        this.listener.ended("You are logged out: the broker no longer takes this token.");
        return;
      }
      this.lineError = sentenceOf(error);
      this.listener.changed();
    }
  }

  /** Off line means off line, though history could be asked: being back does it. */
  private refresh(conversation: Conversation): void {
    if (this.connection.state === "online") void this.load(() => this.history.refresh(conversation));
  }

  private async load(pages: () => Promise<void>): Promise<void> {
    try {
      await pages();
      this.historyError = "";
    } catch (error) {
      this.historyError = sentenceOf(error);
    }
    if (!this.over) this.listener.changed();
  }

  private inCircle(act: () => Promise<void>): void {
    const ended = (error: string): void => {
      this.circleError = error;
      if (!this.over) this.listener.changed();
    };
    act().then(
      () => ended(""),
      (error: unknown) => ended(sentenceOf(error)),
    );
  }

  private settleOrder(): void {
    const unsure = this.mailbox.unsure;
    if (unsure.length === 0) return;
    clearTimeout(this.settleTimer);
    this.settleTimer = setTimeout(() => {
      for (const conversation of unsure) this.refresh(conversation);
    }, SETTLE_AFTER_MS);
  }

  private rememberPeers(): void {
    const users = this.mailbox.peers.filter(({ kind }) => kind === "user");
    this.memory.keepPeers(
      this.me.uid,
      users.map(({ id, name }) => ({ uid: id, uname: name })),
    );
  }
}
