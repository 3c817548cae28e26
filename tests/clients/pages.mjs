// stomp.js over sockjs-client in pages of a browser, behind the same face as the clients of adapters.mjs.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { Link, Refused } from "./adapters.mjs";
import { soon } from "./events.mjs";

const files = {
  "inpage.html": ["inpage.html", "text/html"],
  "inpage.mjs": ["inpage.mjs", "text/javascript"],
  "adapters.mjs": ["adapters.mjs", "text/javascript"],
  "events.mjs": ["events.mjs", "text/javascript"],
  "sockjs.min.js": ["node_modules/sockjs-client/dist/sockjs.min.js", "text/javascript"],
  "stomp.js": ["node_modules/stompjs/lib/stomp.js", "text/javascript"],
};

/** The file that is asked for, for a page of ours: `{body, contentType}`. */
async function read(url) {
  const [path, contentType] = files[url.slice(url.lastIndexOf("/") + 1)];
  return { body: await readFile(new URL(path, import.meta.url)), contentType };
}

/** Where the broker's iframe page has its client from; tests need no Internet. */
const CDN = "https://cdn.jsdelivr.net/npm/sockjs-client@1/dist/sockjs.min.js";

/** Another origin than the broker's, with the page: `{port, close()}`. */
export async function anotherOrigin() {
  const server = createServer(async (request, response) => {
    // A browser also asks for an icon.
    if (request.url.startsWith("/inpage/")) {
      const { body, contentType } = await read(request.url);
      response.writeHead(200, { "Content-Type": contentType }).end(body);
    } else response.writeHead(404).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { port: server.address().port, close: () => server.close() };
}

/** A link that lives in a page. */
class LinkInPage extends Link {
  #page;
  #wire;
  #hears = [];
  #turn = Promise.resolve();

  constructor(page, wire) {
    super();
    this.#page = page;
    this.#wire = wire;
  }

  /** What the page has to tell. */
  told(what, thing) {
    if (what === "wire") this.#wire.message(thing);
    else if (what === "errors") this.failed(thing);
    else if (what === "closed") this.close();
    else if (what === "message") this.#message(thing);
    else this[what].put(thing);
  }

  #message({ subscription, message, body, headers }) {
    this.#hears[subscription]({
      body,
      headers,
      ack: (more) => this.#do("ack", message, more),
      nack: (more) => this.#do("nack", message, more),
    });
  }

  /** One thing after the other, whether anybody waits for it or not. */
  #do(act, ...how) {
    const ask = ([act, how]) => window.desk[act](...how);
    const done = this.#turn.then(() => this.#page.evaluate(ask, [act, how]));
    this.#turn = done.catch((error) => {
      this.failed({ headers: { message: `of the page at ${act}` }, body: error.message });
      this.close();
    });
    return done;
  }

  async connect(...how) {
    const { version, refused } = await this.#do("connect", ...how);
    if (refused) throw new Refused(refused);
    this.version = version;
    return this;
  }

  subscribe(destination, hear, more) {
    const number = this.#hears.push(hear) - 1;
    this.#do("subscribe", number, destination, more);
    return { unsubscribe: () => this.#do("unsubscribe", number) };
  }

  send(destination, body, more) {
    this.#do("send", destination, body, more);
  }

  begin(id = crypto.randomUUID()) {
    this.#do("begin", id);
    return { id, commit: () => this.#do("commit", id), abort: () => this.#do("abort", id) };
  }

  async leave() {
    await this.#do("leave");
    this.close();
  }
}

/** Pages for one link each. A browser opens six connections to a server and no more, but so many for every context. */
export class Pages {
  #browser;
  #transport;
  #origin;
  #contexts = [];
  #idle = [];

  /** Pages of `origin`, or of the broker's own, which take this transport of SockJS and no other. */
  constructor(browser, transport, origin) {
    this.#browser = browser;
    this.#transport = transport;
    this.#origin = origin;
  }

  /** Connects, as adapters.mjs says. */
  async connect({ broker, token, headers, wire }) {
    const desk = this.#idle.pop() ?? (await this.#open());
    const link = new LinkInPage(desk.page, wire);
    link.closed.then(() => this.#idle.push(desk));
    desk.link = link;
    desk.number += 1;
    const url = `${this.#origin ?? broker.url}/inpage/inpage.html`;
    if (desk.page.url() !== url) await desk.page.goto(url);
    return soon("CONNECTED", link.connect(desk.number, broker.sockjs(token), this.#transport, headers));
  }

  async #open() {
    const context = await this.#browser.newContext();
    this.#contexts.push(context);
    const page = await context.newPage();
    const desk = { page, link: null, number: 0 };
    await page.exposeFunction("tell", (number, what, thing) => {
      if (number === desk.number) desk.link.told(what, thing);
    });
    // Playwright answers by itself what a browser asks before it asks another origin, as soon as it has a hand in any
    // request. So it has none where that matters.
    const serve = async (route) => route.fulfill(await read(route.request().url()));
    if (!this.#origin) await page.route("**/inpage/*", serve);
    if (this.#transport.startsWith("iframe-")) await page.route(CDN, serve);
    return desk;
  }

  async close() {
    await Promise.all(this.#contexts.map((context) => context.close()));
  }
}
