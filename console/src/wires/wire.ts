/**
 * What the page needs of a protocol: one connection, from its opening to its end. Each protocol has one file beside this
 * one. Decides the words between them and the page; knows none of the protocols.
 */
import type { Peer } from "../model/peer";
import type { WireMessage, WireStatus } from "../wire";

/** A message to send, by `send`, or to send again: it has one msgID in all protocols. */
export interface Letter {
  readonly msgID: string;
  readonly content: string;
  /** When it was written, milliseconds since the Unix epoch. */
  readonly time: number;
}

/** A message as protocols tell it that show its sender's own id in place of the msgID. */
export interface ShownMessage {
  readonly shownId: string;
  readonly senderId: number;
  readonly groupId: number | null;
  readonly content: string;
  /** Null where the protocol does not tell it. */
  readonly time: number | null;
}

/** What a protocol has words for. What it has none for, the page asks of REST now and then. */
export interface Abilities {
  /** That one's own message was received. */
  readonly tellsReceipt: boolean;
  /** That a friend came or went. */
  readonly tellsPresence: boolean;
  /** That something happened to friendships or groups. */
  readonly tellsNews: boolean;
  readonly groups: boolean;
  /** Whether one may write to those who are no friends. */
  readonly strangers: boolean;
}

/** What happens on a connection. Nothing is told before `up` but `refused`, and nothing after `down`. */
export interface WireListener {
  /** Logged in; what waits for this user has been asked for. */
  up(): void;
  /** A message with its msgID, */
  pushed(message: WireMessage): void;
  /** or without. */
  shown(message: ShownMessage): void;
  /** What the system says to this user. */
  announced(words: string): void;
  /** What became of a message of ours: code 200, or why it was refused. */
  answered(status: WireStatus): void;
  /** What became of a confirmation. */
  confirmed(status: WireStatus): void;
  /** The receiver has a message of ours. */
  delivered(msgID: string, receiver: number): void;
  presence(uid: number, online: boolean): void;
  /** Something became of a friendship. */
  friendNews(): void;
  /** Something happened in a group, or to its list of members. */
  groupNews(gid: number): void;
  /** An error that belongs to no message. */
  fault(sentence: string): void;
  /** An error after which the broker closes. */
  refused(sentence: string): void;
  /** The end, once, whoever made it. */
  down(): void;
}

export interface Wire {
  readonly abilities: Abilities;
  /** What really carries the bytes. */
  readonly carrier: string;
  /** Whether it went out. */
  send(to: Peer, letter: Letter): boolean;
  /** Tells the broker that a message was received. Absent where the transport itself proves it. */
  confirm?(msgID: string): void;
  /** Ends the connection. No harm in doing it twice. */
  close(): void;
}
