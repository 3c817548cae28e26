// webstomp-client: asks for the one version of the subprotocol that was echoed.
import SockJS from "sockjs-client";
import WebSocket from "ws";
import webstomp from "webstomp-client";
import { connectCallbackStyle } from "./adapters.mjs";
import { scenarios } from "./scenarios.mjs";

const connect =
  (open, options) =>
  ({ broker, token, headers }) =>
    connectCallbackStyle(webstomp.over(open(broker, token), options), headers, (destination, body, more) => [
      destination,
      body,
      more,
    ]);

const overWebSocket = (protocols) => (broker, token) => new WebSocket(broker.webSocket(token), protocols);

scenarios("webstomp-client over WebSocket", {
  version: "1.2",
  connect: connect(overWebSocket(webstomp.VERSIONS.supportedProtocols())),
});

scenarios("webstomp-client over WebSocket, STOMP 1.1 in binary messages", {
  version: "1.1",
  connect: connect(overWebSocket(["v11.stomp"]), { binary: true }),
});

scenarios("webstomp-client over SockJS", {
  version: "1.2",
  connect: connect((broker, token) => new SockJS(broker.sockjs(token))),
});
