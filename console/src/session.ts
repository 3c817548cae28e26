/**
 * One logged-in person: their mailbox, their line to the broker, and what each tells the other. Decides when something
 * is sent, sent again, confirmed or looked up; knows nothing of elements on the screen.
 */
import type { Addresses } from "./addresses";
import { Api, Refusal, sentenceOf } from "./api";
import { Connection } from "./connection";
import type { Conversation } from "./model/conversation";
import { History } from "./model/history";
import { Mailbox } from "./model/mailbox";
import type { Message } from "./model/message";
import { Instants, msgIdOf } from "./model/msgid";
import { Outbox } from "./outbox";
import { Presence } from "./presence";
import type { Memory } from "./storage";
import type { Transport } from "./transport";
import * as wire from "./wire";

export interface SessionListener {
  changed(): void;
  /** The broker no longer takes the token. */
  ended(sentence: string): void;
}

const CONFIRM_AGAIN_MS = 1_000;
const SETTLE_AFTER_MS = 300;
const TOO_MANY = 429;
const NOT_STORED = 500;

export class Session {
  readonly mailbox: Mailbox;
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

  private readonly api: Api;
  private readonly instants = new Instants();
  private readonly outbox: Outbox;
  private settleTimer: ReturnType<typeof setTimeout> | undefined;
  private over = false;

  constructor(
    readonly me: wire.WireLogin,
    addresses: Addresses,
    private readonly memory: Memory,
    private readonly listener: SessionListener,
  ) {
    this.api = new Api(addresses, me.token);
    this.mailbox = new Mailbox(me);
    this.history = new History((uid, limit, before) => this.api.history(uid, limit, before));
    this.presence = new Presence((uid) => this.api.user(uid), listener.changed);
    this.outbox = new Outbox((destination, body) => this.connection.send(destination, body), listener.changed);
    for (const peer of memory.peers(me.uid)) this.mailbox.with(peer);
    const destinations = [
      wire.messagesOf(me.uid),
      wire.SEND_STATUS,
      wire.CONFIRM_STATUS,
      wire.DELIVERY_STATUS,
      wire.ERROR_STATUS,
    ];
    this.connection = new Connection(addresses, me.token, destinations, {
      connected: () => this.connected(),
      heard: (destination, body) => this.heard(destination, body),
      refused: (sentence) => this.refused(sentence),
      lost: () => void this.checkToken(),
      stateChanged: listener.changed,
    });
  }

  goOnline(transport: Transport): void {
    this.lineError = "";
    this.outbox.forget();
    this.connection.goOnline(transport);
  }

  goOffline(): void {
    this.lineError = "";
    this.outbox.forget();
    this.connection.goOffline();
  }

  /** Takes effect at once, or with the next connection if there is none. */
  chooseTransport(transport: Transport): void {
    if (this.connection.state === "offline") this.connection.transport = transport;
    else this.goOnline(transport);
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
    const { uid, uname } = await this.api.user(nameOrUid);
    if (uid === this.me.uid) throw new Refusal(0, "That is you. Who else?");
    this.open(this.mailbox.with({ uid, uname }));
    this.rememberPeers();
  }

  open(conversation: Conversation): void {
    this.current = conversation;
    this.presence.watch(conversation.peer.uid);
    this.refresh(conversation);
    this.listener.changed();
  }

  loadEarlier(conversation: Conversation): Promise<void> {
    return this.load(() => this.history.earlier(conversation));
  }

  send(conversation: Conversation, content: string): void {
    const time = this.instants.next();
    this.outbox.transmit(conversation, conversation.write(msgIdOf(content, time), content, time));
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

  dismissNotice(): void {
    this.notice = "";
    this.listener.changed();
  }

  private connected(): void {
    this.lineError = "";
    this.connection.send(wire.INIT);
    for (const conversation of this.mailbox.conversations) {
      for (const message of conversation.pending) {
        conversation.writeAgain(message);
        this.outbox.transmit(conversation, message);
      }
    }
    const { current } = this;
    if (current) {
      this.presence.watch(current.peer.uid);
      this.refresh(current);
    }
    this.listener.changed();
  }

  private heard(destination: string, body: unknown): void {
    switch (destination) {
      case wire.SEND_STATUS:
        this.sendAnswered(body as wire.WireStatus);
        break;
      case wire.CONFIRM_STATUS:
        this.confirmAnswered(body as wire.WireStatus);
        break;
      case wire.DELIVERY_STATUS:
        this.mailbox.delivered(body as wire.WireDelivery);
        this.presence.met((body as wire.WireDelivery).reciverId);
        break;
      case wire.ERROR_STATUS: {
        const error = body as wire.WireError;
        this.notice = error.content || error.status;
        break;
      }
      default:
        this.pushed(body as wire.WireMessage);
    }
    this.settleOrder();
    this.listener.changed();
  }

  private pushed(body: wire.WireMessage): void {
    const begun = this.mailbox.peers.length;
    const { message } = this.mailbox.receive(body);
    // Seen in history, or pushed again because an earlier confirmation did not arrive.
    if (message.seen) this.confirm(message.msgID);
    if (this.mailbox.peers.length > begun) this.rememberPeers();
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
    this.connection.send(wire.CONFIRM, { msgID });
  }

  private refused(sentence: string): void {
    // What was sent again by itself after this would end every new connection too.
    if (!this.outbox.blame(sentence)) this.notice = sentence;
    this.listener.changed();
  }

  private async checkToken(): Promise<void> {
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

  private settleOrder(): void {
    const unsure = this.mailbox.unsure;
    if (unsure.length === 0) return;
    clearTimeout(this.settleTimer);
    this.settleTimer = setTimeout(() => {
      for (const conversation of unsure) this.refresh(conversation);
    }, SETTLE_AFTER_MS);
  }

  private rememberPeers(): void {
    this.memory.keepPeers(this.me.uid, this.mailbox.peers);
  }
}
