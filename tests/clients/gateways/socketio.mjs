// Seeds 000, 001 and 002: socket.io-client 1.7, 2 and 4, by polling, by WebSocket, and from the one to the other. None of
// them confirms: the next poll or the pong of the WebSocket is the proof.
import assert from "node:assert/strict";
import io1 from "socket.io-client-1";
import io2 from "socket.io-client-2";
import { io as io4 } from "socket.io-client-4";
import { Queue, soon } from "../events.mjs";
import { unused } from "../people.mjs";
import { NotSent } from "./refused.mjs";
import { post } from "./rest.mjs";

const clients = { 1.7: io1, 2: io2, 4: io4 };
const transports = { polling: ["polling"], WebSocket: ["websocket"], "polling, then WebSocket": undefined };

const ways = Object.entries(clients).flatMap(([version, io]) =>
  Object.entries(transports).map(([name, chosen]) => ({
    name: `socket.io-client ${version}, ${name}`,
    options: { forceNew: true, reconnection: false, ...(chosen && { transports: chosen }) },
    io,
  })),
);

/** What `event` of `socket` brings next. */
const comes = (socket, event) => soon(event, new Promise((resolve) => socket.once(event, resolve)));

/** A client that is connected to `/`, and to these namespaces beside it. */
class Client {
  sockets = {};
  #queues = [];

  constructor(user) {
    this.user = user;
    this.inbox = this.queue("a message");
    this.notices = this.queue("a notice");
  }

  queue(what) {
    const queue = new Queue(`${what} of ${this.user.uname} by Socket.IO`);
    this.#queues.push(queue);
    return queue;
  }

  async open({ url, way, namespaces = [], listen }) {
    // A first request may meet a kept connection that the broker is just closing (HTTP's own race), and is tried again, as
    // people's clients do. Who was once connected stays away when cut.
    this.root = way.io(url, { ...way.options, reconnection: true });
    this.sockets["/"] = this.root;
    this.root.on("disconnect", (why) => this.#queues.forEach((queue) => queue.end(`${why}: the connection was closed`)));
    // Whatever is told as soon as it is connected is heard.
    const connected = [comes(this.root, "connect"), comes(this.root, "connected")];
    listen("/", this.root);
    for (const namespace of namespaces) {
      const socket = this.root.io.socket(namespace);
      this.sockets[namespace] = socket;
      connected.push(comes(socket, "connect"));
      listen(namespace, socket);
      socket.open();
    }
    await Promise.all(connected);
    this.root.io.reconnection(false);
  }

  /** Emits, and waits for the acknowledgement. */
  ask(event, body) {
    return soon(`the answer to ${event}`, new Promise((resolve) => this.root.emit(event, body, resolve)));
  }

  async leave() {
    const closed = new Promise((resolve) => this.root.io.engine.once("close", resolve));
    for (const socket of Object.values(this.sockets).reverse()) socket.close();
    await soon("the connection closes", closed);
  }
}

/** Seed 000. */
class Rooms extends Client {
  #receipts = new Map();
  #offline = this.queue("saoff");
  #pages = this.queue("shistory");
  #welcome = this.queue("auth-s");

