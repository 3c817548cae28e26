/**
 * One user's live line to the broker: STOMP over the chosen transport. Decides when it is up, and when to try again;
 * knows the destinations it listens on and nothing of what is said there.
 */
import { Client, ReconnectionTimeMode, type IFrame } from "@stomp/stompjs";
import type { Addresses } from "./addresses";
import { openSocket, type Socket, type Transport } from "./transport";

/** `waiting`: lost, or never reached, and about to be tried again. */
export type ConnectionState = "offline" | "connecting" | "online" | "waiting";

export interface ConnectionListener {
  /** Up, and subscribed to everything. */
  connected(): void;
  heard(destination: string, body: unknown): void;
  /** An ERROR frame; the broker closes after it. */
  refused(sentence: string): void;
  /** Down, though nobody asked for it. */
  lost(): void;
  stateChanged(): void;
}

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 15_000;
const CONNECT_MAX_MS = 10_000;

export class Connection {
  state: ConnectionState = "offline";
  transport: Transport = "sockjs";
  private client: Client | null = null;
  private socket: Socket | null = null;

  constructor(
    private readonly addresses: Addresses,
    private readonly token: string,
    private readonly destinations: readonly string[],
    private readonly listener: ConnectionListener,
  ) {}

  /** What really carries the bytes; empty while nothing does. */
  get carrier(): string {
    return this.state === "online" ? (this.socket?.carrier() ?? "") : "";
  }

  goOnline(transport: Transport): void {
    this.leave();
    this.transport = transport;
    const client = new Client({
      webSocketFactory: () => {
        this.socket = openSocket(transport, this.addresses, this.token);
        return this.socket.stomp;
      },
      connectionTimeout: CONNECT_MAX_MS,
      reconnectDelay: RETRY_FIRST_MS,
      maxReconnectDelay: RETRY_MAX_MS,
      reconnectTimeMode: ReconnectionTimeMode.EXPONENTIAL,
    });
    // A client that was left may still call back while it closes; it no longer speaks for this connection.
    const whileCurrent = (act: () => void): void => {
      if (this.client === client) act();
    };
    client.beforeConnect = () => whileCurrent(() => this.become("connecting"));
    client.onConnect = () => whileCurrent(() => this.subscribe(client));
    client.onStompError = (frame) => whileCurrent(() => this.listener.refused(sentenceOf(frame)));
    client.onWebSocketClose = () =>
      whileCurrent(() => {
        this.become("waiting");
        this.listener.lost();
      });
    this.client = client;
    this.become("connecting");
    client.activate();
  }

  goOffline(): void {
    this.leave();
    this.become("offline");
  }

  /** True if it went out. */
  send(destination: string, body?: object): boolean {
    if (this.state !== "online" || !this.client?.connected) return false;
    this.client.publish({ destination, ...(body && { body: JSON.stringify(body) }) });
    return true;
  }

  private subscribe(client: Client): void {
    for (const destination of this.destinations) {
      client.subscribe(destination, ({ body }) => {
        if (this.client === client) this.hear(destination, body);
      });
    }
    this.become("online");
    this.listener.connected();
  }

  private hear(destination: string, body: string): void {
    let said: unknown;
    try {
      said = JSON.parse(body);
    } catch {
      return this.listener.refused(`What came on ${destination} is not JSON.`);
    }
    this.listener.heard(destination, said);
  }

  private leave(): void {
    const left = this.client;
    this.client = null;
    void left?.deactivate();
  }

  private become(state: ConnectionState): void {
    this.state = state;
    this.listener.stateChanged();
  }
}

function sentenceOf(frame: IFrame): string {
  const code = frame.headers["message"] ?? "";
  return frame.body.trim() || code || "The broker refused the connection.";
}
