/**
 * The words of REST, and of what STOMP shares with it: JSON bodies exactly as the broker spells them (`recive`,
 * `reciver`). Decides the spelling; knows nothing of what the messages mean to the page.
 */

/** A message as it is pushed over STOMP. The msgID its sender made comes back as `chatID`. */
export interface WireMessage {
  id: number;
  chatID: string;
  sender: string;
  content: string;
  time: number;
  senderId: number;
  /** To a user, */
  reciver?: string;
  reciverId?: number;
  /** or to a group. */
  groupId?: number;
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

export interface WireFriendRequest {
  id: number;
  from: string;
  to: string;
  fromId: number;
  toId: number;
  msg: string;
  time: number;
}

/** Friends, and the requests that wait: to the asker of this, and of the asker. */
export interface WireFriends {
  friends: WirePresence[];
  requests: WireFriendRequest[];
  asking: WireFriendRequest[];
}

export interface WireGroupName {
  gid: number;
  name: string;
}

export interface WireGroup extends WireGroupName {
  admin: number[];
  members: number[];
}
