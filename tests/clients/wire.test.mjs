// That the other tests would notice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Wire } from "./wire.mjs";

for (const message of [
  "",
  "\r\n",
  "\n\n",
  "\nMESSAGE\na:b\n\nbody\0",
  "MESSAGE\na:b\n\nbody",
  "MESSAGE\na:b\n\nbody\0\n",
  "MESSAGE\na:b\n\none\0MESSAGE\na:b\n\ntwo\0",
  "MESSAGE\na:two words\n\nbody\0",
  "MESSAGE\na:with:colon\n\nbody\0",
  "MESSAGE\na:\n\nbody\0",
  "MESSAGE\r\na:b\r\n\r\nbody\0",
  Buffer.from("MESSAGE\na:b\n\nbody\0"),
]) {
  test(`a message that Android would lose is a fault: ${JSON.stringify(String(message))}`, () => {
    const wire = new Wire();
    wire.message("\n");
    wire.message("MESSAGE\na:b\n\nbody: of \\n lines\n\n\0");
    assert.deepEqual(wire.faults, []);
    wire.message(message);
    assert.notDeepEqual(wire.faults, []);
  });
}
