// stomp.js 2.3.3, as old pages and old Node.js programs load it.
import SockJS from "sockjs-client";
import Stomp from "stompjs";
import WebSocket from "ws";
import { connectCallbackStyle } from "./adapters.mjs";
import { versioned } from "./results.mjs";
import { scenarios } from "./scenarios.mjs";

const row = (transport) => ({ runtime: "Node.js", client: versioned("stompjs"), transport, stomp: "1.1" });

const connect = (open) => (how) =>
  connectCallbackStyle(open(how.broker, how.token), how, (destination, body, more) => [destination, more, body]);

scenarios(row("WebSocket, Stomp.overWS"), {
  isDeaf: true,
  connect: connect((broker, token) => Stomp.overWS(broker.webSocket(token))),
});

scenarios(row("WebSocket, its subprotocols"), {
  // What Stomp.client() does where there is a WebSocket.
  connect: connect((broker, token) =>
    Stomp.over(new WebSocket(broker.webSocket(token), ["v10.stomp", "v11.stomp"])),
  ),
});

scenarios(row("SockJS"), {
  connect: connect((broker, token) => Stomp.over(new SockJS(broker.sockjs(token)))),
});
