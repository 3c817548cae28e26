/**
 * All that one person knows of a conversation with a user or a group: which messages, in which order, how far each has come.
 * Decides duplicates, order, ticks and unread counts; knows nothing of sockets, requests or the screen.
 */
import type { WireMessage, WireStoredMessage } from "../wire";
import type { ShownMessage } from "../wires/wire";
import { fail, isAccepted, raise, type Message } from "./message";
import type { Peer } from "./peer";
import { ShownIds } from "./shownids";

/** Where a message stands. */
interface Place {
  readonly message: Message;
  /** Behind the message with this id; Infinity while nobody has accepted it. */
  behind: number;
  turn: number;
  /** Something from the other side may have been accepted before it: only history can tell. */
  crossed: boolean;
}

export class Conversation {
  private readonly places = new Map<string, Place>();
  /** Messages whose id is not known yet. */
  private readonly unplaced = new Set<Place>();
  private readonly shownIds = new ShownIds();
  private ordered: Message[] | null = [];
  private newestId = 0;
  /** Whatever turns up at or before this id stands above something that was on the screen already. */
  private seenUpTo = 0;
  private turns = 0;

  constructor(
    private readonly me: number,
    readonly peer: Peer,
  ) {}

  /** Oldest first; what is not yet accepted comes last, in the order of writing. */
  get messages(): readonly Message[] {
    this.ordered ??= [...this.places.values()].sort(inOrder).map(({ message }) => message);
    return this.ordered;
  }

  get last(): Message | undefined {
    return this.messages.at(-1);
  }

  get unread(): number {
    return this.messages.filter(({ seen }) => !seen).length;
  }

  /** What waits for an answer, in the order of writing. */
  get pending(): Message[] {
    return this.messages.filter(({ state }) => state === "pending");
  }

  /** True while the order is a guess that history would settle. */
  get orderUnsure(): boolean {
    return [...this.unplaced].some(({ message, crossed }) => crossed && isAccepted(message));
  }

  mine(msgID: string): Message | undefined {
    return this.placeOf(this.me, msgID)?.message;
  }

  /** Messages of others with this msgID; in a group, several may have made the same. */
  theirs(msgID: string): Message[] {
    return this.messages.filter((message) => !message.mine && message.msgID === msgID);
  }

  /** Whether history may come to know of a message that it was received. What goes to a group is received by each alone. */
  get hasUnreceived(): boolean {
    const { kind } = this.peer;
    return this.messages.some(({ state, mine }) => state === "committed" && (!mine || kind === "user"));
  }

  /** A message of one's own that is about to be sent. */
  write(msgID: string, content: string, time: number): Message {
    const message: Message = {
      msgID,
      senderId: this.me,
      sender: null,
      mine: true,
      content,
      id: null,
      time,
      state: "pending",
      refusal: null,
      seen: true,
    };
    this.unplaced.add(this.put(message, Infinity));
    return message;
  }

  /** The same message, with the same msgID, is on its way again; an earlier try may have been accepted long ago. */
  writeAgain(message: Message): void {
    const place = this.placeOf(this.me, message.msgID);
    if (!place || isAccepted(message)) return;
    message.state = "pending";
    message.refusal = null;
    place.crossed = true;
  }

  /** A pushed message. The same one may be pushed any number of times. */
  receive(wire: WireMessage): Message {
    const known = this.placeOf(wire.senderId, wire.chatID)?.message;
    if (known) return known;
    for (const place of this.unplaced) place.crossed = true;
    return this.store(wire, wire.chatID);
  }

  /** A pushed message without its msgID and its id, which only history can tell. */
  receiveShown(shown: ShownMessage): Message {
    const known = this.shownIds.find(shown, this.messages);
    if (known) return known;
    for (const place of this.unplaced) place.crossed = true;
    const { shownId, senderId, content, time } = shown;
    const message: Message = {
      msgID: shownId,
      senderId,
      sender: null,
      mine: false,
      content,
      id: null,
      time: time ?? Date.now(),
      state: "committed",
      refusal: null,
      seen: false,
    };
    const place = this.put(message, this.newestId);
    place.crossed = true;
    this.unplaced.add(place);
    this.shownIds.note(shown, message);
    return message;
  }

