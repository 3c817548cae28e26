/**
 * Keeps the circle of one user fresh by REST, and changes it. Decides when what is asked again; knows nothing of messages
 * or of the screen.
 */
import type { Api } from "./api";
import type { Circle } from "./model/circle";
import type { WireGroup, WireGroupName } from "./wire";

export interface SocietyListener {
  changed(): void;
  /** These groups are no longer this user's. */
  left(groups: readonly WireGroupName[]): void;
}

export class Society {
  /** Names that are being asked for, or that nobody has told. */
  private readonly askedNames = new Set<number>();
  private readonly friendsAgain = new Again(() => this.loadFriends());
  private readonly groupsAgain = new Again(() => this.loadGroups());

  constructor(
    private readonly me: number,
    private readonly api: Api,
    private readonly circle: Circle,
    private readonly listener: SocietyListener,
  ) {}

  /** Friends, requests and groups, as they are now. */
  async refresh(): Promise<void> {
    await Promise.all([this.friendsAgain.run(), this.groupsAgain.run()]);
  }

  refreshFriends(): Promise<void> {
    return this.friendsAgain.run();
  }

  refreshGroups(): Promise<void> {
    return this.groupsAgain.run();
  }

  /** The members of a group, and their names. */
  async refreshGroup(gid: number): Promise<void> {
    const group = await this.api.group(gid);
    this.circle.setGroup(group);
    for (const uid of group.members) this.askName(uid);
    this.listener.changed();
  }

  async befriend(uid: number): Promise<void> {
    await this.api.befriend(uid);
    await this.refreshFriends();
  }

  async answer(request: number, accept: boolean): Promise<void> {
    await this.api.answerRequest(request, accept);
    await this.refreshFriends();
  }

  async unfriend(uid: number): Promise<void> {
    await this.api.unfriend(uid);
    await this.refreshFriends();
  }

  /** A group of this user and another, both of them its admins, so that either may leave. */
  async makeGroup(name: string, other: number): Promise<WireGroup> {
    const group = await this.api.makeGroup(name, [this.me, other]);
    this.circle.setGroup(group);
    return group;
  }

  async leaveGroup(gid: number): Promise<void> {
    await this.api.leaveGroup(gid, this.me);
    await this.refreshGroups();
  }

  /** Asks once for a name that the circle does not have. */
  askName(uid: number): void {
    if (uid === this.me || this.circle.nameOf(uid) !== undefined || this.askedNames.has(uid)) return;
    this.askedNames.add(uid);
    void this.api.user(uid).then(
      ({ uname }) => {
        this.circle.learnName(uid, uname);
        this.listener.changed();
      },
      // A number in its place will do.
      () => this.askedNames.delete(uid),
    );
  }

  private async loadFriends(): Promise<void> {
    this.circle.setFriends(await this.api.friends());
    this.listener.changed();
  }

  private async loadGroups(): Promise<void> {
    const { groups } = await this.api.groups();
    const gone = this.circle.setGroups(groups);
    if (gone.length > 0) this.listener.left(gone);
    this.listener.changed();
  }
}

/** Something that is done again if it is asked for while it is under way, and never twice at a time. */
export class Again {
  private running: Promise<void> | null = null;
  private next: Promise<void> | null = null;

  constructor(private readonly act: () => Promise<void>) {}

  run(): Promise<void> {
    if (this.running === null) return this.begin();
    // What is under way may have been answered before whatever this call wants to see.
    this.next ??= this.running.then(
      () => this.begin(),
      () => this.begin(),
    );
    return this.next;
  }

  private begin(): Promise<void> {
    this.next = null;
    const running = this.act().finally(() => {
      if (this.running === running) this.running = null;
    });
    this.running = running;
    return running;
  }
}
