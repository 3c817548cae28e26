/**
 * What may be chosen to talk by. Decides the menu, which wire each choice opens, and what to say where one does not reach.
 */
import type { Addresses } from "../addresses";
import type { Api } from "../api";
import type { Bond } from "../model/circle";
import type { Peer } from "../model/peer";
import { PacketWire } from "./packets";
import { SocketIoWire } from "./socketio";
import { plainWebSocket, sockjs } from "./sockets";
import { StompWire } from "./stomp";
import type { Abilities, Wire, WireListener } from "./wire";

/** In the order of the menu. */
export const protocols = {
  sockjs: "STOMP, SockJS",
  websocket: "STOMP, WebSocket",
  "sockjs:xhr-streaming": "STOMP, SockJS by XHR streaming",
  "sockjs:eventsource": "STOMP, SockJS by EventSource",
  "sockjs:xhr-polling": "STOMP, SockJS by XHR polling",
  "socket.io": "Socket.IO",
  "socket.io:polling": "Socket.IO by polling",
  packets: "Packets",
} as const;

export type Protocol = keyof typeof protocols;

export function isProtocol(name: string): name is Protocol {
  return Object.hasOwn(protocols, name);
}

/** Why a protocol can't carry a message to somebody, and whether being friends would help. */
export interface Obstacle {
  readonly sentence: string;
  readonly friendshipHelps: boolean;
}

export function obstacle(protocol: Protocol, can: Abilities, kind: Peer["kind"], bond: Bond): Obstacle | null {
  const family = familyOf(protocol);
  if (kind === "group") {
    if (can.groups) return null;
    return { sentence: `${family} have no groups: choose another protocol to write here.`, friendshipHelps: false };
  }
  if (can.strangers || bond === "friend") return null;
  return { sentence: `${family} go between friends only.`, friendshipHelps: true };
}

/** The name without its transport. */
export function familyOf(protocol: Protocol): "STOMP" | "Socket.IO" | "Packets" {
  if (protocol === "packets") return "Packets";
  return protocol.startsWith("socket.io") ? "Socket.IO" : "STOMP";
}

export type OpenWire = (protocol: Protocol, listener: WireListener) => Wire;

/** How this user's wires are opened. */
export function opener(me: { uid: number; token: string }, addresses: Addresses, api: Api): OpenWire {
  const { uid, token } = me;
  return (protocol, listener) => {
    const only = protocol.split(":")[1];
    switch (familyOf(protocol)) {
      case "Socket.IO":
        return new SocketIoWire(uid, addresses, token, only === undefined ? undefined : [only as "polling"], listener);
      case "Packets":
        return new PacketWire(async () => addresses.packets((await api.wstoken()).wstoken), listener);
      case "STOMP": {
        const isPlain = protocol === "websocket";
        const open = () => (isPlain ? plainWebSocket(addresses, token) : sockjs(addresses, token, only));
        return new StompWire(uid, open, listener);
      }
    }
  };
}
