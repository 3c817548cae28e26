// stomp.js over sockjs-client in Chromium, forced to each transport in turn: those that ask another origin themselves from
// a page that is let in by --allow-origin, those that do it in a frame, and what is left from a page of the broker's own.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Broker } from "./broker.mjs";
import { findChromium, launch, NoChromium } from "./browser.mjs";
import { Refused } from "./adapters.mjs";
import { anotherOrigin, Pages } from "./pages.mjs";
import { proved, versioned } from "./results.mjs";
import { scenarios } from "./scenarios.mjs";

const skip = process.env.HONGYAN_SKIP_PAGE === "1" && "HONGYAN_SKIP_PAGE=1";
const hasBrowser = findChromium() !== undefined;

test("there is a browser for SockJS", { skip }, () => {
  if (!hasBrowser) throw new NoChromium();
});

const row = (transport) => ({
  runtime: "Chromium",
  client: `${versioned("stompjs")} over ${versioned("sockjs-client")}`,
  transport,
  stomp: "1.1",
});

describe("SockJS in Chromium", { skip: skip || (!hasBrowser && "no Chromium") }, () => {
  let browser, another;
  const origin = () => `http://127.0.0.1:${another.port}`;
  before(async () => {
    browser = await launch();
    another = await anotherOrigin();
  });
  after(async () => {
    await browser?.close();
    another?.close();
  });

  /** All scenarios by one transport, from a page whose origin this says; where it says none, from the broker's own. */
  const by = (transport, from, client = {}) => {
    let pages;
    scenarios(row(`SockJS, ${transport}${from ? ", from another origin" : ""}`), {
      concurrency: 4,
      isBrowser: true,
      connect: (how) => {
        pages ??= new Pages(browser, transport, from?.());
        return pages.connect(how);
      },
      end: () => pages?.close(),
      ...client,
    });
  };

  for (const transport of ["websocket", "xhr-streaming", "eventsource", "xhr-polling", "jsonp-polling"]) {
    by(transport, origin, { startBroker: () => Broker.start({ allowOrigin: origin() }) });
  }
  // What asks is a page of the broker's own, in a frame.
  for (const transport of ["iframe-eventsource", "iframe-htmlfile", "iframe-xhr-polling"]) by(transport, origin);
  by("htmlfile");

  describe("without a way in", () => {
    let broker;
    before(async () => {
      broker = await Broker.start({ allowOrigin: origin() });
    });
    after(() => broker?.remove());

    const isRefused = async (transport, from, why) => {
      const { token } = await broker.newUser("liaojiekx");
      const pages = new Pages(browser, transport, from);
      await assert.rejects(pages.connect({ broker, token, headers: {} }), new Refused(why));
      await pages.close();
    };

    test("a page of an origin that is not let in", async () => {
      for (const transport of ["websocket", "xhr-streaming", "eventsource", "jsonp-polling"]) {
        await isRefused(transport, `http://localhost:${another.port}`, "closed");
      }
    });

    test("a frame's page, which is of the broker's own origin, where that is not let in", async () => {
      await isRefused("iframe-xhr-polling", origin(), "closed");
    });

    // sockjs-client has these, but keeps them to itself here; the table says why.
    for (const transport of ["xdr-streaming", "xdr-polling", "htmlfile"]) {
      test(`sockjs-client does not take ${transport} from another origin in Chromium`, async () => {
        await isRefused(transport, origin(), "closed");
        proved(row(`SockJS, ${transport}, from another origin`), ["absent"]);
      });
    }
  });
});
