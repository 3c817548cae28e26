// The direct messages of seed 001 on socket.io: node peer.mjs PORT. In memory: it keeps nothing, and believes whoever logs in.
import { randomBytes } from "node:crypto";
import { Server } from "socket.io";

const io = new Server(Number(process.argv[2]), { transports: ["websocket"], perMessageDeflate: false, serveClient: false });
const sockets = new Map();
let messages = 0;

io.on("connection", (socket) => {
  socket.emit("connected", { socketId: socket.id });
  let me;
  let mine;
  socket.on("logIn", ({ userId }, acknowledge) => {
    me = userId;
    mine = randomBytes(16).toString("hex");
    sockets.set(me, socket);
    acknowledge({ userId, socketId: socket.id, sessionToken: mine });
  });
  socket.on("message/direct", ({ sessionToken, targetIds, ...fields }, acknowledge) => {
    if (sessionToken !== mine) {
      acknowledge({ statusCode: 401, body: { error: "log in first" } });
      return;
    }
    messages += 1;
    const id = messages;
    for (const target of targetIds) {
      sockets.get(target)?.emit("message/direct", { ...fields, targetIds, id, from: me });
    }
    acknowledge({ statusCode: 201, body: { id, sent: targetIds } });
  });
  socket.on("disconnect", () => sockets.get(me) === socket && sockets.delete(me));
});
