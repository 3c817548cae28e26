/**
 * The ways to carry STOMP to the broker. Decides how a socket is opened for each; knows nothing of frames.
 */
import type { IStompSocket } from "@stomp/stompjs";
import SockJS from "sockjs-client";
import type { Addresses } from "../addresses";

export interface Socket {
  stomp: IStompSocket;
  /** What really carries the bytes, once it is open. */
  carrier(): string;
}

export function plainWebSocket(addresses: Addresses, token: string): Socket {
  const stomp = new WebSocket(addresses.websocket(token), ["v12.stomp", "v11.stomp", "v10.stomp"]);
  return { stomp: stomp as IStompSocket, carrier: () => "websocket" };
}

/** Naming one of SockJS's own transports forbids all the others. */
export function sockjs(addresses: Addresses, token: string, only?: string): Socket {
  const socket = new SockJS(addresses.sockjs(token), null, only === undefined ? {} : { transports: only });
  return {
    stomp: socket as unknown as IStompSocket,
    carrier: () => (socket as unknown as { transport: string | null }).transport ?? "",
  };
}
