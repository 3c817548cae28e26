import { expect, test } from "vitest";
import { Instants, msgIdOf, msgIdOfShown, ownIdOf, packetIdOf } from "../src/model/msgid";

test("a client's own id is the SHA-1 of content and milliseconds, in hex", () => {
  expect(ownIdOf("abc", 1)).toBe("9ee036287b4cfbcfa3b5bbfcf92d46eb5e75df96");
});

test("hashes the content as UTF-8", () => {
  expect(ownIdOf("起来聊天", 1504712402000)).toBe("061283caec44b8ad92ea23b73d2fec564ad23e55");
});

test("the msgID is what the broker makes of the sender and a packet's id", () => {
  expect(msgIdOfShown(1, "7")).toBe("3497f7def3d6081e6f65ac6e577296bc6b810c05");
  expect(msgIdOf(1, "abc", 1)).toBe(msgIdOfShown(1, packetIdOf("abc", 1)));
});

test("the id of a packet is the id and the date of a Socket.IO message, as the broker joins them", () => {
  expect(packetIdOf("abc", 1)).toBe(`${ownIdOf("abc", 1)}:1`);
});

test("no two instants are the same, and they follow the clock", () => {
  let now = 10;
  const instants = new Instants(() => now);
  expect([instants.next(), instants.next()]).toEqual([10, 11]);
  now = 50;
  expect(instants.next()).toBe(50);
  now = 20;
  expect(instants.next()).toBe(51);
});
