import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connection, type ConnectionListener } from "../src/connection";
import type { Protocol } from "../src/wires/protocols";
import type { Wire, WireListener } from "../src/wires/wire";

interface Opened {
  protocol: Protocol;
  listener: WireListener;
  wire: Wire;
}

let opened: Opened[];
let told: string[];
let connection: Connection;
const newest = () => opened.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers();
  opened = [];
  told = [];
  const listener = new Proxy({} as ConnectionListener, {
    get: (_, name: string) => () => name === "stateChanged" || told.push(name),
  });
  connection = new Connection((protocol, listener) => {
    const abilities = { tellsReceipt: true, tellsPresence: true, tellsNews: true, groups: true, strangers: true };
    const wire = { abilities, carrier: "a thread", send: () => true, close: vi.fn(() => listener.down()) };
    opened.push({ protocol, listener, wire });
    return wire;
  }, listener);
});

afterEach(() => {
  vi.useRealTimers();
});

test("is up when the wire says so, and carries nothing before", () => {
  connection.goOnline("packets");
  expect([connection.state, connection.wire, connection.carrier]).toEqual(["connecting", null, ""]);
  newest().listener.up();
  expect([connection.state, connection.carrier]).toEqual(["online", "a thread"]);
  expect(newest().protocol).toBe("packets");
  expect(told).toEqual(["up"]);
});

test("what is lost is tried again, later each time, until it is up", () => {
  connection.goOnline("socket.io");
  for (const wait of [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
    const tries = opened.length;
    newest().listener.down();
    expect(connection.state).toBe("waiting");
    vi.advanceTimersByTime(wait - 1);
    expect(opened).toHaveLength(tries);
    vi.advanceTimersByTime(1);
    expect(opened).toHaveLength(tries + 1);
  }
  newest().listener.up();
  newest().listener.down();
  vi.advanceTimersByTime(500);
  expect(connection.state).toBe("connecting");
});

test("a wire that is not up in time is closed, and another opened", () => {
  connection.goOnline("sockjs");
  vi.advanceTimersByTime(10_000);
  expect(opened[0]!.wire.close).toHaveBeenCalledOnce();
  expect(connection.state).toBe("waiting");
  expect(told).toEqual(["lost"]);
});

test("a wire that was left speaks for nobody", () => {
  connection.goOnline("sockjs");
  const left = newest();
  left.listener.up();
  connection.goOnline("socket.io");
  expect(left.wire.close).toHaveBeenCalledOnce();
  for (const speak of [left.listener.up, left.listener.down, left.listener.friendNews]) speak();
  expect(connection.state).toBe("connecting");
  expect(told).toEqual(["up"]);
});

test("off line is not tried again", () => {
  connection.goOnline("sockjs");
  newest().listener.down();
  connection.goOffline();
  vi.advanceTimersByTime(60_000);
  expect([connection.state, opened.length]).toEqual(["offline", 1]);
});
