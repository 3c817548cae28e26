/**
 * The people and groups around one user: friends and who of them is here, requests that wait, groups and their members.
 * Decides what two are to each other; knows nothing of how any of it was learned.
 */
import type { WireFriendRequest, WireFriends, WireGroup, WireGroupName } from "../wire";

/** What another user is: `asked` by us, `asking` us, a friend, or none of it. */
export type Bond = "friend" | "asked" | "asking" | "none";

export class Circle {
  /** Oldest first: who would like to be a friend. */
  requests: readonly WireFriendRequest[] = [];
  private asked = new Set<number>();
  private readonly here = new Map<number, boolean>();
  private groupNames = new Map<number, string>();
  private readonly members = new Map<number, WireGroup>();
  private readonly names = new Map<number, string>();

  constructor(private readonly me: number) {}

  get friends(): number[] {
    return [...this.here.keys()];
  }

  get groups(): WireGroupName[] {
    return [...this.groupNames].map(([gid, name]) => ({ gid, name }));
  }

  bondWith(uid: number): Bond {
    if (this.here.has(uid)) return "friend";
    if (this.asked.has(uid)) return "asked";
    return this.requestOf(uid) ? "asking" : "none";
  }

  requestOf(uid: number): WireFriendRequest | undefined {
    return this.requests.find(({ fromId }) => fromId === uid);
  }

  /** Whether a friend is here; null for others. */
  isHere(uid: number): boolean | null {
    return this.here.get(uid) ?? null;
  }

  /** Whether a group is one of ours. */
  isMember(gid: number): boolean {
    return this.groupNames.has(gid);
  }

  group(gid: number): WireGroup | undefined {
    return this.members.get(gid);
  }

  nameOf(uid: number): string | undefined {
    return this.names.get(uid);
  }

  learnName(uid: number, name: string): void {
    this.names.set(uid, name);
  }

  setFriends({ friends, requests, asking }: WireFriends): void {
    this.here.clear();
    for (const { uid, uname, online } of friends) {
      this.here.set(uid, online);
      this.names.set(uid, uname);
    }
    this.requests = requests;
    for (const { fromId, from } of requests) this.names.set(fromId, from);
    this.asked = new Set(asking.map(({ toId }) => toId));
  }

  /** A friend came or went. Of somebody who is none, it is old news. */
  presence(uid: number, online: boolean): void {
    if (this.here.has(uid)) this.here.set(uid, online);
  }

  /** Answers those that are no longer ours. */
  setGroups(groups: readonly WireGroupName[]): WireGroupName[] {
    const before = this.groups;
    this.groupNames = new Map(groups.map(({ gid, name }) => [gid, name]));
    const gone = before.filter(({ gid }) => !this.groupNames.has(gid));
    for (const { gid } of gone) this.members.delete(gid);
    return gone;
  }

  /** A group with its members, as it is now. */
  setGroup(group: WireGroup): void {
    if (!group.members.includes(this.me)) return;
    this.groupNames.set(group.gid, group.name);
    this.members.set(group.gid, group);
  }
}
