import { defineConfig } from "vitest/config";

const broker = "http://127.0.0.1:8080";

export default defineConfig({
  // The broker may serve the page below a context path, so no address in the build is absolute.
  base: "./",
  // sockjs-client still calls the global object by its Node name.
  define: { global: "globalThis" },
  server: {
    proxy: {
      "/api": broker,
      "/socketServer": { target: broker, ws: true },
      "/client": { target: broker, ws: true },
      "/socket.io": { target: broker, ws: true },
      "/IM": broker,
      // Packets are at the token itself.
      "^/[\\w-]+\\.[\\w-]+\\.[\\w-]+$": { target: broker, ws: true },
    },
  },
  test: { environment: "node", include: ["test/**/*.test.ts"] },
});
