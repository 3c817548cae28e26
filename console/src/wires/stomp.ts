/**
 * STOMP (seed 003) over SockJS or a plain WebSocket. Decides the destinations and what a body on each means.
 */
import { Client, type IFrame } from "@stomp/stompjs";
import type { Peer } from "../model/peer";
import type { WireDelivery, WireError, WireMessage, WirePresence, WireStatus } from "../wire";
import type { Socket } from "./sockets";
import type { Letter, Wire, WireListener } from "./wire";

const SEND = "/socket/chat/send";
const SEND_GROUP = "/socket/group/send";
const CONFIRM = "/socket/chat/recive";
const INIT = "/socket/chat/init";

type Reader = (body: never, listener: WireListener) => void;

/** What is subscribed to, and what is told of what comes there. */
function sources(me: number): Record<string, Reader> {
  return {
    [`/user/${me}/recive`]: (body: WireMessage, listener) => listener.pushed(body),
    "/user/queue/send/status": (body: WireStatus, listener) => listener.answered(body),
    "/user/queue/recive/status": (body: WireStatus, listener) => listener.confirmed(body),
    "/user/queue/delivery/status": (body: WireDelivery, listener) => listener.delivered(body.msgID, body.reciverId),
    "/user/queue/status": (body: WireError, listener) => listener.fault(body.content || body.status),
    "/user/queue/presence": (body: WirePresence, listener) => listener.presence(body.uid, body.online),
    "/user/queue/friend": (_: object, listener) => listener.friendNews(),
    "/user/queue/group": (body: WireMessage | { groupId: number }, listener) => {
      if ("chatID" in body) listener.pushed(body);
      else listener.groupNews(body.groupId);
    },
  };
}

export class StompWire implements Wire {
  readonly abilities = { tellsReceipt: true, tellsPresence: true, tellsNews: true, groups: true, strangers: true };
  private readonly client: Client;
  private socket: Socket | null = null;
  private isDown = false;

  constructor(
    me: number,
    open: () => Socket,
    private readonly listener: WireListener,
  ) {
    this.client = new Client({
      webSocketFactory: () => {
        this.socket = open();
        return this.socket.stomp;
      },
      // One connection: whoever holds the wire opens the next.
      reconnectDelay: 0,
    });
    this.client.onConnect = () => this.begin(me);
    this.client.onStompError = (frame) => listener.refused(sentenceOf(frame));
    this.client.onWebSocketClose = () => this.end();
    this.client.activate();
  }

  get carrier(): string {
    return this.socket?.carrier() ?? "";
  }

  send(to: Peer, { msgID, content }: Letter): boolean {
    if (to.kind === "group") return this.publish(SEND_GROUP, { msgID, groupId: to.id, content });
    return this.publish(SEND, { msgID, reciverId: to.id, content });
  }

  confirm(msgID: string): void {
    this.publish(CONFIRM, { msgID });
  }

  close(): void {
    void this.client.deactivate();
    this.end();
  }

  private begin(me: number): void {
    for (const [destination, read] of Object.entries(sources(me))) {
      this.client.subscribe(destination, ({ body }) => this.hear(destination, body, read));
    }
    this.publish(INIT);
    this.listener.up();
  }

  private hear(destination: string, body: string, read: Reader): void {
    if (this.isDown) return;
    let said: unknown;
    try {
      said = JSON.parse(body);
    } catch {
      return this.listener.fault(`What came on ${destination} is not JSON.`);
    }
    read(said as never, this.listener);
  }

  private publish(destination: string, body?: object): boolean {
    if (!this.client.connected) return false;
    this.client.publish({ destination, ...(body && { body: JSON.stringify(body) }) });
    return true;
  }

  private end(): void {
    if (this.isDown) return;
    this.isDown = true;
    this.listener.down();
  }
}

function sentenceOf(frame: IFrame): string {
  const code = frame.headers["message"] ?? "";
  return frame.body.trim() || code || "The broker refused the connection.";
}