  /** Messages out of history, newest first, which knows best: it brings ids, order and states. */
  merge(stored: readonly WireStoredMessage[]): void {
    this.identify(stored);
    for (const wire of stored) {
      const place = this.placeOf(wire.senderId, wire.msgID);
      if (place) this.settle(place, wire);
      const message = place?.message ?? this.store(wire, wire.msgID);
      raise(message, wire.state === "received" ? "received" : "committed");
      message.sender = wire.sender;
      // Of a message that was pushed without a msgID the transport has proved the receipt, and nobody need have read it.
      if (message.state === "received" && !this.shownIds.has(message)) message.seen = true;
    }
  }

  /** The broker's answer to a SEND. */
  answered(message: Message, code: number, words: string): void {
    if (code !== 200) return fail(message, words);
    if (isAccepted(message)) return;
    raise(message, "committed");
    const place = this.placeOf(this.me, message.msgID);
    if (place) this.move(place, this.newestId);
  }

  /** The receiver confirmed a message of ours, or the broker took our confirmation of one of theirs. */
  received(message: Message): void {
    this.answered(message, 200, "");
    raise(message, "received");
  }

  /** An incoming message is on the screen, and with it all before it. Answers those that were unread until now. */
  see(message: Message): Message[] {
    const upTo = this.messages.indexOf(message) + 1;
    const fresh = this.messages.slice(0, upTo).filter(({ seen }) => !seen);
    for (const each of fresh) each.seen = true;
    this.seenUpTo = Math.max(this.seenUpTo, message.id ?? 0);
    return fresh;
  }

  /** Finds out which of these were pushed without their msgID. */
  private identify(stored: readonly WireStoredMessage[]): void {
    const unknown = [...this.unplaced].filter(({ message }) => !message.mine).reverse();
    for (const place of unknown) {
      const { message } = place;
      const knownAs = (wire: WireStoredMessage) => this.placeOf(wire.senderId, wire.msgID)?.message;
      const wire = this.shownIds.amongst(stored, message, knownAs);
      if (!wire) continue;
      this.places.delete(keyOf(message.senderId, message.msgID));
      const known = this.placeOf(wire.senderId, wire.msgID);
      if (known) {
        // History was faster: the same message stands there already.
        this.unplaced.delete(place);
        this.shownIds.fold(message, known.message);
        known.message.seen &&= message.seen;
        this.ordered = null;
      } else {
        message.msgID = wire.msgID;
        this.places.set(keyOf(wire.senderId, wire.msgID), place);
      }
    }
  }

  private store(wire: WireMessage, msgID: string): Message {
    const mine = wire.senderId === this.me;
    const message: Message = {
      msgID,
      senderId: wire.senderId,
      sender: wire.sender,
      mine,
      content: wire.content,
      id: wire.id,
      time: wire.time,
      state: "committed",
      refusal: null,
      seen: mine || wire.id <= this.seenUpTo,
    };
    this.newestId = Math.max(this.newestId, wire.id);
    this.put(message, wire.id);
    return message;
  }

  private settle(place: Place, wire: WireMessage): void {
    place.message.id = wire.id;
    place.message.time = wire.time;
    if (place.message.seen && !place.message.mine) this.seenUpTo = Math.max(this.seenUpTo, wire.id);
    this.newestId = Math.max(this.newestId, wire.id);
    this.unplaced.delete(place);
    if (place.behind !== wire.id) this.move(place, wire.id);
  }

  private put(message: Message, behind: number): Place {
    const place = { message, behind, turn: ++this.turns, crossed: false };
    this.places.set(keyOf(message.senderId, message.msgID), place);
    this.ordered = null;
    return place;
  }

  private move(place: Place, behind: number): void {
    place.behind = behind;
    place.turn = ++this.turns;
    this.ordered = null;
  }

  private placeOf(senderId: number, msgID: string): Place | undefined {
    return this.places.get(keyOf(senderId, msgID));
  }
}

function inOrder(a: Place, b: Place): number {
  if (a.behind !== b.behind) return a.behind < b.behind ? -1 : 1;
  if ((a.message.id === null) !== (b.message.id === null)) return a.message.id === null ? 1 : -1;
  return a.turn - b.turn;
}

function keyOf(senderId: number, msgID: string): string {
  return `${senderId}:${msgID}`;
}
