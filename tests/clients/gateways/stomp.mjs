// Seed 003: @stomp/stompjs over a WebSocket and over SockJS. It confirms what it is told.
import { Client } from "@stomp/stompjs";
import SockJS from "sockjs-client";
import WebSocket from "ws";
import { connectStompjs7 } from "../adapters.mjs";
import { newMsgID } from "../people.mjs";
import { NotSent } from "./refused.mjs";

// Node.js 20 has none of its own.
globalThis.WebSocket = WebSocket;

const overSockJS = (transport) => (url, token) => ({
  webSocketFactory: () => new SockJS(`${url}/socketServer?srect=${token}`, null, { transports: transport }),
});

const ways = [
  {
    name: "stompjs 7, WebSocket",
    factory: (url, token) => ({ brokerURL: `${url.replace("http", "ws")}/client?srect=${token}` }),
  },
  { name: "stompjs 7, SockJS over a WebSocket", factory: overSockJS("websocket") },
  { name: "stompjs 7, SockJS over polling", factory: overSockJS("xhr-polling") },
];

async function connect({ broker, user, way = ways[0], url = broker.url }) {
  const wire = { message() {} };
  const link = await connectStompjs7(new Client(way.factory(url, user.token)), { headers: {}, wire });
  const json = (destination, hear) => link.subscribe(destination, ({ body }) => hear(JSON.parse(body)));
  const queue = (what, destination) => {
    const made = link.queue(`${what} of ${user.uname} by STOMP`);
    if (destination) json(destination, (told) => made.put(told));
    return made;
  };
  const inbox = queue("a message");
  const notices = queue("a notice");
  const take = (message) => {
    inbox.put({ from: message.senderId, group: message.groupId ?? null, text: message.content, whole: message });
    link.send("/socket/chat/recive", JSON.stringify({ msgID: message.chatID }));
  };
  json(`/user/${user.uid}/recive`, take);
  json("/user/queue/group", (told) => ("chatID" in told ? take(told) : notices.put({ event: "group", ...told })));
  json("/user/queue/friend", (told) => notices.put({ event: "friend", ...told }));
  json("/user/queue/presence", (told) => notices.put({ event: "presence", ...told }));
  const outcomes = queue("the status of a SEND", "/user/queue/send/status");
  const pages = queue("a page of history", "/user/queue/history");
  const deliveries = queue("a delivery notice", "/user/queue/delivery/status");
  link.send("/socket/chat/init", "", { receipt: "here" });
  await link.receipts.next();

  const say = async (destination, text, to) => {
    const msgID = newMsgID(text);
    link.send(destination, JSON.stringify({ msgID, content: text, ...to }));
    const outcome = await outcomes.next();
    if (outcome.code !== 200) throw new NotSent(outcome);
    return outcome;
  };
  return {
    inbox,
    notices,
    deliveries,
    send: (to, text) => say("/socket/chat/send", text, { reciverId: to.uid }),
    sendGroup: (gid, text) => say("/socket/group/send", text, { groupId: gid }),
    async history({ user: other, gid }) {
      link.send("/socket/chat/history", JSON.stringify({ with: other?.uid, groupId: gid, len: 200 }));
      const { messages } = await pages.next();
      return messages.map(({ senderId, content }) => ({ from: senderId, text: content })).reverse();
    },
    leave: () => link.leave(),
  };
}

export const stomp = { name: "STOMP", ways, groups: true, connect };
