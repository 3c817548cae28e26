// A TCP proxy before the broker that can swallow what passes, as a network does that is gone without a word: nobody's
// connection is closed, and nothing arrives.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { soon } from "./events.mjs";

export class Proxy {
  #server;
  #broker;
  #sockets = new Set();
  #swallows = { up: false, down: false };
  #watched = [];

  static async before(broker) {
    const proxy = new Proxy();
    proxy.#broker = broker;
    proxy.#server = createServer((client) => proxy.#join(client));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  /** Where everything begins, as with the broker. */
  get url() {
    return this.#broker.url.replace(this.#broker.address, `127.0.0.1:${this.#server.address().port}`);
  }

  #join(client) {
    const [host, port] = this.#broker.address.split(":");
    const broker = connect({ host, port });
    const pass = (way, from, to, watched) => {
      this.#sockets.add(from);
      from.setNoDelay(true);
      // Whoever is gone is gone: the other side sees a close, unless all of it is swallowed.
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        if (!this.#swallows[way]) to.destroy();
      });
      let seen = "";
      from.on("data", (bytes) => {
        if (watched) {
          seen = (seen + bytes.toString("latin1")).slice(-10_000);
          this.#watched = this.#watched.filter(({ text, resolve }) => !seen.includes(text) || resolve());
        }
        if (!this.#swallows[way]) to.write(bytes);
      });
    };
    pass("up", client, broker, false);
    pass("down", broker, client, true);
  }

  /** From now on nothing passes: `up` from the client, `down` to it. */
  swallow(...ways) {
    for (const way of ways) this.#swallows[way] = true;
  }

  /** Resolves when the broker has said this, in ASCII, whether it is swallowed or not. */
  said(text) {
    return soon(`the broker says ${text}`, new Promise((resolve) => this.#watched.push({ text, resolve })));
  }

  /** The cable is pulled: whoever was connected is closed. */
  close() {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
