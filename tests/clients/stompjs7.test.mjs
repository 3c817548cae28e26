// @stomp/stompjs 7: subprotocols on a WebSocket, none on SockJS; text, binary and split messages.
import { Client } from "@stomp/stompjs";
import SockJS from "sockjs-client";
import WebSocket from "ws";
import { connectStompjs7 } from "./adapters.mjs";
import { versioned } from "./results.mjs";
import { scenarios } from "./scenarios.mjs";

// Node.js 20 has none of its own.
globalThis.WebSocket = WebSocket;

const row = (transport) => ({ runtime: "Node.js", client: versioned("@stomp/stompjs"), transport, stomp: "1.2" });

const overWebSocket = (options) => (how) =>
  connectStompjs7(new Client({ brokerURL: how.broker.webSocket(how.token), ...options }), how);

scenarios(row("WebSocket"), { connect: overWebSocket({}) });

scenarios(row("WebSocket, binary messages"), { connect: overWebSocket({ forceBinaryWSFrames: true }) });

scenarios(row("WebSocket, split messages"), {
  isCutAnywhere: true,
  connect: overWebSocket({ splitLargeFrames: true, maxWebSocketChunkSize: 64 }),
});

// The first is what SockJS takes where it can choose; the others are what it falls back to. (The iframe, htmlfile and jsonp
// transports need a page: sockjs.test.mjs.)
for (const transport of ["websocket", "xhr-streaming", "eventsource", "xhr-polling"]) {
  scenarios(row(`SockJS, ${transport}`), {
    connect: (how) => {
      const webSocketFactory = () => new SockJS(how.broker.sockjs(how.token), null, { transports: transport });
      return connectStompjs7(new Client({ webSocketFactory }), how);
    },
  });
}
