/**
 * The other side of a conversation: a user or a group. Decides what tells two of them apart; knows nothing of what is
 * said.
 */
import type { WireGroupName, WireUser } from "../wire";

export interface Peer {
  readonly kind: "user" | "group";
  /** A uid, or a gid. */
  readonly id: number;
  /** A number in place of it, until somebody tells it. */
  name: string;
}

export const userPeer = ({ uid, uname }: WireUser): Peer => ({ kind: "user", id: uid, name: uname });

export const groupPeer = ({ gid, name }: WireGroupName): Peer => ({ kind: "group", id: gid, name });

export function keyOfPeer({ kind, id }: Pick<Peer, "kind" | "id">): string {
  return `${kind}:${id}`;
}
