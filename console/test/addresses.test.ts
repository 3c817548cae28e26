import { expect, test } from "vitest";
import { Addresses } from "../src/addresses";

test("everything is below the page, with or without a context path", () => {
  const root = new Addresses("http://127.0.0.1:8080/?solo");
  expect(root.rest("api/login")).toBe("http://127.0.0.1:8080/api/login");
  const below = new Addresses("http://127.0.0.1:8080/Mimi/index.html#x");
  expect(below.contextPath).toBe("/Mimi/");
  expect(below.rest("api/login")).toBe("http://127.0.0.1:8080/Mimi/api/login");
  expect(below.sockjs("a.b-c")).toBe("http://127.0.0.1:8080/Mimi/socketServer?srect=a.b-c");
});

test("Socket.IO and packets are below the page, too", () => {
  const below = new Addresses("https://h/Mimi/index.html");
  expect(below.socketio()).toEqual({ origin: "https://h", path: "/Mimi/socket.io/" });
  expect(below.packets("a.b-c")).toBe("wss://h/Mimi/a.b-c");
});

test("the plain WebSocket is as safe as the page", () => {
  expect(new Addresses("http://h/").websocket("t")).toBe("ws://h/client?srect=t");
  expect(new Addresses("https://h/Mimi/").websocket("t")).toBe("wss://h/Mimi/client?srect=t");
});
