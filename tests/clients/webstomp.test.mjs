// webstomp-client: asks for the one version of the subprotocol that was echoed.
import SockJS from "sockjs-client";
import WebSocket from "ws";
import webstomp from "webstomp-client";
import { connectCallbackStyle } from "./adapters.mjs";
import { versioned } from "./results.mjs";
import { scenarios } from "./scenarios.mjs";

const row = (transport, stomp) => ({ runtime: "Node.js", client: versioned("webstomp-client"), transport, stomp });

const connect = (open, options) => (how) =>
  connectCallbackStyle(webstomp.over(open(how.broker, how.token), options), how, (...sent) => sent);

const overWebSocket = (protocols) => (broker, token) => new WebSocket(broker.webSocket(token), protocols);

scenarios(row("WebSocket", "1.2"), {
  connect: connect(overWebSocket(webstomp.VERSIONS.supportedProtocols())),
});

scenarios(row("WebSocket, binary messages", "1.1"), {
  connect: connect(overWebSocket(["v11.stomp"]), { binary: true }),
});

scenarios(row("SockJS", "1.2"), {
  connect: connect((broker, token) => new SockJS(broker.sockjs(token))),
});
