// stomp.js 2.3.3, as old pages and old Node.js programs load it.
import SockJS from "sockjs-client";
import Stomp from "stompjs";
import WebSocket from "ws";
import { connectCallbackStyle } from "./adapters.mjs";
import { scenarios } from "./scenarios.mjs";

const connect =
  (open) =>
  ({ broker, token, headers }) =>
    connectCallbackStyle(open(broker, token), headers, (destination, body, more) => [destination, more, body]);

scenarios("stomp.js 2.3.3, Stomp.overWS", {
  version: "1.1",
  isDeaf: true,
  connect: connect((broker, token) => Stomp.overWS(broker.webSocket(token))),
});

scenarios("stomp.js 2.3.3 over WebSocket with its subprotocols", {
  version: "1.1",
  // What Stomp.client() does where there is a WebSocket.
  connect: connect((broker, token) =>
    Stomp.over(new WebSocket(broker.webSocket(token), ["v10.stomp", "v11.stomp"])),
  ),
});

scenarios("stomp.js 2.3.3 over SockJS", {
  version: "1.1",
  connect: connect((broker, token) => Stomp.over(new SockJS(broker.sockjs(token)))),
});
