// Seed 004: packets on a plain WebSocket. It never confirms: the pong of the WebSocket is the proof.
import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";
import { Queue, soon } from "../events.mjs";
import { unused } from "../people.mjs";
import { NotSent } from "./refused.mjs";

async function connect({ broker, user, url = broker.url }) {
  const granted = await broker.ask("POST", "/IM/token", undefined, user.token);
  assert.equal(granted.status, 200);
  const socket = new WebSocket(`${url.replace("http", "ws")}/${granted.body.wstoken}`);
  const inbox = new Queue(`a message of ${user.uname} by packets`);
  const notices = new Queue(`a notice of ${user.uname} by packets`);
  const answers = new Map();
  // The close that follows says enough.
  socket.on("error", () => {});
  socket.on("close", () => {
    inbox.end("the connection was closed");
    notices.end("the connection was closed");
  });
  socket.on("message", (data) => {
    const packet = JSON.parse(data.toString());
    const answer = packet.from === 0 && answers.get(packet.id);
    if (answer) answer(packet);
    else if (packet.from !== 0 && "ti".includes(packet.type)) {
      inbox.put({ from: packet.from, group: packet.group ?? null, text: packet.msg, whole: packet });
    } else notices.put({ event: packet.type, ...packet });
  });
  const ask = (type, to, msg) => {
    const id = unused(`${Date.now()}`);
    const answer = new Promise((resolve) => answers.set(id, resolve)).finally(() => answers.delete(id));
    socket.send(JSON.stringify({ id, to, type, msg }));
    return soon(`the answer to ${type}`, answer);
  };
  assert.equal((await notices.next()).event, "L");
  // Answers come in order: it hears now.
  assert.equal((await ask("P", 0, "ping")).msg, "pong");
  return {
    inbox,
    notices,
    ask,
    async send(to, text) {
      const answer = await ask("t", to.uid, text);
      if (answer.type !== "A") throw new NotSent(answer);
      return answer;
    },
    /** Its `H` has all conversations; those that are not asked for are left out here. */
    async history({ user: other, gid }) {
      const { msg, more } = await ask("H", 0, 0);
      assert.equal(more, false);
      const about = (packet) => (gid ? packet.group === gid : !packet.group && [packet.from, packet.to].includes(other.uid));
      return msg.filter(about).map((packet) => ({ from: packet.from, text: packet.msg }));
    },
    async leave() {
      const closed = once(socket, "close");
      socket.close();
      await soon("the connection closes", closed);
    },
  };
}

export const packets = { name: "packets", ways: [{ name: "ws" }], groups: false, connect };
