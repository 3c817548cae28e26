// In the browser: the links of a page, one after the other, held by `desk` for the test outside (pages.mjs), which hears of
// them by `tell(number of the link, what, thing)`.
import { connectCallbackStyle, Link, Refused } from "./adapters.mjs";
import { GIVE_UP_MS } from "./events.mjs";

const { SockJS, Stomp } = window;
let link, messages, subscriptions, transactions, tell;

/** A link whose queues are outside. */
function newLink(number) {
  tell = (what, thing) => window.tell(number, what, thing);
  [messages, subscriptions, transactions] = [[], new Map(), new Map()];
  link = new Link();
  for (const what of ["receipts", "errors", "beatsIn", "beatsOut"]) link[what] = { put: tell.bind(null, what) };
  link.closed.then(tell.bind(null, "closed"));
}

window.desk = {
  /** `{version}`, or `{refused}` with the reason. */
  async connect(number, url, transports, headers) {
    newLink(number);
    // By itself it gives a transport hardly a second to open, which a busy machine may need for a frame alone.
    const client = Stomp.over(new SockJS(url, null, { transports, timeout: GIVE_UP_MS }));
    const how = { headers, wire: { message: tell.bind(null, "wire") } };
    try {
      await connectCallbackStyle(client, how, (destination, body, more) => [destination, more, body], link);
      return { version: link.version };
    } catch (error) {
      if (error instanceof Refused) return { refused: error.message };
      throw error;
    }
  },

  subscribe(number, destination, more) {
    const hear = (message) => {
      const { body, headers } = message;
      tell("message", { subscription: number, message: messages.push(message) - 1, body, headers });
    };
    subscriptions.set(number, link.subscribe(destination, hear, more));
  },

  unsubscribe: (number) => subscriptions.get(number).unsubscribe(),
  send: (destination, body, more) => link.send(destination, body, more),
  ack: (message, more) => messages[message].ack(more),
  nack: (message, more) => messages[message].nack(more),
  begin: (id) => void transactions.set(id, link.begin(id)),
  commit: (id) => transactions.get(id).commit(),
  abort: (id) => transactions.get(id).abort(),
  leave: () => link.leave(),
};
