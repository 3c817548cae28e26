/**
 * The words on the wire: destinations and JSON bodies exactly as the broker spells them (`recive`, `reciver`).
 * Decides the spelling; knows nothing of what the messages mean to the page.
 */

export const SEND = "/socket/chat/send";
export const CONFIRM = "/socket/chat/recive";
export const INIT = "/socket/chat/init";

export const SEND_STATUS = "/user/queue/send/status";
export const CONFIRM_STATUS = "/user/queue/recive/status";
export const DELIVERY_STATUS = "/user/queue/delivery/status";
export const ERROR_STATUS = "/user/queue/status";
export const messagesOf = (uid: number): string => `/user/${uid}/recive`;

/** A message as it is pushed. The msgID its sender made comes back as `chatID`. */
export interface WireMessage {
  id: number;
  chatID: string;
  sender: string;
  reciver: string;
  content: string;
  time: number;
  senderId: number;
  reciverId: number;
}

/** A message as history tells it. */
export interface WireStoredMessage extends WireMessage {
  msgID: string;
  state: "stored" | "received";
}

export interface WirePage {
  messages: WireStoredMessage[];
  more: boolean;
}

/** What became of one SEND: 200, or why it was refused. */
export interface WireStatus {
  msgID: string;
  code: number;
  status: string;
  content: string;
}

/** An error that belongs to no message. */
export interface WireError {
  code: number;
  status: string;
  content: string;
  destination?: string;
}

export interface WireDelivery {
  msgID: string;
  state: "received";
  reciverId: number;
  time: number;
}

export interface WireUser {
  uid: number;
  uname: string;
}

export interface WirePresence extends WireUser {
  online: boolean;
}

export interface WireLogin extends WireUser {
  token: string;
  expiresAt: number;
}
