// REST: whoever has no connection at all asks what waits, and says what has come.
import assert from "node:assert/strict";
import { NotSent } from "./refused.mjs";

/** `POST /api/messages`, which clients of seed 002 send with, too. */
export async function post(broker, user, message) {
  const { status, body } = await broker.ask("POST", "/api/messages", message, user.token);
  if (status !== 201) throw new NotSent(body);
  return body;
}

/** What waits, by asking for it. A message whose sender was told that it is stored is there. */
class Inbox {
  constructor(broker, user) {
    this.ask = (method, path) => broker.ask(method, path, undefined, user.token);
  }

  async take(count) {
    const { body } = await this.ask("GET", "/api/inbox");
    const taken = body.messages.slice(0, count);
    assert.equal(taken.length, count, `${count} messages wait`);
    for (const { msgID } of taken) {
      assert.equal((await this.ask("POST", `/api/messages/${msgID}/recive`)).status, 200);
    }
    return taken.map((message) => ({
      from: message.senderId,
      group: message.groupId ?? null,
      text: message.content,
      whole: message,
    }));
  }

  async next() {
    return (await this.take(1))[0];
  }
}

async function connect({ broker, user }) {
  return {
    inbox: new Inbox(broker, user),
    send: (to, text) => post(broker, user, { to: to.uid, content: text }),
    sendGroup: (gid, text) => post(broker, user, { group: gid, content: text }),
    async history({ user: other, gid }) {
      const messages = await kept(broker, user, { user: other, gid });
      return messages.map(({ senderId, content }) => ({ from: senderId, text: content }));
    },
    async leave() {},
  };
}

/** The history as `user` sees it, oldest first, whole. */
export async function kept(broker, user, { user: other, gid }) {
  const where = other ? `with=${other.uid}` : `group=${gid}`;
  const { body } = await broker.ask("GET", `/api/messages?${where}&limit=200`, undefined, user.token);
  return body.messages.reverse();
}

export const rest = { name: "REST", ways: [{ name: "fetch" }], groups: true, connect };
