// A headless Chromium, and the console in it, spoken of by its test ids (console/README.md).
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const desktop = { width: 1280, height: 800 };
export const phone = { width: 390, height: 844 };

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The browser's program, if there is one. */
export function findChromium() {
  if (process.env.HONGYAN_CHROMIUM) return process.env.HONGYAN_CHROMIUM;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
}

export class NoChromium extends Error {
  constructor() {
    super("install Chromium (Debian: apt install chromium), name one in HONGYAN_CHROMIUM, or set HONGYAN_SKIP_PAGE=1");
    // Where it was missed is of no use to anybody.
    this.stack = this.message;
  }
}

/** A browser with a profile of its own, which goes when it is closed. */
export function launch() {
  const executablePath = findChromium();
  if (!executablePath) throw new NoChromium();
  return chromium.launch({ executablePath, args: flags });
}

/** One half of the console: a form, or a person's desk. */
export class Side {
  #root;

  constructor(page, side) {
    this.#root = page.locator(`.panel[data-side="${side}"]`);
  }

  /** The element of this test id, perhaps with this state or other attribute. */
  id(testid, attributes = {}) {
    const more = Object.entries(attributes).map(([name, value]) => `[data-${name}="${value}"]`);
    return this.#root.locator(`[data-testid="${testid}"]${more.join("")}`);
  }

  async fill({ name, password }) {
    await this.id("name").fill(name);
    await this.id("password").fill(password);
  }

  async register(person) {
    await this.fill(person);
    await this.id("register").click();
    await this.isOnLine();
    return Number(await this.id("me").getAttribute("data-uid"));
  }

  isOnLine() {
    return this.id("connection-state", { state: "online" }).waitFor();
  }

  async chatWith(nameOrUid) {
    await this.id("peer").fill(String(nameOrUid));
    await this.id("start-chat").click();
  }

  isReadyToWrite() {
    return this.#root.locator('[data-testid="composer"]:focus').waitFor();
  }

  async write(text) {
    await this.id("composer").fill(text);
    await this.id("composer").press("Enter");
  }

  /** A message with these words, in this state. */
  message(text, attributes) {
    return this.id("message", attributes).filter({ hasText: text });
  }

  contents() {
    return this.id("content").allTextContents();
  }

  /** Waits for these words of a refusal. */
  isRefused(where, words) {
    return this.id("error", { where }).filter({ visible: true, hasText: words }).waitFor();
  }

  /** The switch off or on the line. */
  async flip(state) {
    await this.id("online").click();
    await this.id("connection-state", { state }).waitFor();
  }
}
