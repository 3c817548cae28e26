// A chat in a terminal with @stomp/stompjs: every line typed goes to PEER. `node chat.mjs NAME PASSWORD PEER`
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { Client } from "@stomp/stompjs";
import { WebSocket } from "ws";

Object.assign(globalThis, { WebSocket }); // from Node.js 22 on there is one
const url = process.env.HONGYAN_URL ?? "http://127.0.0.1:8080";
const [name, password, peer] = process.argv.slice(2);

async function rest(path, body, token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(url + path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  return answer.json();
}

await rest("/api/users", { name, password }); // makes the account, unless the name is taken
const { token, content: refusal } = await rest("/api/login", { name, password });
if (!token) throw new Error(refusal);

const client = new Client({ brokerURL: `${url.replace("http", "ws")}/client?srect=${token}` });
client.onStompError = (frame) => console.error(frame.headers.message, frame.body);
await new Promise((connected) => {
  // Called again after every reconnection.
  client.onConnect = () => {
    client.subscribe("/user/queue/send/status", (frame) => {
      const { code, status, content } = JSON.parse(frame.body);
      console.log(code, status, content);
    });
    client.subscribe(`/user/${name}/recive`, (frame) => {
      const { chatID, sender, content } = JSON.parse(frame.body);
      console.log(`${sender}: ${content}`);
      client.publish({ destination: "/socket/chat/recive", body: JSON.stringify({ msgID: chatID }) }); // it has arrived
    });
    client.publish({ destination: "/socket/chat/init" }); // push what came while I was away
    connected();
  };
  client.activate();
});

for await (const content of createInterface({ input: process.stdin })) {
  const { uid, content: refusal } = await rest(`/api/users/${encodeURIComponent(peer)}`, null, token);
  if (!uid) {
    console.log(refusal);
    continue;
  }
  const msgID = createHash("sha1").update(content + Date.now()).digest("hex");
  const body = JSON.stringify({ msgID, reciverId: uid, content });
  client.publish({ destination: "/socket/chat/send", body });
}
await client.deactivate();
