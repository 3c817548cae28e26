/**
 * The ways to carry STOMP to the broker. Decides how a socket is opened for each; knows nothing of frames.
 */
import type { IStompSocket } from "@stomp/stompjs";
import SockJS from "sockjs-client";
import type { Addresses } from "./addresses";

/** What may be chosen, in the order of the menu. Naming a SockJS transport forbids all the others. */
export const transports = {
  sockjs: "SockJS",
  websocket: "WebSocket",
  "sockjs:xhr-streaming": "SockJS, XHR streaming",
  "sockjs:eventsource": "SockJS, EventSource",
  "sockjs:xhr-polling": "SockJS, XHR polling",
} as const;

export type Transport = keyof typeof transports;

export function isTransport(name: string): name is Transport {
  return name in transports;
}

export interface Socket {
  stomp: IStompSocket;
  /** What really carries the bytes, once it is open. */
  carrier(): string;
}

export function openSocket(transport: Transport, addresses: Addresses, token: string): Socket {
  if (transport === "websocket") {
    const stomp = new WebSocket(addresses.websocket(token), ["v12.stomp", "v11.stomp", "v10.stomp"]);
    return { stomp: stomp as IStompSocket, carrier: () => "websocket" };
  }
  const only = transport.split(":")[1];
  const sockjs = new SockJS(addresses.sockjs(token), null, only === undefined ? {} : { transports: only });
  return {
    stomp: sockjs as unknown as IStompSocket,
    carrier: () => (sockjs as unknown as { transport: string | null }).transport ?? "",
  };
}
