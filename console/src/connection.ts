/**
 * One user's line to the broker, whatever the protocol. Decides when it is up, and when to try again; knows nothing of
 * what is said on it.
 */
import type { OpenWire, Protocol } from "./wires/protocols";
import type { Wire, WireListener } from "./wires/wire";

/** `waiting`: lost, or never reached, and about to be tried again. */
export type ConnectionState = "offline" | "connecting" | "online" | "waiting";

export interface ConnectionListener extends Omit<WireListener, "down"> {
  /** Down, though nobody asked for it. */
  lost(): void;
  stateChanged(): void;
}

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 15_000;
const CONNECT_MAX_MS = 10_000;

export class Connection {
  state: ConnectionState = "offline";
  protocol: Protocol = "sockjs";
  private current: Wire | null = null;
  /** Ends the wire that is not up in time, or opens the next. */
  private timer: ReturnType<typeof setTimeout> | undefined;
  private retryMs = RETRY_FIRST_MS;
  /** Counts the wires. One that was left may still tell things while it closes; it no longer speaks for this line. */
  private turn = 0;

  constructor(
    private readonly openWire: OpenWire,
    private readonly listener: ConnectionListener,
  ) {}

  /** What messages go out on; null while nothing does. */
  get wire(): Wire | null {
    return this.state === "online" ? this.current : null;
  }

  /** What really carries the bytes; empty while nothing does. */
  get carrier(): string {
    return this.wire?.carrier ?? "";
  }

  goOnline(protocol: Protocol): void {
    this.leave();
    this.protocol = protocol;
    this.retryMs = RETRY_FIRST_MS;
    this.connect();
  }

  goOffline(): void {
    this.leave();
    this.become("offline");
  }

  private connect(): void {
    const turn = ++this.turn;
    // Before the wire is there: one that can't be opened may say so at once.
    this.state = "connecting";
    this.current = this.openWire(this.protocol, this.heardBy(turn));
    if (turn === this.turn && this.state === "connecting") {
      this.timer = setTimeout(() => this.current?.close(), CONNECT_MAX_MS);
    }
    this.listener.stateChanged();
  }

  private heardBy(turn: number): WireListener {
    const { listener } = this;
    const whileCurrent =
      <Said extends unknown[]>(act: (...said: Said) => void) =>
      (...said: Said): void => {
        if (turn === this.turn) act(...said);
      };
    return {
      up: whileCurrent(() => this.up()),
      down: whileCurrent(() => this.down()),
      pushed: whileCurrent((message) => listener.pushed(message)),
      shown: whileCurrent((message) => listener.shown(message)),
      announced: whileCurrent((words) => listener.announced(words)),
      answered: whileCurrent((status) => listener.answered(status)),
      confirmed: whileCurrent((status) => listener.confirmed(status)),
      delivered: whileCurrent((msgID, receiver) => listener.delivered(msgID, receiver)),
      presence: whileCurrent((uid, online) => listener.presence(uid, online)),
      friendNews: whileCurrent(() => listener.friendNews()),
      groupNews: whileCurrent((gid) => listener.groupNews(gid)),
      fault: whileCurrent((sentence) => listener.fault(sentence)),
      refused: whileCurrent((sentence) => listener.refused(sentence)),
    };
  }

  private up(): void {
    clearTimeout(this.timer);
    this.retryMs = RETRY_FIRST_MS;
    this.become("online");
    this.listener.up();
  }

  private down(): void {
    clearTimeout(this.timer);
    this.turn++;
    this.current = null;
    this.timer = setTimeout(() => this.connect(), this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
    this.become("waiting");
    this.listener.lost();
  }

  private leave(): void {
    clearTimeout(this.timer);
    this.turn++;
    const left = this.current;
    this.current = null;
    left?.close();
  }

  private become(state: ConnectionState): void {
    this.state = state;
    this.listener.stateChanged();
  }
}
