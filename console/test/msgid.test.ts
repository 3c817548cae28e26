import { expect, test } from "vitest";
import { Instants, msgIdOf } from "../src/model/msgid";

test("is the SHA-1 of content and milliseconds, in hex", () => {
  expect(msgIdOf("abc", 1)).toBe("9ee036287b4cfbcfa3b5bbfcf92d46eb5e75df96");
});

test("hashes the content as UTF-8", () => {
  expect(msgIdOf("起来聊天", 1504712402000)).toBe("061283caec44b8ad92ea23b73d2fec564ad23e55");
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
