// socket.io-client 1.7, 2 and 4 against examples/socketio_echo.rs: the transport alone, on every way that they know.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import io1 from "socket.io-client-1";
import io2 from "socket.io-client-2";
import { io as io4 } from "socket.io-client-4";
import { soon } from "./events.mjs";

const broker = process.env.HONGYAN_BIN ?? fileURLToPath(new URL("../../target/debug/hongyan", import.meta.url));
const program = join(dirname(broker), "examples", "socketio_echo");

const clients = { "1.7": io1, 2: io2, 4: io4 };
const ways = { polling: ["polling"], WebSocket: ["websocket"], "polling, then WebSocket": undefined };

let child;
let url;

before(async () => {
  child = spawn(program, ["--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await soon("the echo listens", once(createInterface(child.stdout), "line"));
  [, url] = /^listening on (\S+)$/.exec(line);
});

after(() => child.kill());

/** What `event` of `socket` brings. */
const comes = (socket, event) => soon(event, new Promise((resolve) => socket.once(event, (...args) => resolve(args))));

/** A socket of the same connection in another namespace. */
function beside(socket, namespace) {
  const other = socket.io.socket(namespace);
  other.open();
  return other;
}

for (const [version, io] of Object.entries(clients)) {
  for (const [way, transports] of Object.entries(ways)) {
    describe(`socket.io-client ${version}, ${way}`, () => {
      const options = { forceNew: true, reconnection: false, ...(transports && { transports }) };
      const open = async () => {
        const socket = io(url, options);
        const welcome = comes(socket, "welcome");
        await comes(socket, "connect");
        const [id] = await welcome;
        assert.equal(id, socket.id);
        return socket;
      };

      test("events and answers go both ways as they are", async () => {
        const socket = await open();
        const args = ["起来聊天😀", { a: [1, null], b: "\u2028" }, 1.5, ""];
        for (let round = 0; round < 5; round += 1) {
          const said = comes(socket, "say");
          socket.emit("say", ...args);
          assert.deepEqual(await said, args);
          const answer = await soon("an answer", new Promise((yes) => socket.emit("ask", ...args, (...all) => yes(all))));
          assert.deepEqual(answer, args);
        }
        socket.close();
      });

      test("many events keep their order", async () => {
        const socket = await open();
        const heard = [];
        const all = new Promise((resolve) => {
          socket.on("number", (number) => {
            heard.push(number);
            if (heard.length === 500) resolve();
          });
        });
        for (let number = 0; number < 500; number += 1) socket.emit("number", number, "x".repeat(1000));
        await soon("all numbers", all);
        assert.deepEqual(heard, [...heard.keys()]);
        socket.close();
      });

      test("namespaces are apart, and others than ours are refused", async () => {
        const socket = await open();
        const friend = beside(socket, "/friend");
        await comes(friend, "welcome");
        const [here, there] = [comes(socket, "where"), comes(friend, "where")];
        socket.emit("where", "root");
        friend.emit("where", "friend");
        assert.deepEqual([await here, await there], [["root"], ["friend"]]);
        const other = beside(socket, "/other");
        const refused = Promise.race([comes(other, "error"), comes(other, "connect_error")]);
        const [why] = await refused;
        assert.equal(why.message ?? why, "Invalid namespace");
        socket.close();
      });

      test("what was said is proven to have arrived", async () => {
        const socket = await open();
        socket.emit("say", 1);
        const proved = comes(socket, "proved");
        socket.emit("proof", 42);
        assert.deepEqual(await proved, [42]);
        socket.close();
      });

      test("eleven attachments are too many", async () => {
        const socket = await open();
        const ask = (count) =>
          soon("an answer", new Promise((yes) => socket.emit("ask", ...Array(count).fill(Buffer.from("a")), yes)));
        assert.equal((await ask(10)).refused, undefined);
        assert.match((await ask(11)).refused, /at most 10 attachments/);
        socket.close();
      });

      test("the server's end is told", async () => {
        const socket = await open();
        const over = comes(socket, "disconnect");
        socket.emit("bye");
        const [why] = await over;
        assert.equal(why, "io server disconnect");
        socket.close();
      });
    });
  }
}