  async enter(how) {
    await this.open({
      ...how,
      namespaces: ["/friend", "/group", "/server"],
      listen: (namespace, socket) => this.#listen(namespace, socket),
    });
    this.root.emit("auth-c", { sessionid: this.user.token });
    assert.deepEqual(await this.#welcome.next(), { code: 1 });
    this.root.emit("caoff", { from: this.user.uid, to: "server" });
    await this.#offline.next();
    return this;
  }

  #listen(namespace, socket) {
    const hear = (event, act) => socket.on(event, act);
    const notice = (...events) =>
      events.forEach((event) => hear(event, (told) => this.notices.put({ event: `${namespace} ${event}`, ...told })));
    if (namespace === "/") {
      hear("auth-s", (told) => this.#welcome.put(told));
      hear("shistory", (told) => this.#pages.put(told));
      hear("saoff", (told) => {
        for (const message of told.flogs) this.#message(message, null);
        for (const message of told.glogs) this.#message(message, message.to);
        this.#offline.put(told);
      });
      hear("news", (told) => {
        const settle = this.#receipts.get(told.id);
        if (settle) settle({ refused: told });
        else this.notices.put({ event: "/ news", ...told });
      });
    }
    if (namespace === "/friend") {
      hear("sfmsg", (message) => this.#message(message, null));
      notice("sfonline", "sfoffline", "addfriend", "deletefriend");
    }
    if (namespace === "/group") {
      hear("sgmsg", (message) => this.#message(message, message.to));
      notice("joingroup", "exitgroup");
    }
    if (namespace === "/server") notice("news");
  }

  /** What one sends comes back as its receipt. */
  #message(message, group) {
    const settle = this.#receipts.get(message.id);
    if (message.from === this.user.uid && settle) settle({ receipt: message });
    else this.inbox.put({ from: message.from, group, text: message.msg, whole: message });
  }

  async #say(namespace, event, to, msg) {
    const id = unused("message");
    const settled = new Promise((resolve) => this.#receipts.set(id, resolve)).finally(() => this.#receipts.delete(id));
    this.sockets[namespace].emit(event, { id, from: this.user.uid, to, sendDate: Date.now(), msg });
    const { receipt, refused } = await soon(`the receipt of ${event}`, settled);
    if (refused) throw new NotSent(refused);
    return receipt;
  }

  send(to, text) {
    return this.#say("/friend", "cfmsg", to.uid, text);
  }

  sendGroup(gid, text) {
    return this.#say("/group", "cgmsg", gid, text);
  }

  async history({ user, gid }) {
    const [to, type] = user ? [user.uid, "friend"] : [gid, "group"];
    this.root.emit("chistory", { id: unused("history"), from: this.user.uid, to, type, date: 0, len: 200 });
    const { data, fids } = await this.#pages.next();
    assert.deepEqual(fids, data.map(({ id }) => id));
    return data.map(({ from, msg }) => ({ from, text: msg }));
  }
}

/** Seed 001. */
class Conversations extends Client {
  #sessionToken;

  async enter(how) {
    await this.open({ ...how, listen: (_, socket) => this.#listen(socket) });
    const { uid, token } = this.user;
    const entered = await this.ask("logIn", { userId: uid, socketId: this.root.id, token });
    assert.match(entered.sessionToken, /^[0-9a-f]{32}$/);
    assert.deepEqual(entered, { userId: uid, socketId: this.root.id, sessionToken: entered.sessionToken });
    this.#sessionToken = entered.sessionToken;
    return this;
  }

  #listen(socket) {
    const take = (group, text) => (message) => {
      if ("pushType" in message) this.notices.put({ event: "message/direct", ...message });
      else this.inbox.put({ from: message.from, group: group(message), text: text(message), whole: message });
    };
    socket.on("message/direct", take(() => null, (message) => message.textContent));
    socket.on("message/conversation", take((message) => message.conversationId, (message) => message.content));
    socket.on("refused", (told) => this.notices.put({ ...told, event: `refused ${told.event}`.trim() }));
  }

  async #done(event, fields) {
    const answer = await this.ask(event, { sessionToken: this.#sessionToken, ...fields });
    if (answer.statusCode !== 201) throw new NotSent(answer);
    return answer.body;
  }

  async send(to, textContent) {
    const body = await this.#done("message/direct", { targetIds: [to.uid], type: "text", textContent });
    assert.deepEqual(body.sent, [to.uid]);
    return body;
  }

  sendGroup(conversationId, content) {
    return this.#done("message/conversation", { conversationId, ignoreIds: [], type: "text", content });
  }
}

/** Seed 002: one hears by Socket.IO, and sends by REST. */
class Typed extends Client {
  #registered = this.queue("the registration");

  async enter({ broker, device = "phone", ...how }) {
    this.broker = broker;
    await this.open({ ...how, listen: (_, socket) => socket.on("message", (text) => this.#hear(JSON.parse(text))) });
    const { uid, token } = this.user;
    this.root.send(JSON.stringify({ type: 1, data: { type: "user", uid, deviceid: device, token } }));
    assert.deepEqual(await this.#registered.next(), { type: 2, data: { code: 200 } });
    return this;
  }

  #hear({ type, data }) {
    if (type === 2) this.#registered.put({ type, data });
    // An operator may push these numbers as well, but without an id.
    else if ((type === 3 || type === 15) && data?.msgID) {
      this.inbox.put({ from: data.from, group: data.group ?? null, text: data.content, whole: data });
    } else this.notices.put({ event: type, data });
  }

  send(to, text) {
    return post(this.broker, this.user, { to: to.uid, content: text });
  }

  sendGroup(gid, text) {
    return post(this.broker, this.user, { group: gid, content: text });
  }
}

const given = (how) => Object.fromEntries(Object.entries(how).filter(([, value]) => value !== undefined));

const gateway = (name, Kind) => ({
  name,
  ways,
 
  groups: true,
  connect: ({ broker, user, ...how }) => new Kind(user).enter({ broker, way: ways[0], url: broker.url, ...given(how) }),
});

export const rooms = gateway("Socket.IO, seed 000", Rooms);
export const conversations = gateway("Socket.IO, seed 001", Conversations);
export const typed = gateway("Socket.IO, seed 002", Typed);
