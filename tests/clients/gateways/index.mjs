// Each gateway behind one small face, so that a test can be the same for all of them:
//
//   name                        what a test calls it
//   ways                        the clients and transports with which it can be had; at least one
//   groups                      whether its protocol sends to groups
//   connect({broker, user, way, url}) -> connection    `url` is the broker's own, where nothing is between
//
//   connection.send(user, text)       resolves when it is stored, with the gateway's own answer; NotSent if it is refused
//   connection.sendGroup(gid, text)   the same
//   connection.inbox                  a queue of `{from, group, text}`: `from` a uid, `group` a gid or null
//   connection.notices                a queue of what else came unasked, `{event, ...}` in the gateway's own words
//   connection.history({user} or {gid})   `[{from, text}]`, oldest first; only where the protocol can ask for it
//   connection.leave()                resolves when the connection is closed
//
// A connection that was opened hears: what is sent to its user from then on comes by itself, after all that waited.
import { packets } from "./packets.mjs";
import { rest } from "./rest.mjs";
import { conversations, rooms, typed } from "./socketio.mjs";
import { stomp } from "./stomp.mjs";

export { conversations, packets, rest, rooms, stomp, typed };

export const gateways = [stomp, rooms, conversations, typed, packets, rest];
