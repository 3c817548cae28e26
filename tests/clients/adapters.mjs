// Each client behind one small face:
//
//   connect({broker, token, headers, wire}) -> link    rejects if the connection is refused; the wire hears all messages
//   link.subscribe(destination, hear, headers) -> {unsubscribe()}    hear({body, headers, ack(headers), nack(headers)})
//   link.send(destination, body, headers)
//   link.begin(id) -> {id, commit(), abort()}
//   link.leave()                                   resolves when the connection is closed
//   link.version, link.receipts, link.errors, link.beatsIn, link.beatsOut, link.closed, link.queue(what)
//
// What the clients in a browser need of this runs there (inpage.mjs), so nothing here is of Node.js alone.
import { Queue, soon } from "./events.mjs";

/** As short as the broker agrees to. */
export const BEAT_MS = 1_000;

export class Refused extends Error {}

export class Link {
  #queues = [];
  #close;
  closed = new Promise((resolve) => {
    this.#close = resolve;
  });
  #lastError = "with no ERROR before";

  receipts = this.queue("a RECEIPT");
  errors = this.queue("an ERROR");
  beatsIn = this.queue("a heart-beat of the broker");
  beatsOut = this.queue("a heart-beat of the client");

  /** A queue that ends when the connection is closed. */
  queue(what) {
    const queue = new Queue(what);
    this.#queues.push(queue);
    return queue;
  }

  failed(frame) {
    this.#lastError = `after ERROR ${frame.headers.message}, ${frame.body}`;
    this.errors.put(frame);
  }

  close() {
    for (const queue of this.#queues) queue.end(`the connection was closed ${this.#lastError}`);
    this.#close();
  }

  /** Heart-beats show nowhere but in what a client says for debugging; all of them use the same words. */
  overhear(text) {
    if (text === "<<< PONG") this.beatsIn.put(text);
    if (text === ">>> PING") this.beatsOut.put(text);
  }
}

/** stomp.js 2 and webstomp-client, which grew out of it. `sendArguments` puts what SEND takes in the client's order. */
export function connectCallbackStyle(client, { headers, wire }, sendArguments, link = new Link()) {
  // The close that follows says enough.
  client.ws.onerror = () => {};
  client.heartbeat = { outgoing: BEAT_MS, incoming: BEAT_MS };
  client.debug = (text) => link.overhear(text);
  client.onreceipt = (frame) => link.receipts.put(frame.headers["receipt-id"]);
  // webstomp-client's own ids are the time and one of a thousand numbers, so five at once may well hold the same twice.
  let subscriptions = 0;
  link.subscribe = (destination, hear, more) =>
    client.subscribe(destination, hear, {
      id: `subscription-${++subscriptions}`,
      ...more,
    });
  link.send = (destination, body, more) => client.send(...sendArguments(destination, body, { ...more }));
  link.begin = (id) => client.begin(id);
  link.leave = async () => {
    // disconnect() forgets whoever listened for the close.
    const closed = new Promise((resolve) => {
      client.disconnect();
      client.ws.onclose = resolve;
    });
    await soon("the connection closes", closed);
  };
  const connected = new Promise((resolve, reject) => {
    client.connect(
      headers,
      (frame) => {
        link.version = frame.headers.version;
        resolve(link);
      },
      // An ERROR frame, or the news that the connection is closed.
      (trouble) => {
        if (trouble.command === "ERROR") link.failed(trouble);
        else link.close();
        reject(new Refused(trouble.headers?.message ?? "closed"));
      },
    );
    const { onmessage } = client.ws;
    client.ws.onmessage = (event) => {
      wire.message(event.data);
      onmessage(event);
    };
  });
  return soon("CONNECTED", connected);
}

/** @stomp/stompjs. */
export function connectStompjs7(client, { headers, wire }) {
  const link = new Link();
  client.configure({
    connectHeaders: headers,
    reconnectDelay: 0,
    heartbeatIncoming: BEAT_MS,
    heartbeatOutgoing: BEAT_MS,
    logRawCommunication: true,
    debug: (text) => {
      link.overhear(text);
      if (text.startsWith("<<< ") && text !== "<<< PONG") wire.message(text.slice(4));
    },
    onUnhandledReceipt: (frame) => link.receipts.put(frame.headers["receipt-id"]),
  });
  link.subscribe = (destination, hear, more) => client.subscribe(destination, hear, more);
  link.send = (destination, body, more) => client.publish({ destination, body, headers: more });
  link.begin = (id) => client.begin(id);
  // It asks for a RECEIPT of its DISCONNECT, and waits for it and for the close.
  link.leave = () => soon("the connection closes", client.deactivate());
  const connected = new Promise((resolve, reject) => {
    client.onConnect = (frame) => {
      link.version = frame.headers.version;
      resolve(link);
    };
    client.onStompError = (frame) => {
      link.failed(frame);
      reject(new Refused(frame.headers.message));
    };
    client.onWebSocketClose = () => {
      link.close();
      reject(new Refused("closed"));
    };
    client.activate();
  });
  return soon("CONNECTED", connected);
}
