// @stomp/stompjs 7: subprotocols on a WebSocket, none on SockJS; text, binary and split messages.
import { Client } from "@stomp/stompjs";
import SockJS from "sockjs-client";
import WebSocket from "ws";
import { connectStompjs7 } from "./adapters.mjs";
import { scenarios } from "./scenarios.mjs";

// Node.js 20 has none of its own.
globalThis.WebSocket = WebSocket;

const overWebSocket =
  (options) =>
  ({ broker, token, headers }) =>
    connectStompjs7(new Client({ brokerURL: broker.webSocket(token), ...options }), headers);

scenarios("@stomp/stompjs 7 over WebSocket", { version: "1.2", connect: overWebSocket({}) });

scenarios("@stomp/stompjs 7 in binary messages", {
  version: "1.2",
  connect: overWebSocket({ forceBinaryWSFrames: true }),
});

scenarios("@stomp/stompjs 7 in split messages", {
  version: "1.2",
  isCutAnywhere: true,
  connect: overWebSocket({ splitLargeFrames: true, maxWebSocketChunkSize: 64 }),
});

// The first is what SockJS takes where it can choose; the others are what it falls back to. (Node.js has no frames in
// which the iframe, htmlfile and jsonp transports could run.)
for (const transport of ["websocket", "xhr-streaming", "eventsource", "xhr-polling"]) {
  scenarios(`@stomp/stompjs 7 over SockJS, ${transport}`, {
    version: "1.2",
    connect: ({ broker, token, headers }) => {
      const webSocketFactory = () => new SockJS(broker.sockjs(token), null, { transports: transport });
      return connectStompjs7(new Client({ webSocketFactory }), headers);
    },
  });
}
