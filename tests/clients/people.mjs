// A person with a connection, whichever client it is made with.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";

let sent = 0;

export function newMsgID(content) {
  return createHash("sha1").update(`${content}${Date.now()}${++sent}`).digest("hex");
}

/** One user with one connection, subscribed to everything of the seed. */
export class Person {
  #link;
  #left;

  static async at(broker, connect, user, name = user.uid) {
    const person = new Person();
    person.user = user;
    person.#link = await connect({ broker, token: user.token, headers: {} });
    const listen = (what, destination) => {
      const queue = person.#link.queue(`${what} for ${user.uname}`);
      person.#link.subscribe(destination, ({ body }) => queue.put(JSON.parse(body)));
      return queue;
    };
    person.pushes = listen("a message", `/user/${name}/recive`);
    person.sendStatus = listen("a send status", "/user/queue/send/status");
    person.confirmStatus = listen("a confirmation status", "/user/queue/recive/status");
    person.deliveries = listen("a delivery notice", "/user/queue/delivery/status");
    person.errors = listen("an error notice", "/user/queue/status");
    // Whoever comes later must find this one listening.
    person.#link.send("/socket/chat/init", "", { receipt: "here" });
    assert.equal(await person.#link.receipts.next(), "here");
    return person;
  }

  get link() {
    return this.#link;
  }

  /** The status that comes for it. */
  async send(to, content, msgID = newMsgID(content)) {
    this.post(to, content, msgID);
    return this.sendStatus.next();
  }

  post(to, content, msgID = newMsgID(content)) {
    this.#link.send("/socket/chat/send", JSON.stringify({ msgID, reciverId: to.user?.uid ?? to.uid, content }));
  }

  async confirm(msgID) {
    this.#link.send("/socket/chat/recive", JSON.stringify({ msgID }));
    return this.confirmStatus.next();
  }

  /** Subscribes to a topic or a queue: `{next(), take(count), unsubscribe()}`, once the subscription stands. */
  async listen(destination, headers = {}) {
    const messages = this.#link.queue(`a message of ${destination} for ${this.user.uname}`);
    const receipt = `listening-${++sent}`;
    const subscription = this.#link.subscribe(destination, (message) => messages.put(message), { ...headers, receipt });
    assert.equal(await this.#link.receipts.next(), receipt);
    return {
      next: () => messages.next(),
      take: (count) => messages.take(count),
      unsubscribe: () => subscription.unsubscribe(),
    };
  }

  /** Sends to a topic or a queue; resolves when that is done. */
  async put(destination, body) {
    const receipt = `put-${++sent}`;
    this.#link.send(destination, body, { receipt });
    assert.equal(await this.#link.receipts.next(), receipt);
  }

  /** Acknowledges a message of a queue; resolves when that is done. */
  async ack(message) {
    const receipt = `ack-${++sent}`;
    message.ack({ receipt });
    assert.equal(await this.#link.receipts.next(), receipt);
  }

  leave() {
    this.#left ??= this.#link.leave();
    return this.#left;
  }
}

/** A name that no other test has. */
export const unused = (name) => `${name}-${++sent}`;

/** Makes two users friends: one asks, the other agrees. */
export async function befriend(broker, asking, asked) {
  const request = await broker.ask("POST", "/api/friends/requests", { to: asked.uid, msg: "hello" }, asking.token);
  assert.equal(request.status, 201);
  const path = `/api/friends/requests/${request.body.id}/accept`;
  assert.equal((await broker.ask("POST", path, undefined, asked.token)).status, 200);
}
