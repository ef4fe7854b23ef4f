import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `npm run dev` shows a server that runs elsewhere: the real one, or mock/server.mjs.
const server = process.env["TRIBUTARY_URL"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), tailwind()],
  // Nothing is inlined: a strict content security policy knows no data URLs.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { "/api": server, "/ws": { target: server, ws: true } } },
  test: { environment: "jsdom", include: ["tests/**/*.test.{ts,tsx}"] },
});
