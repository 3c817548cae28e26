/**
 * Socket.IO as seed 000 speaks it, on its four namespaces. Decides which event means what. It has no word of receipt: the
 * broker knows by the transport what has reached this page, and history knows what has reached others.
 */
import { Manager, type ManagerOptions, type Socket } from "socket.io-client";
import type { Addresses } from "../addresses";
import { ownIdOf } from "../model/msgid";
import type { Peer } from "../model/peer";
import type { Letter, ShownMessage, Wire, WireListener } from "./wire";

const NAMESPACES = ["/", "/friend", "/group", "/server"] as const;
const WELCOME = 1;
const INVALID_TOKEN = "invalid token";

/** `sfmsg` and `sgmsg`. */
export interface ServerMessage {
  id: string | number;
  from: number;
  to: number | string;
  sendDate: number;
  msg: string;
}

/** `news`. */
export interface News {
  info: "info" | "error";
  msg: string;
  code?: number;
  id?: string | number;
  type?: number;
  /** When the system pushed it; absent where it tells of something else. */
  date?: number;
}

interface OfflineLogs {
  flogs: ServerMessage[];
  glogs: ServerMessage[];
}

/** What the events of seed 000 mean. Apart from the sockets, so that it can be tried without any. */
export class Seed000 {
  /** Our own letters by the ids they have on this wire, until they are answered. */
  private readonly sent = new Map<string, string>();

  constructor(
    private readonly me: number,
    private readonly listener: WireListener,
  ) {}

  /** `cfmsg` or `cgmsg`. */
  letter(to: Peer, { msgID, content, time }: Letter): object {
    const id = ownIdOf(content, time);
    this.sent.set(id, msgID);
    return { id, from: this.me, to: to.id, sendDate: time, msg: content };
  }

  friendMessage(message: ServerMessage): void {
    if (message.from === this.me) this.settle(message.id, 200, "");
    else this.listener.shown(shown(message, null));
  }

  groupMessage(message: ServerMessage): void {
    if (message.from === this.me) this.settle(message.id, 200, "");
    else this.listener.shown(shown(message, Number(message.to)));
  }

  offline({ flogs, glogs }: OfflineLogs): void {
    for (const message of flogs) this.friendMessage(message);
    for (const message of glogs) this.groupMessage(message);
  }

  news({ info, msg, code, id, date }: News): void {
    if (info === "error") {
      if (id === undefined || !this.settle(id, code ?? 0, msg)) this.listener.fault(msg);
    } else if (date !== undefined) this.listener.announced(msg);
    // An answer to a friend request comes so.
    else this.listener.friendNews();
  }

  /** Whether it was a letter of ours. */
  private settle(id: string | number, code: number, content: string): boolean {
    const msgID = this.sent.get(String(id));
    if (msgID === undefined) return false;
    this.sent.delete(String(id));
    this.listener.answered({ msgID, code, status: "", content });
    return true;
  }
}

function shown({ id, from, sendDate, msg }: ServerMessage, groupId: number | null): ShownMessage {
  return { shownId: String(id), senderId: from, groupId, content: msg, time: sendDate };
}

export class SocketIoWire implements Wire {
  readonly abilities = { tellsReceipt: false, tellsPresence: true, tellsNews: true, groups: true, strangers: true };
  private readonly manager: Manager;
  private readonly sockets: Record<(typeof NAMESPACES)[number], Socket>;
  private readonly dialect: Seed000;
  private isDown = false;

  constructor(
    private readonly me: number,
    addresses: Addresses,
    token: string,
    only: ManagerOptions["transports"] | undefined,
    private readonly listener: WireListener,
  ) {
    this.dialect = new Seed000(me, listener);
    const { origin, path } = addresses.socketio();
    this.manager = new Manager(origin, {
      path,
      autoConnect: false,
      // One connection: whoever holds the wire opens the next.
      reconnection: false,
      ...(only && { transports: only }),
    });
    const namespace = (name: string): Socket => this.manager.socket(name);
    this.sockets = {
      "/": namespace("/"),
      "/friend": namespace("/friend"),
      "/group": namespace("/group"),
      "/server": namespace("/server"),
    };
    this.listen(token);
    for (const name of NAMESPACES) this.sockets[name].connect();
  }

  get carrier(): string {
    return this.manager.engine?.transport?.name ?? "";
  }

  send(to: Peer, letter: Letter): boolean {
    const [namespace, event] = to.kind === "group" ? (["/group", "cgmsg"] as const) : (["/friend", "cfmsg"] as const);
    const socket = this.sockets[namespace];
    if (!socket.connected) return false;
    socket.emit(event, this.dialect.letter(to, letter));
    return true;
  }

  close(): void {
    for (const name of NAMESPACES) this.sockets[name].disconnect();
    this.end();
  }

  private listen(token: string): void {
    const { dialect, listener } = this;
    this.manager.on("error", () => this.close());
    this.manager.on("close", () => this.end());
    const root = this.sockets["/"];
    const friend = this.sockets["/friend"];
    const group = this.sockets["/group"];
    let joined = 0;
    for (const name of NAMESPACES) {
      const socket = this.sockets[name];
      // What is said in a namespace that is not joined yet would wait for `caoff`.
      socket.on("connect", () => ++joined === NAMESPACES.length && root.emit("auth-c", { sessionid: token }));
      socket.on("connect_error", () => this.close());
      socket.on("disconnect", () => this.close());
      this.on(socket, "news", (news: News) => dialect.news(news));
    }
    this.on(root, "auth-s", ({ code }: { code: number }) => this.admitted(code));
    this.on(root, "saoff", (logs: OfflineLogs) => dialect.offline(logs));
    this.on(friend, "sfmsg", (message: ServerMessage) => dialect.friendMessage(message));
    this.on(friend, "sfonline", ({ id }: { id: number }) => listener.presence(id, true));
    this.on(friend, "sfoffline", ({ id }: { id: number }) => listener.presence(id, false));
    for (const event of ["addfriend", "deletefriend"]) this.on(friend, event, () => listener.friendNews());
    this.on(group, "sgmsg", (message: ServerMessage) => dialect.groupMessage(message));
    for (const event of ["joingroup", "exitgroup"]) {
      this.on(group, event, ({ to }: { to: number }) => listener.groupNews(Number(to)));
    }
  }

  private on<Said>(socket: Socket, event: string, act: (said: Said) => void): void {
    socket.on(event, (said: Said) => {
      if (!this.isDown) act(said);
    });
  }

  private admitted(code: number): void {
    if (code !== WELCOME) return this.listener.refused(INVALID_TOKEN);
    this.sockets["/"].emit("caoff", { from: this.me, to: "server" });
    this.listener.up();
  }

  private end(): void {
    if (this.isDown) return;
    this.isDown = true;
    this.listener.down();
  }
}
