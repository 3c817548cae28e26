// Makes docs/page.png, the picture of the console in the README: node tests/clients/picture.mjs
// It needs what the tests need, and a font with Chinese characters (Debian: fonts-noto-cjk).
import { fileURLToPath } from "node:url";
import { Broker } from "./broker.mjs";
import { desktop, launch, Side } from "./browser.mjs";

const path = fileURLToPath(new URL("../../docs/page.png", import.meta.url));
const password = "correct horse battery";

const broker = await Broker.start();
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: desktop, locale: "en-GB", colorScheme: "light" });
  await page.goto(`${broker.url}/`);
  const [left, right] = [new Side(page, "left"), new Side(page, "right")];
  await left.register({ name: "liaojiekx", password });
  await right.register({ name: "wususu", password });
  await right.id("transport").selectOption("socket.io");
  await right.id("carrier", { protocol: "socket.io" }).waitFor();
  await left.chatWith("wususu");
  await left.isReadyToWrite();
  await right.chatWith("liaojiekx");
  await right.isReadyToWrite();
  await left.id("befriend").click();
  await right.id("friend-request").getByTestId("accept").click();
  for (const side of [left, right]) await side.id("bond", { bond: "friend" }).waitFor();
  await left.id("make-group").click();
  await left.id("with").filter({ hasText: "&" }).waitFor();
  await left.write("A group of two 鸿雁");
  await right.id("groups").getByTestId("unread").filter({ hasText: "1" }).waitFor();
  await left.id("friends").getByTestId("conversation").click();
  for (const [from, to, text] of [
    [left, right, "起来聊天"],
    [right, left, "(=ↀωↀ=) 这么早?"],
    [left, right, "The wild geese are already flying. One letter for you:"],
    [left, right, "鸿雁长飞光不度,鱼龙潜跃水成文。"],
    [right, left, "Received, and the ticks say so.\n收到了!"],
  ]) {
    await from.write(text);
    await from.message(text, { state: "received" }).waitFor();
    await to.message(text, { mine: false, state: "received" }).waitFor();
  }
  const third = await broker.user("suwu");
  for (const content of ["到了吗?", "Are you there?"]) {
    await broker.ask("POST", "/api/messages", { to: "wususu", content }, third.token);
  }
  await right.id("unread").filter({ hasText: "2" }).waitFor();
  await broker.ask("POST", "/api/friends/requests", { to: "wususu", msg: "一起飞?" }, third.token);
  await right.id("friend-request").waitFor();
  await right.flip("offline");
  await left.write("And this one waits until you are back.");
  await left.message("waits", { state: "committed" }).waitFor();
  await left.id("peer-presence", { here: false }).waitFor();
  await left.id("friends").locator('[data-testid="presence"][data-here="false"]').waitFor();
  await page.mouse.move(0, 0);
  await page.screenshot({ path, animations: "disabled" });
} finally {
  await browser.close();
  await broker.remove();
}
